//! Samples of one timer, and how many of them failed or were slow.

use super::histogram::Histogram;
use super::{Key, Summary};

#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    pub(super) samples: Histogram,
    pub(super) failed: u64,
    pub(super) slow: u64,
}

impl Tally {
    /// Adds a sample in microseconds, unless it is refused.
    pub(super) fn record(&mut self, micros: f64, failed: bool, slow: bool) -> bool {
        let taken = self.samples.record(micros);
        self.failed += u64::from(taken && failed);
        self.slow += u64::from(taken && slow);
        taken
    }

    /// Adds all samples of another.
    pub(super) fn add(&mut self, other: &Self) {
        self.samples.add(&other.samples);
        self.failed += other.failed;
        self.slow += other.slow;
    }

    pub(super) fn summary(&self, key: &Key) -> Summary {
        Summary::new(key, &self.samples, self.failed, self.slow)
    }
}
