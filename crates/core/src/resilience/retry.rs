//! When to try again: delays that grow exponentially up to a cap, spread by
//! jitter so that callers which failed together do not return together.
//!
//! Jitter is drawn from a seed: the same seed gives the same delays.

use alloc::format;
use alloc::vec::Vec;

use super::failure::Failure;
use crate::Error;
use crate::time::length;

/// How often and after what delays a call is tried.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RetrySettings {
    /// Attempts in all, the first included: 1 to 1,000. 1 never retries.
    pub attempts: u32,
    /// The delay before the second attempt, in microseconds.
    pub initial_us: i64,
    /// Each further delay is this many times the one before: 1 to 100.
    pub base: f64,
    /// No delay is longer, jitter included, in microseconds; at least
    /// `initial_us`.
    pub cap_us: i64,
    /// How far a delay may be off either way, as a fraction of it: 0 to 1.
    pub jitter: f64,
}

impl Default for RetrySettings {
    fn default() -> Self {
        Self {
            attempts: 3,
            initial_us: 1_000_000,
            base: 2.0,
            cap_us: 60_000_000,
            jitter: 0.1,
        }
    }
}

/// Most attempts of a policy.
const MOST_ATTEMPTS: u32 = 1_000;

/// A policy whose settings were checked.
#[derive(Debug, Clone, Copy)]
pub struct Retry {
    attempts: u32,
    initial_us: u64,
    base: f64,
    cap_us: u64,
    jitter: f64,
}

impl Retry {
    /// Checks settings against their ranges.
    pub fn check(settings: RetrySettings) -> Result<Self, Error> {
        let RetrySettings {
            attempts,
            initial_us,
            base,
            cap_us,
            jitter,
        } = settings;
        if !(1..=MOST_ATTEMPTS).contains(&attempts) {
            return Err(Error::InvalidArgument(format!(
                "attempts must be 1 to {MOST_ATTEMPTS}, not {attempts}"
            )));
        }
        if !(1.0..=100.0).contains(&base) {
            return Err(Error::InvalidArgument(format!(
                "base must be 1 to 100, not {base}"
            )));
        }
        if !(0.0..=1.0).contains(&jitter) {
            return Err(Error::InvalidArgument(format!(
                "jitter must be a fraction from 0 to 1, not {jitter}"
            )));
        }
        let initial_us = length("initial", initial_us, false)?;
        let cap_us = length("cap", cap_us, false)?;
        if cap_us < initial_us {
            return Err(Error::InvalidArgument(format!(
                "cap must be at least initial, which is {} ms, not {} ms",
                initial_us as f64 / 1000.0,
                cap_us as f64 / 1000.0
            )));
        }
        Ok(Self {
            attempts,
            initial_us,
            base,
            cap_us,
            jitter,
        })
    }

    /// All delays in order, in microseconds and without jitter, as if attempts
    /// had no bound.
    pub fn delays_us(self) -> impl Iterator<Item = u64> {
        let (base, cap_us) = (self.base, self.cap_us);
        let mut exact = self.initial_us as f64;
        core::iter::repeat_with(move || {
            let delay_us = rounded(exact).min(cap_us);
            exact = (exact * base).min(cap_us as f64);
            delay_us
        })
    }

    /// The first `count` delays, at most 1,000; with jitter if there is a seed.
    pub fn first_us(self, count: u32, seed: Option<u64>) -> Result<Vec<u64>, Error> {
        if count > MOST_ATTEMPTS {
            return Err(Error::TooLarge(format!(
                "at most {MOST_ATTEMPTS} delays are given at once, not {count}"
            )));
        }
        let delays = (0..count).zip(self.delays_us());
        Ok(delays
            .map(|(index, delay_us)| {
                seed.map_or(delay_us, |seed| self.jittered_us(delay_us, index, seed))
            })
            .collect())
    }

    /// A delay with its jitter. `index` counts delays from 0 and makes those of
    /// one seed differ.
    pub fn jittered_us(&self, delay_us: u64, index: u32, seed: u64) -> u64 {
        let spread_us = (delay_us as f64 * self.jitter) as u64;
        let span = u128::from(2 * spread_us + 1);
        // The high half of the product maps 2^64 values evenly onto the span.
        let offset_us = (u128::from(mixed(seed, index)) * span) >> 64;
        (delay_us - spread_us + offset_us as u64).min(self.cap_us)
    }

    /// How long to wait after attempt number `attempt`, counted from 1, failed
    /// like this; `None` gives up. Never earlier than `Retry-After` asked for:
    /// where that is beyond the cap, it gives up.
    pub fn wait_us(&self, failure: Failure, attempt: u32, seed: u64) -> Result<Option<u64>, Error> {
        if attempt == 0 {
            return Err(Error::InvalidArgument(
                "attempt must be at least 1, not 0".into(),
            ));
        }
        let least_us = failure.least_wait_us()?;
        let Some(least_us) =
            least_us.filter(|&least_us| attempt < self.attempts && least_us <= self.cap_us)
        else {
            return Ok(None);
        };
        let index = attempt - 1;
        let delay_us = self.delays_us().nth(index as usize).unwrap_or(self.cap_us);
        Ok(Some(self.jittered_us(delay_us, index, seed).max(least_us)))
    }
}

/// The nearest whole number of a delay, which is positive and at most 10 years.
fn rounded(delay_us: f64) -> u64 {
    (delay_us + 0.5) as u64
}

/// A number that looks random: the output function of `SplitMix64` (Steele, Lea
/// and Flood, 2014) at the state `index` steps after `seed`.
fn mixed(seed: u64, index: u32) -> u64 {
    const GOLDEN_GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;
    let state = seed.wrapping_add(GOLDEN_GAMMA.wrapping_mul(u64::from(index) + 1));
    let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: u64 = 1_000;

    fn retry(settings: RetrySettings) -> Retry {
        Retry::check(settings).unwrap()
    }

    fn delays_ms(settings: RetrySettings, count: u32) -> Vec<u64> {
        let delays = retry(settings).first_us(count, None).unwrap();
        delays.into_iter().map(|delay_us| delay_us / MS).collect()
    }

    #[test]
    fn delays_double_up_to_the_cap() {
        assert_eq!(
            delays_ms(RetrySettings::default(), 8),
            [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]
        );
        let brisk = RetrySettings {
            initial_us: 2_000_000,
            cap_us: 10_000_000,
            ..RetrySettings::default()
        };
        assert_eq!(delays_ms(brisk, 5), [2_000, 4_000, 8_000, 10_000, 10_000]);
        let steady = RetrySettings {
            base: 1.0,
            ..RetrySettings::default()
        };
        assert_eq!(delays_ms(steady, 3), [1_000, 1_000, 1_000]);
        let slow = RetrySettings {
            base: 1.5,
            ..RetrySettings::default()
        };
        assert_eq!(delays_ms(slow, 4), [1_000, 1_500, 2_250, 3_375]);
    }

    #[test]
    fn a_list_of_delays_is_bounded_and_repeatable() {
        let retry = retry(RetrySettings::default());
        assert_eq!(
            retry.first_us(1_000, None).map(|list| list.len()),
            Ok(1_000)
        );
        assert!(matches!(
            retry.first_us(1_001, None),
            Err(Error::TooLarge(_))
        ));
        assert_eq!(retry.first_us(9, Some(4)), retry.first_us(9, Some(4)));
        assert_ne!(retry.first_us(9, Some(4)), retry.first_us(9, Some(5)));
    }

    #[test]
    fn attempts_end() {
        let retry = retry(RetrySettings {
            jitter: 0.0,
            ..RetrySettings::default()
        });
        let waits: Vec<_> = (1..=4)
            .map(|attempt| retry.wait_us(Failure::Timeout, attempt, 7))
            .collect();
        assert_eq!(
            waits,
            [
                Ok(Some(1_000 * MS)),
                Ok(Some(2_000 * MS)),
                Ok(None),
                Ok(None)
            ]
        );
        assert!(retry.wait_us(Failure::Timeout, 0, 7).is_err());
    }

    #[test]
    fn retry_after_is_obeyed_or_given_up() {
        let retry = retry(RetrySettings::default());
        let limited = |ms: i64| {
            let failure = Failure::Status {
                code: 429,
                retry_after_us: Some(ms * 1_000),
            };
            retry.wait_us(failure, 1, 1)
        };
        assert_eq!(limited(30_000), Ok(Some(30_000 * MS)));
        assert_eq!(limited(60_000), Ok(Some(60_000 * MS)));
        assert_eq!(limited(60_001), Ok(None));
        assert!(limited(0).unwrap().is_some_and(|us| us >= 900 * MS));
        assert!(limited(-1).is_err());
    }

    #[test]
    fn nonsense_is_refused() {
        let good = RetrySettings::default();
        for bad in [
            RetrySettings {
                attempts: 0,
                ..good
            },
            RetrySettings {
                attempts: 1_001,
                ..good
            },
            RetrySettings {
                initial_us: 0,
                ..good
            },
            RetrySettings {
                initial_us: i64::MAX,
                ..good
            },
            RetrySettings { base: 0.99, ..good },
            RetrySettings {
                base: f64::NAN,
                ..good
            },
            RetrySettings {
                base: f64::INFINITY,
                ..good
            },
            RetrySettings {
                cap_us: 999_999,
                ..good
            },
            RetrySettings { cap_us: -1, ..good },
            RetrySettings {
                jitter: -0.1,
                ..good
            },
            RetrySettings {
                jitter: 1.1,
                ..good
            },
            RetrySettings {
                jitter: f64::NAN,
                ..good
            },
        ] {
            assert!(
                matches!(Retry::check(bad), Err(Error::InvalidArgument(_))),
                "{bad:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn jitter_stays_within_its_fraction_and_under_the_cap(
            initial_us in 1_i64..=60_000_000,
            base in 1.0_f64..=10.0,
            jitter in 0.0_f64..=1.0,
            index in 0_u32..20,
            seed: u64,
        ) {
            let retry = retry(RetrySettings { initial_us, base, jitter, ..RetrySettings::default() });
            let delay_us = retry.delays_us().nth(index as usize).unwrap();
            let jittered_us = retry.jittered_us(delay_us, index, seed);
            let off_us = jittered_us.abs_diff(delay_us) as f64;
            prop_assert!(delay_us <= 60_000_000 && jittered_us <= 60_000_000);
            prop_assert!(off_us <= delay_us as f64 * jitter);
            prop_assert_eq!(jittered_us, retry.jittered_us(delay_us, index, seed));
        }

        /// Delays never shrink, and each is as many times the one before as the
        /// base says, to the rounding of a microsecond.
        #[test]
        fn delays_grow_by_the_base_until_the_cap(
            initial_us in 1_i64..=10_000_000,
            base in 1.0_f64..=100.0,
        ) {
            let retry = retry(RetrySettings { initial_us, base, ..RetrySettings::default() });
            let delays: Vec<u64> = retry.delays_us().take(12).collect();
            for pair in delays.windows(2) {
                let expected = (pair[0] as f64 * base).min(60e6);
                prop_assert!(pair[1] >= pair[0]);
                prop_assert!((pair[1] as f64 - expected).abs() <= base + 1.0);
            }
        }
    }

    #[test]
    fn jitter_spreads_over_its_whole_range() {
        let retry = retry(RetrySettings::default());
        let jittered: Vec<u64> = (0..1_000)
            .map(|seed| retry.jittered_us(1_000_000, 0, seed))
            .collect();
        let (least, most) = (
            jittered.iter().min().unwrap(),
            jittered.iter().max().unwrap(),
        );
        assert!(*least < 905_000 && *most > 1_095_000, "{least} to {most}");
        let mean = jittered.iter().sum::<u64>() / 1_000;
        assert!((990_000..=1_010_000).contains(&mean), "{mean}");
    }
}
