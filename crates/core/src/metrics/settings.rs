//! What is recorded, and how much of it is kept.

use alloc::format;

use crate::Error;
use crate::time::length;

/// Most names that can be allowed: with the widest histograms some 3.5 GB, with
/// usual ones 100 MB.
const MOST_NAMES: u32 = 100_000;

/// Longest list of slow operations.
const MOST_SLOW: u32 = 10_000;

/// Most points of a history, and most metrics with one: 32 MB in all.
const MOST_HISTORY: u32 = 1_000;

/// What is recorded, and how much of it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// While not, what is reported is taken and forgotten.
    pub enabled: bool,
    /// Most metrics of their own, a name with other tags being another; 1 to
    /// 100,000. The rest share one for each kind. Lowered, it forgets none.
    pub names: u32,
    /// An operation that takes longer is slow; in microseconds, at least 0.
    pub slow_over_us: i64,
    /// Slow operations listed, at most 10,000.
    pub slow_list: u32,
    /// Length of the intervals of a history, in microseconds, over 0.
    pub history_interval_us: i64,
    /// Intervals of a history, 1 to 1,000.
    pub history_points: u32,
    /// How many metrics have one, the first to be recorded; at most 1,000.
    pub history_metrics: u32,
    /// Length of the window of every timer with a history, in microseconds, over
    /// 0; `None` keeps no windows. Default `None`.
    pub window_us: Option<i64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            names: 1_000,
            slow_over_us: 100_000,
            slow_list: 100,
            history_interval_us: 10_000_000,
            history_points: 60,
            history_metrics: 64,
            window_us: None,
        }
    }
}

impl Settings {
    pub(super) fn check(&self) -> Result<(), Error> {
        within("names", self.names, 1, MOST_NAMES)?;
        length("slow-over", self.slow_over_us, true)?;
        within("slow-list", self.slow_list, 0, MOST_SLOW)?;
        length("history-interval", self.history_interval_us, false)?;
        if let Some(window_us) = self.window_us {
            length("window", window_us, false)?;
        }
        within("history-points", self.history_points, 1, MOST_HISTORY)?;
        within("history-metrics", self.history_metrics, 0, MOST_HISTORY)
    }

    /// Whether histories and windows have the same shape under other settings.
    pub(super) fn same_history(&self, other: &Self) -> bool {
        let shape = |of: &Self| (of.history_interval_us, of.history_points, of.window_us);
        shape(self) == shape(other)
    }
}

fn within(name: &str, value: u32, from: u32, to: u32) -> Result<(), Error> {
    if (from..=to).contains(&value) {
        return Ok(());
    }
    Err(Error::InvalidArgument(format!(
        "{name} must be {from} to {to}, not {value}"
    )))
}
