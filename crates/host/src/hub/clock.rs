//! The host's clock, in the form the optimizer takes.

use std::time::{Instant as Monotonic, SystemTime, UNIX_EPOCH};

use weirhouse_runner::wit::types::Instant;

/// Monotonic time since the start, and the wall clock.
pub(super) struct Clock {
    started: Monotonic,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self {
            started: Monotonic::now(),
        }
    }

    pub(super) fn now(&self) -> Instant {
        Instant {
            mono: self.started.elapsed().as_micros() as u64,
            wall: wall_us(),
        }
    }
}

/// Microseconds since the Unix epoch; negative on a clock set before it.
fn wall_us() -> i64 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => since.as_micros() as i64,
        Err(before) => -(before.duration().as_micros() as i64),
    }
}
