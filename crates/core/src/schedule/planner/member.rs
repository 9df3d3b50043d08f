//! One source of a group: how often it is asked at a price, and what a call now
//! would remove.

use super::price::Price;
use crate::schedule::Bounds;
use crate::schedule::forecast::{Forecast, bucket_of};
use crate::schedule::staleness::{interval_at, worth_of_call};
use crate::time::Now;

/// One source of a group.
#[derive(Debug)]
pub(in crate::schedule) struct Member {
    /// Place in the order of registration.
    pub(super) order: u64,
    pub(super) bounds: Bounds,
    weight: f64,
    pub(in crate::schedule) forecast: Forecast,
    /// When it was last asked, or registered.
    pub(super) last_us: u64,
    pub(super) due_us: u64,
    /// Handed out and not taken yet.
    pub(super) listed: bool,
}

impl Member {
    /// A member to be asked as if it had been just now.
    pub(in crate::schedule) fn new(
        now: Now,
        order: u64,
        bounds: Bounds,
        weight: f64,
        forecast: &Forecast,
        listed: bool,
    ) -> Self {
        Self {
            order,
            bounds,
            weight,
            forecast: *forecast,
            last_us: now.mono_us,
            due_us: now.mono_us,
            listed,
        }
    }

    /// Whether it was registered with just these bounds and this weight.
    pub(in crate::schedule) fn has_terms(&self, bounds: Bounds, weight: f64) -> bool {
        self.bounds == bounds && self.weight.total_cmp(&weight).is_eq()
    }

    /// The interval, in seconds, after an outcome.
    pub(super) fn interval(&self, bucket: usize, changed: bool, weight: f64, price: Price) -> f64 {
        let rate = self.forecast.rate(bucket, changed);
        let shortest = self.bounds.shortest_us() as f64 / 1e6;
        let longest = self.bounds.longest_us() as f64 / 1e6 * price.stretch;
        interval_at(price.price, rate, self.weight * weight).clamp(shortest, longest)
    }

    /// Calls per second at a price, over the mix of outcomes that these calls
    /// would meet.
    pub(super) fn calls(&self, bucket: usize, weight: f64, price: Price) -> f64 {
        let quiet = self.interval(bucket, false, weight, price);
        let restless = self.interval(bucket, true, weight, price);
        let finds =
            |changed, interval: f64| -libm::expm1(-self.forecast.rate(bucket, changed) * interval);
        let (begins, goes_on) = (finds(false, quiet), finds(true, restless));
        // The share of calls that find a change, in the long run.
        let share = begins / (begins + 1.0 - goes_on).max(1e-12);
        1.0 / (share * restless + (1.0 - share) * quiet)
    }

    /// What a call now removes, in s² of weighted age.
    pub(super) fn worth(&self, now: Now, weight: f64) -> f64 {
        let rate = self
            .forecast
            .rate(bucket_of(now.dated_us), self.forecast.changed());
        if rate <= 0.0 {
            return 0.0;
        }
        let elapsed = now.mono_us.saturating_sub(self.last_us) as f64 / 1e6;
        self.weight * weight * worth_of_call(rate * elapsed) / (rate * rate)
    }
}
