//! Between which intervals a policy may choose.

use alloc::format;

use crate::Error;
use crate::time::length;

/// The shortest and the longest interval allowed, both over 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    shortest_us: u64,
    longest_us: u64,
}

impl Bounds {
    /// Bounds in microseconds; refused unless `0 < shortest ≤ longest`.
    pub fn check(shortest_us: i64, longest_us: i64) -> Result<Self, Error> {
        let bounds = Self {
            shortest_us: length("shortest interval", shortest_us, false)?,
            longest_us: length("longest interval", longest_us, false)?,
        };
        if bounds.shortest_us > bounds.longest_us {
            return Err(Error::InvalidArgument(format!(
                "the longest interval must be at least the shortest, which is {} s, not {} s",
                shortest_us as f64 / 1e6,
                longest_us as f64 / 1e6
            )));
        }
        Ok(bounds)
    }

    /// Never asked sooner than this after the last time.
    pub fn shortest_us(self) -> u64 {
        self.shortest_us
    }

    /// Asked again after this at the latest.
    pub fn longest_us(self) -> u64 {
        self.longest_us
    }

    /// The geometric middle, where a policy starts that knows nothing.
    pub(super) fn middle_us(self) -> u64 {
        let product = self.shortest_us as f64 * self.longest_us as f64;
        (libm::sqrt(product) as u64).clamp(self.shortest_us, self.longest_us)
    }

    /// The length within the bounds that is nearest to so many seconds.
    pub(super) fn clamp_seconds(self, seconds: f64) -> u64 {
        // The cast saturates, and takes what is no number for 0.
        ((seconds * 1e6) as u64).clamp(self.shortest_us, self.longest_us)
    }
}
