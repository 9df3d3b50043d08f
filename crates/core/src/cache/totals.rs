//! What has happened in the cache, counted.

use core::ops::AddAssign;

/// Counters of one level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LevelTotals {
    /// Reads it answered.
    pub hits: u64,
    /// Reads it could not answer.
    pub misses: u64,
    /// Live entries that left for want of room.
    pub evictions: u64,
    /// Entries that left because their life had ended.
    pub expirations: u64,
}

impl AddAssign for LevelTotals {
    fn add_assign(&mut self, other: Self) {
        self.hits += other.hits;
        self.misses += other.misses;
        self.evictions += other.evictions;
        self.expirations += other.expirations;
    }
}

/// Counters of one namespace, or of all together.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Totals {
    /// The first level.
    pub memory: LevelTotals,
    /// Entries in memory now, expired ones that were not met yet included.
    pub memory_entries: u32,
    /// Bytes of their keys and values.
    pub memory_bytes: u64,
    /// The second level. What the store trimmed or swept counts for all
    /// namespaces together only.
    pub disk: LevelTotals,
    /// Hits of either level as a share of all reads, 0 to 1; 0 before any.
    pub hit_rate: f64,
}

impl AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.memory += other.memory;
        self.memory_entries += other.memory_entries;
        self.memory_bytes += other.memory_bytes;
        self.disk += other.disk;
    }
}

impl Totals {
    /// Derives the hit rate. Each read asks memory first, so its hits and
    /// misses are all reads.
    pub(super) fn with_hit_rate(mut self) -> Self {
        let reads = self.memory.hits + self.memory.misses;
        let hits = self.memory.hits + self.disk.hits;
        // A record admitted unasked is a hit without a read.
        self.hit_rate = if reads == 0 {
            0.0
        } else {
            hits.min(reads) as f64 / reads as f64
        };
        self
    }
}

/// Counters of fetching, of one namespace or of all together. What was served
/// stale or known to be nothing counts as a miss of its level as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FetchTotals {
    /// Stale values served from memory while they were fetched anew.
    pub stale_memory_hits: u64,
    /// Stale values served from disk while they were fetched anew.
    pub stale_disk_hits: u64,
    /// Reads answered by knowing that there is nothing.
    pub negative_hits: u64,
    /// Leases given, those for refreshing ahead included.
    pub leases: u64,
    /// Reads that met the lease of another and needed no fetch of their own.
    pub coalesced: u64,
    /// Fetches that brought a value.
    pub fulfilled: u64,
    /// Fetches that found there is nothing.
    pub nothing: u64,
    /// Fetches that failed.
    pub failed: u64,
    /// Values served because a fetch had failed.
    pub rescued: u64,
    /// Leases that ran out before they were settled and were given anew.
    pub lapsed: u64,
    /// Results that came after something newer and were not taken.
    pub superseded: u64,
    /// Leases given to fetch a value before its life ends.
    pub refreshed_ahead: u64,
}

impl AddAssign for FetchTotals {
    fn add_assign(&mut self, other: Self) {
        self.stale_memory_hits += other.stale_memory_hits;
        self.stale_disk_hits += other.stale_disk_hits;
        self.negative_hits += other.negative_hits;
        self.leases += other.leases;
        self.coalesced += other.coalesced;
        self.fulfilled += other.fulfilled;
        self.nothing += other.nothing;
        self.failed += other.failed;
        self.rescued += other.rescued;
        self.lapsed += other.lapsed;
        self.superseded += other.superseded;
        self.refreshed_ahead += other.refreshed_ahead;
    }
}
