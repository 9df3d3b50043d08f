//! The numbers that are certainly suppressed.
//!
//! Most readings lie close to their baseline. The band of a series says so with
//! two comparisons; it is computed when baseline or rule change. It decides
//! nothing: a number outside it is judged in full, and a number inside it would
//! be suppressed by that judgement, too.

use core::ops::RangeInclusive;

use crate::rule::Rule;

/// From `low` to `high`, both included, around the baseline.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Band {
    low: f64,
    high: f64,
}

/// How much narrower than the threshold the band is, as a fraction of the
/// largest number involved. The comparison of decimals takes a difference for
/// the threshold if it is short of it by three units in the last place, which is
/// less than 2⁻⁵⁰ of that number; the rest covers the rounding of the band.
const MARGIN: f64 = 1.0 / (1_u64 << 48) as f64;

/// The numbers for which that holds. Below them, units in the last place stop
/// shrinking with the number; above them, a band would end in infinity.
const SCALES: RangeInclusive<f64> = 1e-290..=1e290;

impl Band {
    /// No number: every reading is judged in full.
    pub(super) const EMPTY: Self = Self {
        low: f64::INFINITY,
        high: f64::NEG_INFINITY,
    };

    /// The band of a baseline under a rule by which the baseline decides.
    #[inline]
    pub(super) fn around(base: f64, rule: &Rule) -> Self {
        let reach = reach(base, rule.thresholds.at(base));
        let mut band = Self {
            low: base - reach,
            high: base + reach,
        };
        for &level in &rule.crossings {
            band.stop_at(level, base);
        }
        band
    }

    /// Whether a number lies in it; an infinity or NaN never does.
    #[inline]
    #[allow(
        clippy::needless_bitwise_bool,
        reason = "one branch on chance is cheaper than two"
    )]
    pub(super) fn holds(&self, number: f64) -> bool {
        (self.low <= number) & (number <= self.high)
    }

    /// Keeps the band on the baseline's side of a level.
    fn stop_at(&mut self, level: f64, base: f64) {
        if base < level {
            let below = level.next_down();
            self.high = if below < self.high { below } else { self.high };
        } else if self.low < level {
            self.low = level;
        }
    }
}

/// How far a number may be from its baseline to be certainly within the
/// threshold; 0 where only a repeat is.
fn reach(base: f64, threshold: f64) -> f64 {
    let scale = base.abs() + threshold;
    let reach = threshold - scale * MARGIN;
    if SCALES.contains(&scale) && reach > 0.0 {
        reach
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::{Combine, RuleSettings};
    use crate::significance::judge::judge_numbers;
    use proptest::prelude::*;

    fn threshold() -> impl Strategy<Value = Option<f64>> {
        prop_oneof![
            1 => Just(None),
            1 => Just(Some(0.0)),
            4 => (0_u32..10_000).prop_map(|thousandths| Some(f64::from(thousandths) / 1000.0)),
            2 => (0_u64..0x7ff0_0000_0000_0000).prop_map(|bits| Some(f64::from_bits(bits))),
        ]
    }

    fn number() -> impl Strategy<Value = f64> {
        prop_oneof![
            4 => (-1_000_000_i32..1_000_000).prop_map(|number| f64::from(number) / 1000.0),
            2 => any::<f64>().prop_filter("finite", |number| number.is_finite()),
            1 => Just(0.0),
            1 => Just(-0.0),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        /// What the band holds is suppressed by the full judgement, at its very
        /// edges as well as inside.
        #[test]
        fn a_number_in_the_band_is_suppressed(
            base in number(),
            absolute in threshold(),
            percentage in threshold(),
            any_of in any::<bool>(),
            zero_crossing in any::<bool>(),
            levels in proptest::collection::vec(number(), 0..4),
            at in 0.0..=1.0_f64,
        ) {
            let rule = Rule::check(&RuleSettings {
                absolute,
                percentage,
                combine: if any_of { Combine::Any } else { Combine::All },
                zero_crossing,
                levels: levels.clone().into(),
                ..RuleSettings::default()
            }).unwrap();
            let band = Band::around(base, &rule);
            prop_assert!(band.holds(base), "{band:?} lacks its baseline {base}");
            prop_assert!(band.low.is_finite() && band.high.is_finite());
            let inside = band.low + at * (band.high - band.low);
            for number in [band.low, band.high, inside].into_iter().chain(levels) {
                if band.holds(number) {
                    let reason = judge_numbers(&rule, base, base, number);
                    prop_assert!(!reason.publishes(), "{number} in {band:?}: {reason:?}");
                }
            }
        }

        /// And it is no narrower than it must be: in the middle between edge and
        /// threshold there is nothing to see.
        #[test]
        fn the_band_reaches_almost_to_the_threshold(
            base in -1_000_000_i32..1_000_000,
            threshold in 1_u32..10_000,
        ) {
            let (base, threshold) = (f64::from(base) / 1000.0, f64::from(threshold) / 1000.0);
            let rule = Rule::check(&RuleSettings {
                absolute: Some(threshold),
                ..RuleSettings::default()
            }).unwrap();
            let band = Band::around(base, &rule);
            prop_assert!(band.holds(base + 0.999_999 * threshold));
            prop_assert!(band.holds(base - 0.999_999 * threshold));
        }
    }
}
