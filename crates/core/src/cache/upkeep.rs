//! What an entry in memory carries for being served stale and fetched ahead.

use super::policy::{RefreshAhead, StaleLives};

/// Beside the value of one entry.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Upkeep {
    /// The first moment at which memory may not serve it as fresh any more, on
    /// the monotonic clock. Memory keeps it longer only where no store does.
    pub(super) fresh_until_us: u64,
    /// How long past that it may be served stale.
    pub(super) stale: StaleLives,
    /// The end of its fresh life on the lowest level, on the monotonic clock.
    pub(super) life_end_us: u64,
    /// That life in full.
    pub(super) life_us: u64,
    /// Reads since it was written or came into memory.
    pub(super) reads: u32,
    /// Whether it was handed out to be fetched ahead: once in a life is enough.
    pub(super) fetched_ahead: bool,
}

impl Upkeep {
    /// How long ago its fresh life ended, in microseconds; 0 while it lasts.
    pub(super) fn stale_for_us(&self, mono_us: u64) -> i64 {
        let stale_for_us = mono_us.saturating_sub(self.fresh_until_us);
        i64::try_from(stale_for_us).unwrap_or(i64::MAX)
    }

    /// Whether it is due to be fetched before its life ends.
    pub(super) fn is_due(&self, mono_us: u64, policy: RefreshAhead) -> bool {
        let remaining_us = self.life_end_us.saturating_sub(mono_us);
        !self.fetched_ahead
            && self.reads >= policy.least_reads
            && remaining_us > 0
            && remaining_us as f64 <= self.life_us as f64 * policy.share
    }
}
