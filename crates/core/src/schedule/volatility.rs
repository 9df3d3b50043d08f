//! Measured volatility: how often a source changes, and the interval that
//! follows from it.
//!
//! A call tells only whether anything changed since the one before, not how
//! often: the count is censored, and counting changed calls would take a source
//! that changes every second for one that changes once per call. So each changed
//! call counts as the changes to be *expected* in it: under a Poisson process of
//! rate `r`, `rt / (1 − e^(−rt))` in a span `t`. Repeated with the rate that
//! follows, that is expectation maximisation, and its fixed point is the
//! maximum-likelihood rate for spans of any lengths, which the closed form
//! `−ln(1 − k/n)/t` gives for equal ones. A few changes counted in advance take the
//! place of a bias correction. What was counted is forgotten little by little.
//!
//! The interval follows with hysteresis: it stays where it is until the one that
//! fits would be at least twice or at most half as long. Only from between the
//! bounds a bound is gone to at once where what fits lies beyond it. Nothing here
//! asks or waits.

use serde::{Deserialize, Serialize};

use super::Bounds;

/// Changes expected in a span in which at least one is known to have happened.
///
/// At most 4: how many more there were, calls that find a change each time cannot
/// tell, and an estimate fed by itself alone would run away.
pub(super) fn expected_changes(mean: f64) -> f64 {
    const MOST: f64 = 4.0;
    if mean < 1e-9 {
        1.0
    } else {
        (-mean / libm::expm1(-mean)).min(MOST)
    }
}

/// Changes counted over a time, as rate or as factor.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Tally {
    /// Changes, as far as remembered.
    pub(super) changes: f64,
    /// What they are held against: seconds, or changes to be expected.
    pub(super) against: f64,
}

impl Tally {
    /// Forgets a share of what was counted, and counts anew.
    pub(super) fn count(&mut self, forget: f64, changes: f64, against: f64) {
        self.changes += changes - forget * self.changes;
        self.against += against - forget * self.against;
    }

    /// Changes per unit, and none before anything was counted.
    fn rate(self) -> f64 {
        self.changes / self.against.max(f64::MIN_POSITIVE)
    }

    /// Changes per unit, starting from `prior` as if that had been seen in
    /// `strength` changes.
    pub(super) fn ratio(self, prior: f64, strength: f64) -> f64 {
        (self.changes + strength) / (self.against + strength / prior)
    }

    /// Whether these sums can have come about by counting.
    pub(super) fn is_well_formed(self) -> bool {
        (0.0..=MOST).contains(&self.changes) && (0.0..=MOST).contains(&self.against)
    }
}

/// More than any tally reaches, in changes or seconds.
const MOST: f64 = 1e15;

/// Changes to be expected between two calls: with ln 2, half of the calls find
/// something new, and half would have been early.
const WANTED_CHANGES: f64 = core::f64::consts::LN_2;

/// How much longer or shorter another interval must be to be taken, as a ratio:
/// one step of declared volatility. Far enough outside the scatter of the
/// estimate (a relative deviation of some 0.2) that a constant rate hardly ever
/// moves the interval once it fits.
const BAND: f64 = 2.0;

/// What each call forgets of those before it.
const FORGET: f64 = 1.0 / 24.0;

/// What is kept of the calls before a move.
const KEPT_AT_MOVE: f64 = 0.4;

/// Changes, seen at just the rate that fits, with which a measure begins.
const FIRST_CHANGES: f64 = 4.0;

/// The interval for a source that changes `rate` times a second.
pub(super) fn wanted_interval_us(rate: f64, bounds: Bounds) -> u64 {
    bounds.clamp_seconds(WANTED_CHANGES / rate)
}

/// An interval that follows the changes seen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measured {
    bounds: Bounds,
    interval_us: u64,
    seen: Tally,
}

impl Measured {
    /// Starts in the middle of the bounds, or where what was learned before
    /// leads.
    pub(super) fn new(bounds: Bounds, seen: Option<Tally>) -> Self {
        let middle_us = bounds.middle_us();
        let Some(seen) = seen else {
            let seen = Tally {
                changes: FIRST_CHANGES,
                against: FIRST_CHANGES * (middle_us as f64 / 1e6) / WANTED_CHANGES,
            };
            return Self {
                bounds,
                interval_us: middle_us,
                seen,
            };
        };
        Self {
            bounds,
            interval_us: wanted_interval_us(seen.rate(), bounds),
            seen,
        }
    }

    pub(super) fn bounds(&self) -> Bounds {
        self.bounds
    }

    pub(super) fn interval_us(&self) -> u64 {
        self.interval_us
    }

    /// What was learned, to start from another time.
    pub(super) fn learned(&self) -> Tally {
        self.seen
    }

    /// Changes per second.
    pub(super) fn rate(&self) -> f64 {
        self.seen.rate()
    }

    /// Takes in whether the source changed within `elapsed_us`; says whether
    /// that moved the interval.
    pub(super) fn observe(&mut self, elapsed_us: u64, changed: bool) -> bool {
        let seconds = elapsed_us as f64 / 1e6;
        let counted = if changed {
            expected_changes(self.rate() * seconds)
        } else {
            0.0
        };
        self.seen.count(FORGET, counted, seconds);
        let wanted_us = wanted_interval_us(self.rate(), self.bounds);
        // How far off the interval is that fits, within the bounds or beyond.
        let ratio = WANTED_CHANGES / self.rate() * 1e6 / self.interval_us as f64;
        // A bound is gone to from within the band: it takes the band to leave it,
        // also for the other bound where that is near.
        let to_bound = self.is_bound(wanted_us) && !self.is_bound(self.interval_us);
        if wanted_us == self.interval_us || !(ratio >= BAND || ratio <= 1.0 / BAND || to_bound) {
            return false;
        }
        self.interval_us = wanted_us;
        // What led here is half refuted: the next move is to take fewer calls.
        self.seen.changes *= KEPT_AT_MOVE;
        self.seen.against *= KEPT_AT_MOVE;
        true
    }

    fn is_bound(&self, interval_us: u64) -> bool {
        [self.bounds.shortest_us(), self.bounds.longest_us()].contains(&interval_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::tests::Random;
    use proptest::prelude::*;

    const S: u64 = 1_000_000;

    fn bounds(shortest_s: i64, longest_s: i64) -> Bounds {
        Bounds::check(shortest_s * 1_000_000, longest_s * 1_000_000).unwrap()
    }

    /// Asks a Poisson source `polls` times at the measured intervals; gives how
    /// often the interval moved.
    fn follow(measured: &mut Measured, random: &mut Random, rate: f64, polls: u32) -> u32 {
        let mut moves = 0;
        for _ in 0..polls {
            let elapsed_us = measured.interval_us();
            let missed = -libm::expm1(-rate * elapsed_us as f64 / 1e6);
            moves += u32::from(measured.observe(elapsed_us, random.unit() < missed));
        }
        moves
    }

    #[test]
    fn a_source_that_always_changes_goes_to_the_shortest_and_a_dead_one_to_the_longest() {
        for (changed, expected_s) in [(true, 15), (false, 960)] {
            let mut measured = Measured::new(bounds(15, 960), None);
            assert_eq!(measured.interval_us(), 120 * S);
            for _ in 0..400 {
                measured.observe(measured.interval_us(), changed);
            }
            assert_eq!(measured.interval_us(), expected_s * S);
        }
    }

    #[test]
    fn the_rate_is_found_from_censored_calls_of_unequal_lengths() {
        let mut random = Random::new(7);
        let rate = 1.0 / 40.0;
        let mut sums = Tally::default();
        let mut assumed = 1.0 / 200.0;
        for poll in 0..20_000 {
            let seconds = [10.0, 35.0, 90.0][poll % 3];
            let changed = random.unit() < -libm::expm1(-rate * seconds);
            let counted = if changed {
                expected_changes(assumed * seconds)
            } else {
                0.0
            };
            sums.count(1.0 / 2000.0, counted, seconds);
            assumed = sums.ratio(1.0 / 200.0, 1.0);
        }
        assert!((assumed / rate - 1.0).abs() < 0.1, "{assumed}");
    }

    #[test]
    fn a_rate_that_changes_is_followed_within_some_dozens_of_calls() {
        let mut random = Random::new(3);
        let mut measured = Measured::new(bounds(15, 7_200), None);
        follow(&mut measured, &mut random, 1.0 / 1_800.0, 200);
        let calm_us = measured.interval_us();
        follow(&mut measured, &mut random, 1.0 / 60.0, 100);
        let restless_us = measured.interval_us();
        assert!(calm_us > 600 * S && calm_us < 2_600 * S, "{calm_us}");
        assert!(restless_us < 100 * S, "{restless_us}");
    }

    #[test]
    fn a_constant_rate_moves_an_interval_that_fits_hardly_ever() {
        let (mut moves, mut runs) = (0, 0);
        for seed in 0..200 {
            let mut random = Random::new(seed);
            let rate = libm::exp2(-5.0 - random.unit() * 6.0);
            let mut measured = Measured::new(bounds(15, 3_600), None);
            follow(&mut measured, &mut random, rate, 300);
            let more = follow(&mut measured, &mut random, rate, 1_000);
            assert!(more <= 12, "seed {seed} moved {more} times");
            moves += more;
            runs += 1;
        }
        // A thousand calls at a constant rate.
        assert!(moves <= 3 * runs, "{moves} moves in {runs} runs");
    }

    #[test]
    fn a_bound_is_not_left_for_another_one_nearby_that_fits_little_better() {
        for seed in 0..100 {
            let mut random = Random::new(seed);
            let mut measured = Measured::new(bounds(20, 30), None);
            // The interval that fits is 24.5 s, in the middle of the bounds.
            let rate = WANTED_CHANGES / 24.5;
            follow(&mut measured, &mut random, rate, 50);
            let moves = follow(&mut measured, &mut random, rate, 1_000);
            assert!(moves <= 5, "seed {seed} moved {moves} times");
        }
    }

    #[test]
    fn a_bound_nearby_is_gone_to_once_what_fits_is_twice_as_far() {
        let mut measured = Measured::new(bounds(20, 30), None);
        let at_rate = |measured: &mut Measured, interval_s: f64| {
            measured.seen = Tally {
                changes: 1e6 * WANTED_CHANGES,
                against: 1e6 * interval_s,
            };
            measured.observe(0, false);
            measured.interval_us() / S
        };
        for (fits_s, expected_s) in [
            (31.0, 30),
            (19.0, 30),
            (15.1, 30),
            (14.0, 20),
            (39.0, 20),
            (42.0, 30),
        ] {
            assert_eq!(at_rate(&mut measured, fits_s), expected_s, "{fits_s}");
        }
    }

    proptest! {
        #[test]
        fn the_interval_stays_within_its_bounds(
            shortest_s in 1_i64..1000,
            factor in 1_i64..1000,
            outcomes in proptest::collection::vec((any::<bool>(), 0_u64..1 << 45), 1..200),
        ) {
            let bounds = bounds(shortest_s, shortest_s * factor);
            let mut measured = Measured::new(bounds, None);
            for (changed, elapsed_us) in outcomes {
                measured.observe(elapsed_us, changed);
                prop_assert!(measured.interval_us() >= bounds.shortest_us());
                prop_assert!(measured.interval_us() <= bounds.longest_us());
                prop_assert!(measured.learned().is_well_formed());
            }
        }
    }
}
