//! Figures about a running hub.

mod gathered;

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

/// What `GET /v1/stats` answers. Counters start at zero with the process.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Stats {
    /// Version of the program.
    pub version: &'static str,
    /// Seconds since the start.
    pub uptime_s: f64,
    /// The home.
    pub home: HomeStats,
    /// Readings and what became of them.
    pub updates: UpdateStats,
    /// Groups of updates.
    pub batches: BatchStats,
    /// What streams of states got that are shaped for their clients.
    pub streams: StreamStats,
    /// The two-level cache.
    pub cache: CacheStats,
    /// Lines for language models.
    pub context: ContextStats,
    /// Refreshes asked of Home Assistant.
    pub schedule: ScheduleStats,
    /// The optimizer's instance.
    pub optimizer: OptimizerStats,
    /// How long things take, by name of operation.
    pub operations: BTreeMap<String, OperationStats>,
}

/// The home.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct HomeStats {
    /// Whether the link is up.
    pub connected: bool,
    /// Why not, in one sentence.
    pub reason: Option<String>,
    /// Its version, as it says.
    pub ha_version: Option<String>,
    /// Whether it may hold other values by now.
    pub stale: bool,
    /// Entities in the mirror.
    pub entities: usize,
    /// Entities that programs report, beside those in the mirror.
    pub reported: usize,
    /// Connections made.
    pub connections: u64,
}

/// Readings: values of states and attributes that differed from the one
/// before, as Home Assistant sends no others.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct UpdateStats {
    /// Readings judged.
    pub observed: u64,
    /// Published at once.
    pub published: u64,
    /// Published by heartbeat or settling.
    pub timed: u64,
    /// Suppressed.
    pub suppressed: u64,
    /// Of these, older than the newest.
    pub late: u64,
    /// Suppressed, less those that time published after all.
    pub held_back: u64,
    /// These as a share of all, 0 to 1.
    pub suppressed_share: f64,
}

/// Groups of updates.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BatchStats {
    /// Updates put in.
    pub updates: u64,
    /// Merged into one already waiting.
    pub coalesced: u64,
    /// Dropped at the capacity.
    pub dropped: u64,
    /// Batches sent.
    pub batches: u64,
    /// Entities waiting now.
    pub pending: u32,
    /// Entities per batch.
    pub mean_size: f64,
}

/// Changes for clients of streams, each for each client. `offered` is the sum of
/// the rest.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StreamStats {
    /// Changes of what a client asks for.
    pub offered: u64,
    /// Sent.
    pub given: u64,
    /// Merged into one that waited.
    pub merged: u64,
    /// Did not matter to the client.
    pub suppressed: u64,
    /// Dropped because too many waited; the client begins anew.
    pub dropped: u64,
    /// Taken back, as a change of what has left, or because the client has.
    pub withdrawn: u64,
    /// Waiting now.
    pub waiting: u64,
}

/// The two-level cache.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CacheStats {
    /// Memory.
    pub l1: LevelStats,
    /// Disk.
    pub l2: LevelStats,
    /// Hits of either level as a share of all reads, 0 to 1.
    pub hit_rate: f64,
    /// Values that callers fetch.
    pub fetch: FetchStats,
}

/// Values that callers fetch, once for all who ask.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FetchStats {
    /// Leases given to fetch a value, those ahead of the end of a life included.
    pub leases: u64,
    /// Of these, to fetch one before its life ends.
    pub ahead: u64,
    /// Reads that met somebody else's fetch.
    pub coalesced: u64,
    /// Fetches that brought a value.
    pub fulfilled: u64,
    /// Fetches that found there is nothing.
    pub nothing: u64,
    /// Fetches that failed.
    pub failed: u64,
    /// Leases that ran out before they were settled.
    pub lapsed: u64,
    /// Results that came after something newer and were not taken.
    pub superseded: u64,
    /// Stale values served while they were fetched anew.
    pub stale: u64,
    /// Reads answered by knowing that there is nothing.
    pub negative: u64,
    /// Values served because a fetch had failed.
    pub rescued: u64,
}

/// One level.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LevelStats {
    /// Reads it answered.
    pub hits: u64,
    /// Reads it could not answer.
    pub misses: u64,
    /// Live entries that left for want of room.
    pub evictions: u64,
    /// Entries that left at the end of their life.
    pub expirations: u64,
    /// Entries now.
    pub entries: u64,
    /// Bytes of keys and values now.
    pub bytes: u64,
    /// Hits as a share of its reads, 0 to 1.
    pub hit_rate: f64,
}

/// Lines for language models.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ContextStats {
    /// Lines known; none until a context was asked for.
    pub lines: u32,
    /// Lines offered for a choice.
    pub offered: u64,
    /// Of these, those whose tokens were known.
    pub reused: u64,
}

/// Refreshes asked of Home Assistant.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ScheduleStats {
    /// Entities on the schedule.
    pub registered: usize,
    /// Refreshes asked for.
    pub refreshes: u64,
    /// Of these, refused.
    pub failures: u64,
    /// Budgets that refreshes come out of, by name.
    pub budgets: BTreeMap<String, BudgetStats>,
}

/// What a budget has spent and has left.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BudgetStats {
    /// Entities whose refreshes come out of it.
    pub members: u32,
    /// Refreshes of the last 60 s; 0 without a bound for the minute.
    pub last_minute: u32,
    /// Refreshes since its day began.
    pub today: u32,
    /// What is left until its day ends, the reserve aside; `null` without a
    /// bound for the day.
    pub left_today: Option<u32>,
    /// Until then, in seconds.
    pub resets_in_s: f64,
}

/// The optimizer's instance.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OptimizerStats {
    /// Instances replaced after a trap.
    pub traps: u64,
    /// Series whose last reading is set aside.
    pub set_aside: usize,
}

/// How long one operation takes.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OperationStats {
    /// How often it ran.
    pub count: u64,
    /// How often it failed.
    pub failed: u64,
    /// How often it took over 100 ms.
    pub slow: u64,
    /// All of them together, in microseconds.
    pub sum_us: f64,
    /// Microseconds; percentiles within 1 %.
    pub mean_us: f64,
    /// The shortest.
    pub min_us: f64,
    /// The longest.
    pub max_us: f64,
    /// Half of them are no longer.
    pub p50_us: f64,
    /// 95 % of them are no longer.
    pub p95_us: f64,
    /// 99 % of them are no longer.
    pub p99_us: f64,
}
