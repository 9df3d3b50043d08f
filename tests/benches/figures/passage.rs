//! The time in a home as its readings come in, and what it makes due.

use weirhouse_runner::operations::Optimizer;
use weirhouse_runner::wit::types::Instant;

/// How often what is due is taken, at most: the window of the batcher.
pub(crate) const WINDOW_US: u64 = 100_000;

/// Time that goes on from one round of a bench to the next.
pub(crate) struct Passage {
    spacing_us: u64,
    mono_us: u64,
    window_ended: bool,
}

impl Passage {
    /// Of a home with a reading so often.
    pub(crate) fn new(spacing_us: u64) -> Self {
        Self {
            spacing_us,
            mono_us: 0,
            window_ended: false,
        }
    }

    /// The time after so many more readings.
    pub(crate) fn after(&mut self, readings: usize) -> Instant {
        let passed_us = readings as u64 * self.spacing_us;
        self.mono_us += passed_us;
        self.window_ended = self.mono_us % WINDOW_US < passed_us;
        self.now()
    }

    /// If a window ended with those readings, takes what became due, and the
    /// batches that leave.
    pub(crate) fn collect(&self, optimizer: &mut dyn Optimizer) {
        if self.window_ended {
            let due = optimizer.tick(self.now()).unwrap();
            if due.published > 0 {
                optimizer.poll_published().unwrap();
            }
            for _ in 0..due.batches {
                optimizer.poll_batch().unwrap();
            }
        }
    }

    fn now(&self) -> Instant {
        Instant {
            mono: self.mono_us,
            wall: 0,
        }
    }
}
