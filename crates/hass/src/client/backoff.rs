//! Delays between attempts to connect: exponential, capped, with jitter.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// The delays of one client.
#[derive(Debug)]
pub(super) struct Backoff {
    min: Duration,
    max: Duration,
    failures: u32,
}

impl Backoff {
    pub(super) fn new(min: Duration, max: Duration) -> Self {
        Self {
            min,
            max: max.max(min),
            failures: 0,
        }
    }

    /// The delay before the next attempt: between half and all of what is due, so that many clients of one
    /// restarted Home Assistant spread out.
    pub(super) fn next_delay(&mut self) -> Duration {
        self.next_with(random_fraction())
    }

    /// Starts over after a connection that lasted.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    fn next_with(&mut self, fraction: f64) -> Duration {
        let factor = 2u32.saturating_pow(self.failures);
        self.failures = self.failures.saturating_add(1);
        let full = self.min.saturating_mul(factor).min(self.max);
        full.mul_f64(0.5 + fraction / 2.0)
    }
}

/// A number in 0..1 from the standard library's per-process random keys; good enough to spread clients.
fn random_fraction() -> f64 {
    let bits = RandomState::new().hash_one(0u8) >> 11;
    bits as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_cap_and_start_over() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_mins(1));
        let delays: Vec<u64> = (0..9).map(|_| backoff.next_with(1.0).as_secs()).collect();
        assert_eq!(delays, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        backoff.reset();
        assert_eq!(backoff.next_with(0.0), Duration::from_millis(500));
    }

    #[test]
    fn a_very_long_outage_does_not_overflow() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_mins(1));
        backoff.failures = u32::MAX;
        assert_eq!(backoff.next_with(1.0), Duration::from_mins(1));
    }

    #[test]
    fn jitter_is_within_bounds_and_varies() {
        let draws: Vec<f64> = (0..64).map(|_| random_fraction()).collect();
        assert!(draws.iter().all(|draw| (0.0..1.0).contains(draw)));
        assert!(draws.iter().any(|draw| (draw - draws[0]).abs() > 0.01));
    }
}
