//! How often a token may ask: a bucket that fills at a steady rate.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

/// How often each token may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests per second in the long run; 0 for no limit.
    pub per_second: u32,
    /// Requests at once after a pause, at least 1.
    pub burst: u32,
}

impl Default for RateLimit {
    /// Far above what a dashboard or script asks, far below what one connection
    /// can: it stops loops that went wild.
    fn default() -> Self {
        Self {
            per_second: 1000,
            burst: 2000,
        }
    }
}

impl RateLimit {
    /// A full bucket; `None` for no limit.
    pub(super) fn bucket(self) -> Option<Bucket> {
        let rate = NonZeroU32::new(self.per_second)?;
        let burst = NonZeroU32::new(self.burst).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(rate).allow_burst(burst);
        Some(Bucket(RateLimiter::direct(quota)))
    }
}

/// One token's bucket.
pub(super) struct Bucket(DefaultDirectRateLimiter);

impl Bucket {
    /// Takes one request out of it.
    ///
    /// # Errors
    /// How long until there is one.
    pub(super) fn take(&self) -> Result<(), Duration> {
        self.0
            .check()
            .map_err(|refused| refused.wait_time_from(DefaultClock::default().now()))
    }
}
