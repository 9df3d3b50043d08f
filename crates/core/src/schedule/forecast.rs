//! How often a source is about to change: a mean rate, and what the time of day
//! and the last outcome say beside it.
//!
//! `rate = mean × factor of the time of day × factor of the last outcome`.
//! The mean remembers about a day, or 64 calls where those take longer. The day
//! has eight buckets of three hours, in UTC. The last outcome tells bursts: where a
//! call that found a change is followed by another one sooner than the mean says,
//! its factor rises above 1, and that of quiet calls falls below it; for a source
//! without bursts both stay at 1. Each factor is what was counted against what
//! the other parts led to expect, and starts as if two changes had been seen as
//! expected, so it moves only on evidence.
//!
//! A forecast may be told the rates instead, and then learns nothing.

use serde::{Deserialize, Serialize};

use super::volatility::{Tally, expected_changes};

/// Parts of a day.
pub const BUCKETS: usize = 8;
/// Length of one.
pub(super) const BUCKET_US: i64 = DAY_US / (BUCKETS as u64).cast_signed();
pub(super) const DAY_US: i64 = 24 * 3600 * 1_000_000;

/// Time over which what was counted is forgotten, and the most that one call
/// forgets of it.
const MEMORY_S: f64 = 86_400.0;
const MOST_FORGOTTEN: f64 = 1.0 / 64.0;

/// Changes that the rate before any call counts as; small, for it is a guess.
const PRIOR_CHANGES: f64 = 0.5;
/// Changes, seen as expected, with which each factor starts.
const FACTOR_CHANGES: f64 = 2.0;

/// The bucket a date is in.
pub(super) fn bucket_of(dated_us: i64) -> usize {
    (dated_us.rem_euclid(DAY_US) / BUCKET_US) as usize
}

/// What was learned of one source, as a snapshot holds it.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Learned {
    mean: Tally,
    of_day: [Tally; BUCKETS],
    /// After a call that found nothing, and after one that found a change.
    after: [Tally; 2],
    changed: bool,
}

impl Learned {
    /// Whether counting can have led here.
    pub(super) fn is_well_formed(&self) -> bool {
        let mut tallies = self.of_day.iter().chain(&self.after);
        self.mean.is_well_formed() && tallies.all(|tally| tally.is_well_formed())
    }
}

/// The rates of one source.
#[derive(Debug, Clone, Copy)]
pub(super) struct Forecast {
    /// Changes per second before anything was seen.
    prior: f64,
    learned: Learned,
    /// Changes per second in each bucket, where they were told.
    known: Option<[f64; BUCKETS]>,
}

impl Forecast {
    pub(super) fn new(prior: f64, learned: Option<Learned>) -> Self {
        Self {
            prior,
            learned: learned.unwrap_or_default(),
            known: None,
        }
    }

    /// Rates per second, over 0, to go by from now on.
    pub(super) fn tell(&mut self, rates: [f64; BUCKETS]) {
        self.known = Some(rates);
    }

    pub(super) fn learned(&self) -> Learned {
        self.learned
    }

    /// Whether the last call found a change.
    pub(super) fn changed(&self) -> bool {
        self.learned.changed
    }

    /// Changes per second in a bucket, after a call with this outcome.
    pub(super) fn rate(&self, bucket: usize, changed: bool) -> f64 {
        match &self.known {
            Some(rates) => rates.get(bucket).copied().unwrap_or_default(),
            None => self.mean() * self.of_day(bucket) * self.after(changed),
        }
    }

    /// Changes per second in another bucket, seen from this one. What was learned
    /// is drawn towards the rate of here, by three quarters of the difference of
    /// their logarithms: the mean remembers a day only and so holds much of what
    /// its times differ by. Drawn less, more was stale in the first days of the
    /// bench `freshness`; over two weeks it makes no difference there.
    pub(super) fn rate_elsewhere(&self, here: usize, bucket: usize, changed: bool) -> f64 {
        let there = self.rate(bucket, changed);
        if self.known.is_some() {
            return there;
        }
        let here = self.rate(here, changed);
        here * libm::sqrt(libm::sqrt(there / here))
    }

    /// Changes per second over the day.
    pub(super) fn mean(&self) -> f64 {
        match &self.known {
            Some(rates) => rates.iter().sum::<f64>() / BUCKETS as f64,
            None => self.learned.mean.ratio(self.prior, PRIOR_CHANGES),
        }
    }

    fn of_day(&self, bucket: usize) -> f64 {
        let tally = self.learned.of_day.get(bucket).copied().unwrap_or_default();
        tally.ratio(1.0, FACTOR_CHANGES)
    }

    fn after(&self, changed: bool) -> f64 {
        let [quiet, restless] = self.learned.after;
        let tally = if changed { restless } else { quiet };
        tally.ratio(1.0, FACTOR_CHANGES)
    }

    /// Takes in whether the source changed in the `elapsed_us` up to `dated_us`.
    pub(super) fn observe(&mut self, dated_us: i64, elapsed_us: u64, changed: bool) {
        if elapsed_us == 0 {
            return;
        }
        let seconds = elapsed_us as f64 / 1e6;
        let spans = spans(dated_us, elapsed_us);
        let mean = self.mean();
        let after = self.after(self.learned.changed);
        // What the mean and the time of day lead to expect in each bucket.
        let mut expected = [0.0; BUCKETS];
        for (bucket, (expected, span)) in expected.iter_mut().zip(spans).enumerate() {
            *expected = mean * self.of_day(bucket) * span;
        }
        let total: f64 = expected.iter().sum();
        let counted = if changed {
            expected_changes(total * after)
        } else {
            0.0
        };
        let forgotten = |part: f64| (part / MEMORY_S).min(MOST_FORGOTTEN * part / seconds);

        let learned = &mut self.learned;
        let days = learned.of_day.iter_mut();
        for ((tally, span), expected) in days.zip(spans).zip(expected) {
            if span > 0.0 {
                tally.count(forgotten(span), counted * expected / total, mean * span);
            }
        }
        let [quiet, restless] = &mut learned.after;
        let tally = if learned.changed { restless } else { quiet };
        tally.count(forgotten(seconds), counted, total);
        learned.mean.count(forgotten(seconds), counted, seconds);
        learned.changed = changed;
    }
}

/// Seconds of a span in each bucket. One of a day and more counts in all alike.
fn spans(dated_us: i64, elapsed_us: u64) -> [f64; BUCKETS] {
    if elapsed_us >= DAY_US.unsigned_abs() {
        return [elapsed_us as f64 / 1e6 / BUCKETS as f64; BUCKETS];
    }
    let mut spans = [0.0; BUCKETS];
    let mut left_us = elapsed_us.cast_signed();
    let mut end_us = dated_us;
    while left_us > 0 {
        // What lies before `end_us` in the bucket that ends there or later.
        let last_us = end_us.saturating_sub(1);
        let into_us = last_us.rem_euclid(BUCKET_US) + 1;
        let part_us = into_us.min(left_us);
        if let Some(span) = spans.get_mut(bucket_of(last_us)) {
            *span += part_us as f64 / 1e6;
        }
        left_us -= part_us;
        end_us = end_us.saturating_sub(part_us);
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::tests::Random;
    use proptest::prelude::*;

    const HOUR_US: i64 = 3_600_000_000;

    #[test]
    fn a_span_is_cut_where_the_buckets_meet() {
        let spans = spans(4 * HOUR_US, 3 * HOUR_US.unsigned_abs());
        let expected = [7200.0, 3600.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        assert_eq!(
            spans.map(|span| span as i64),
            expected.map(|span| span as i64)
        );
        assert_eq!(bucket_of(-1), BUCKETS - 1);
    }

    /// A forecast after `days` of calls every `interval_s`, of a source with these
    /// rates per second by bucket and outcome.
    fn learn(days: i64, interval_s: i64, rate: impl Fn(usize, bool) -> f64) -> Forecast {
        let mut random = Random::new(11);
        let mut forecast = Forecast::new(1e-3, None);
        let mut changed = false;
        for call in 1..=days * 86_400 / interval_s {
            let dated_us = call * interval_s * 1_000_000;
            let mean = rate(bucket_of(dated_us - 1), changed) * interval_s as f64;
            changed = random.unit() < -libm::expm1(-mean);
            forecast.observe(dated_us, interval_s.unsigned_abs() * 1_000_000, changed);
        }
        forecast
    }

    #[test]
    fn a_steady_source_has_its_rate_at_any_time_after_any_outcome() {
        let forecast = learn(20, 300, |_, _| 1.0 / 600.0);
        for bucket in 0..BUCKETS {
            for changed in [false, true] {
                let ratio = forecast.rate(bucket, changed) * 600.0;
                assert!((0.75..1.35).contains(&ratio), "{bucket} {changed} {ratio}");
            }
        }
    }

    #[test]
    fn the_time_of_day_is_learned() {
        let forecast = learn(20, 300, |bucket, _| if bucket < 4 { 1e-4 } else { 3e-3 });
        for bucket in 0..BUCKETS {
            let mean = 0.5 * (forecast.rate(bucket, false) + forecast.rate(bucket, true));
            let night = bucket < 4;
            assert_eq!(mean < 6e-4, night, "{bucket} {mean}");
            assert_eq!(mean > 1.5e-3, !night, "{bucket} {mean}");
        }
    }

    #[test]
    fn bursts_are_told_by_the_last_outcome() {
        let forecast = learn(20, 300, |_, changed| if changed { 5e-3 } else { 1e-4 });
        for bucket in 0..BUCKETS {
            assert!(forecast.rate(bucket, true) > 8.0 * forecast.rate(bucket, false));
        }
    }

    proptest! {
        #[test]
        fn spans_add_up(dated_us in any::<i64>(), elapsed_us in 1_u64..1 << 42) {
            let sum: f64 = spans(dated_us, elapsed_us).iter().sum();
            prop_assert!((sum * 1e6 / elapsed_us as f64 - 1.0).abs() < 1e-9);
        }

        #[test]
        fn rates_stay_over_zero_and_finite(
            outcomes in proptest::collection::vec((any::<bool>(), 0_u64..1 << 50), 1..300),
        ) {
            let mut forecast = Forecast::new(1e-3, None);
            let mut dated_us = 1_767_225_600_000_000_i64;
            for (changed, elapsed_us) in outcomes {
                dated_us = dated_us.saturating_add_unsigned(elapsed_us);
                forecast.observe(dated_us, elapsed_us, changed);
                for bucket in 0..BUCKETS {
                    let rate = forecast.rate(bucket, changed);
                    prop_assert!(rate.is_finite() && rate > 0.0, "{}", rate);
                }
            }
            prop_assert!(forecast.learned().is_well_formed());
        }
    }
}
