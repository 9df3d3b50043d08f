//! The numbers that are certainly suppressed.
//!
//! Most readings lie close to their baseline. The band of a series says so with
//! one comparison; it is computed when baseline or rule change. It decides
//! nothing: a number outside it is judged in full, and a number inside it would
//! be suppressed by that judgement, too.

use core::ops::RangeInclusive;

use crate::rule::Rule;

/// Numbers around the baseline, all of its sign, by their bits: those of one sign
/// are in the order of their magnitudes, so that one comparison of integers tells
/// what floats, of which some are no numbers, need two for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Band {
    /// The bits of the one nearest to zero.
    near: u64,
    /// How many there are.
    count: u64,
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
    pub(super) const EMPTY: Self = Self { near: 0, count: 0 };

    /// The baseline alone.
    #[inline]
    pub(super) fn of_repeats(base: f64) -> Self {
        Self {
            near: base.to_bits(),
            count: 1,
        }
    }

    /// The band of a baseline under a rule by which the baseline decides.
    #[inline]
    pub(super) fn around(base: f64, rule: &Rule) -> Self {
        let reach = reach(base, rule.thresholds.at(base));
        let (mut low, mut high) = (base - reach, base + reach);
        // It stays on the baseline's side of each level.
        for &level in &rule.crossings {
            if base < level {
                let below = level.next_down();
                high = if below < high { below } else { high };
            } else if low < level {
                low = level;
            }
        }
        let (near, far) = if base.is_sign_negative() {
            let negative = |edge| if edge < 0.0 { edge } else { -0.0 };
            (negative(high), negative(low))
        } else {
            (if low > 0.0 { low } else { 0.0 }, high)
        };
        Self {
            near: near.to_bits(),
            count: far.to_bits().wrapping_sub(near.to_bits()) + 1,
        }
    }

    /// Empties it unless `open`.
    #[inline]
    pub(super) fn close_unless(&mut self, open: bool) {
        self.count = core::hint::select_unpredictable(open, self.count, 0);
    }

    /// Whether a number lies in it; an infinity or NaN never does.
    #[inline]
    pub(super) fn holds(&self, number: f64) -> bool {
        number.to_bits().wrapping_sub(self.near) < self.count
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
            let [near, far] = [0, band.count - 1].map(|place| f64::from_bits(band.near + place));
            prop_assert!(near.is_finite() && far.is_finite());
            prop_assert!(near.is_sign_negative() == base.is_sign_negative());
            prop_assert!(far.is_sign_negative() == base.is_sign_negative());
            let inside = near + at * (far - near);
            for number in [near, far, inside].into_iter().chain(levels) {
                if band.holds(number) {
                    let reason = judge_numbers(&rule, base, base, number);
                    prop_assert!(!reason.publishes(), "{number} in {band:?}: {reason:?}");
                }
            }
        }

        #[test]
        fn what_is_no_finite_number_lies_in_no_band(base in number(), threshold in threshold()) {
            let rule = Rule::check(&RuleSettings {
                absolute: threshold,
                ..RuleSettings::default()
            }).unwrap();
            let band = Band::around(base, &rule);
            for bits in [0x7ff0_0000_0000_0000, 0x7ff8_0000_0000_0000, 0x7fff_ffff_ffff_ffff_u64] {
                let number = f64::from_bits(bits);
                prop_assert!(!band.holds(number) && !band.holds(-number), "{number} in {band:?}");
                prop_assert!(!Band::EMPTY.holds(number) && !Band::EMPTY.holds(-number));
            }
            prop_assert!(!Band::EMPTY.holds(base));
        }

        /// And it is no narrower than it must be, up to zero: in the middle between
        /// edge and threshold there is nothing to see.
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
            for number in [base - 0.999_999 * threshold, base + 0.999_999 * threshold] {
                let same_sign = number.is_sign_negative() == base.is_sign_negative();
                prop_assert_eq!(band.holds(number), same_sign);
            }
        }
    }
}
