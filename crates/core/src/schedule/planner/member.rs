//! One source of a group: how often it is asked at a price, and what a call now
//! would remove.

use super::price::Price;
use crate::schedule::Bounds;
use crate::schedule::forecast::{BUCKET_US, BUCKETS, Forecast, bucket_of};
use crate::schedule::staleness::{Expected, interval_at};
use crate::time::Now;

/// How far ahead and back rates are followed: a week.
const MOST_BUCKETS: usize = 7 * BUCKETS;

/// Of some hours, to about a hundredth of a second.
const HALVINGS: u32 = 20;

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

    /// How long after the last call the next one is worth the price, in seconds:
    /// along the rates of the day as they follow one another. What was likely to
    /// change before a quiet time is still to be seen in it.
    pub(super) fn wait(&self, now: Now, weight: f64, price: Price) -> f64 {
        let shortest = self.bounds.shortest_us() as f64 / 1e6;
        let longest = self.bounds.longest_us() as f64 / 1e6 * price.stretch;
        let worth = if weight > 0.0 {
            price.price / (self.weight * weight)
        } else {
            f64::INFINITY
        };
        let mut since = Since::default();
        let mut rates = self.rates(now).take(MOST_BUCKETS).peekable();
        while let Some((rate, mut seconds)) = rates.next()
            && since.seconds < longest
        {
            // Buckets of one rate are as one.
            while let Some((_, more)) = rates.next_if(|(next, _)| next.total_cmp(&rate).is_eq()) {
                seconds += more;
            }
            if let Some(wait) = since.reaches(worth, rate, seconds) {
                return wait.clamp(shortest, longest);
            }
            since.pass(rate, seconds);
        }
        // Far ahead the time of day is no matter.
        let rates = self.rates(now).skip(1).take(BUCKETS);
        let mean = rates.map(|(rate, _)| rate).sum::<f64>() / BUCKETS as f64;
        let wait = interval_at(worth, mean, 1.0).max(since.seconds);
        wait.clamp(shortest, longest)
    }

    /// What a call now removes, in s² of weighted age.
    pub(super) fn worth(&self, now: Now, weight: f64) -> f64 {
        let mut left = now.mono_us.saturating_sub(self.last_us) as f64 / 1e6;
        let mut since = Since::default();
        for (rate, seconds) in self.rates(now).take(MOST_BUCKETS) {
            let part = seconds.min(left);
            since.pass(rate, part);
            left -= part;
            if left <= 0.0 {
                break;
            }
        }
        self.weight * weight * since.worth()
    }

    /// The rates from the last call on, as they are seen now, each with how many
    /// seconds it holds.
    fn rates(&self, now: Now) -> impl Iterator<Item = (f64, f64)> {
        let elapsed_us = now.mono_us.saturating_sub(self.last_us);
        let asked_us = now.dated_us.saturating_sub_unsigned(elapsed_us);
        let begun_us = asked_us.rem_euclid(BUCKET_US);
        let (first, here) = (bucket_of(asked_us), bucket_of(now.dated_us));
        let changed = self.forecast.changed();
        (0..).map(move |place| {
            let spent_us = if place == 0 { begun_us } else { 0 };
            let bucket = (first + place) % BUCKETS;
            let rate = self.forecast.rate_elsewhere(here, bucket, changed);
            (rate, (BUCKET_US - spent_us) as f64 / 1e6)
        })
    }
}

/// The time since a call, at rates that change.
#[derive(Debug, Clone, Copy)]
struct Since {
    seconds: f64,
    expected: Expected,
    /// Age times time, in s².
    aged: f64,
}

impl Default for Since {
    fn default() -> Self {
        Self {
            seconds: 0.0,
            expected: Expected::SEEN,
            aged: 0.0,
        }
    }
}

impl Since {
    fn pass(&mut self, rate: f64, seconds: f64) {
        self.aged += self.expected.pass(rate, seconds).0;
        self.seconds += seconds;
    }

    /// What a call removes, in s²: the age that it ends, for as long as it took to
    /// grow, less what there was of it. At one rate all along that is
    /// [`worth_of_call`](crate::schedule::staleness::worth_of_call).
    fn worth(&self) -> f64 {
        self.seconds * self.expected.age() - self.aged
    }

    /// How long after the call another is worth so much, if that is within these
    /// seconds at this rate.
    fn reaches(self, worth: f64, rate: f64, seconds: f64) -> Option<f64> {
        if self.seconds <= 0.0 {
            let interval = interval_at(worth, rate, 1.0);
            return (interval <= seconds).then_some(interval);
        }
        let after = |seconds: f64| {
            let mut since = self;
            since.pass(rate, seconds);
            since
        };
        if after(seconds).worth() < worth {
            return None;
        }
        // The worth never falls: halving closes in.
        let (mut low, mut high) = (0.0, seconds);
        for _ in 0..HALVINGS {
            let middle = f64::midpoint(low, high);
            if after(middle).worth() < worth {
                low = middle;
            } else {
                high = middle;
            }
        }
        Some(self.seconds + high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::staleness::worth_of_call;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn since(parts: &[(f64, f64)]) -> Since {
        let mut since = Since::default();
        for &(rate, seconds) in parts {
            since.pass(rate, seconds);
        }
        since
    }

    proptest! {
        #[test]
        fn at_one_rate_the_worth_is_that_of_the_formula(
            rate in 1e-6_f64..1.0,
            parts in proptest::collection::vec(1.0_f64..5_000.0, 1..5),
        ) {
            let steps: Vec<_> = parts.iter().map(|&seconds| (rate, seconds)).collect();
            let expected = worth_of_call(rate * parts.iter().sum::<f64>()) / (rate * rate);
            let worth = since(&steps).worth();
            // What the sum of large numbers loses.
            let lost = 1e-9 * parts.iter().sum::<f64>().powi(2);
            prop_assert!((worth - expected).abs() <= 1e-6 * expected + lost, "{} {}", worth, expected);
        }

        #[test]
        fn a_price_is_reached_when_the_call_is_worth_it(
            before in proptest::collection::vec((0.0_f64..0.01, 1.0_f64..5_000.0), 0..4),
            rate in 1e-5_f64..0.01,
            seconds in 60.0_f64..10_800.0,
            share in 0.01_f64..0.99,
        ) {
            let start = since(&before);
            let mut then = start;
            then.pass(rate, share * seconds);
            let wait = start.reaches(then.worth(), rate, seconds).unwrap();
            prop_assert!((wait - then.seconds).abs() < 0.05 + 1e-5 * seconds, "{} {}", wait, then.seconds);
            let mut end = start;
            end.pass(rate, seconds);
            prop_assert_eq!(start.reaches(end.worth() * 1.001, rate, seconds), None);
        }
    }

    #[test]
    fn beyond_a_week_the_mean_rate_counts() {
        let day_us = 86_400_000_000;
        let bounds = Bounds::check(60_000_000, 3_650 * day_us).unwrap();
        let now = Now {
            mono_us: 0,
            dated_us: 0,
        };
        let mut forecast = Forecast::new(1e-6, None);
        for changes in [[1e-6; BUCKETS], [4e-6, 4e-6, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]] {
            forecast.tell(changes);
            let member = Member::new(now, 0, bounds, 1.0, &forecast, false);
            let month = 30.0 * 86_400.0;
            let worth = worth_of_call(1e-6 * month) / 1e-12;
            let wait = member.wait(now, 1.0, Price::of(worth));
            assert!((wait / month - 1.0).abs() < 1e-3, "{wait}");
        }
    }

    #[test]
    fn what_may_have_changed_is_worth_a_call_when_nothing_changes_any_more() {
        let busy = since(&[(0.001, 1_000.0)]);
        let then = since(&[(0.001, 1_000.0), (0.0, 3_000.0)]);
        assert!(then.worth() > 5.0 * busy.worth());
        let wait = busy.reaches(then.worth(), 0.0, 10_000.0).unwrap();
        assert!((wait - 4_000.0).abs() < 1.0, "{wait}");
        // Nothing at all is worth nothing.
        assert!(since(&[(0.0, 5_000.0)]).worth().abs() < 1e-9);
        assert_eq!(Since::default().reaches(1.0, 0.0, 5_000.0), None);
    }
}
