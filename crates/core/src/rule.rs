//! When a reading matters: the settings of significance.

use alloc::boxed::Box;
use alloc::format;
use core::hint::select_unpredictable;

use crate::Error;
use crate::time::{NEVER_US, optional_length};

/// Most levels one rule may list.
const MOST_LEVELS: usize = 16;

/// How several thresholds combine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Combine {
    /// Every given threshold must be reached.
    #[default]
    All,
    /// One is enough.
    Any,
}

/// What is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Publishing {
    /// Readings as they came.
    #[default]
    Exact,
    /// Any value within the absolute threshold of the reading.
    Centred,
}

/// A rule as it is given: not checked yet.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RuleSettings {
    /// Least absolute difference from the baseline.
    pub absolute: Option<f64>,
    /// Least difference as a fraction of the baseline's magnitude.
    pub percentage: Option<f64>,
    /// How the two combine.
    pub combine: Combine,
    /// Heartbeat, in microseconds.
    pub max_age_us: Option<i64>,
    /// Quiet time after which a suppressed value is published, in
    /// microseconds.
    pub settle_us: Option<i64>,
    /// What is published.
    pub publishing: Publishing,
    /// Publish when zero is crossed.
    pub zero_crossing: bool,
    /// Publish when one of these is crossed.
    pub levels: Box<[f64]>,
    /// A fall is a reset.
    pub total: bool,
    /// Replace the absolute threshold by the learned one, once it is learned.
    pub learn: bool,
}

/// A rule that was checked, in the form in which readings are judged.
#[derive(Debug, Clone, PartialEq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "as many as there are settings"
)]
pub struct Rule {
    pub(crate) thresholds: Thresholds,
    /// [`NEVER_US`] where there is no heartbeat.
    pub(crate) max_age_us: u64,
    /// [`NEVER_US`] where nothing settles.
    pub(crate) settle_us: u64,
    /// What may not be crossed unpublished: zero first, where that counts, and
    /// then the levels.
    pub(crate) crossings: Box<[f64]>,
    zero_crossing: bool,
    pub(crate) total: bool,
    /// Judge by the learned threshold in place of the absolute one.
    pub(crate) learn: bool,
    /// Whether the baseline alone decides what becomes of a number. Whether a
    /// total fell depends on its newest value; what to publish within a
    /// tolerance and how much a series scatters is learned from every reading.
    pub(crate) baseline_decides: bool,
}

/// How far a number must move.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Thresholds {
    absolute: Option<f64>,
    percentage: Option<f64>,
    combine: Combine,
    /// Whether a value at the threshold is already beyond it, or still within.
    pub(crate) publishing: Publishing,
    /// The two again as they are compared, 0 where they are not given: they are
    /// asked for with every publication.
    difference: f64,
    fraction: f64,
    /// Whether both are given, and the nearer one decides.
    nearer: bool,
}

impl Thresholds {
    /// Checks thresholds given with one call or one rule.
    pub(crate) fn check(
        absolute: Option<f64>,
        percentage: Option<f64>,
        combine: Combine,
    ) -> Result<Self, Error> {
        for (name, threshold) in [("absolute", absolute), ("percentage", percentage)] {
            if let Some(value) = threshold
                && !(value.is_finite() && value >= 0.0)
            {
                return Err(Error::InvalidArgument(format!(
                    "{name} must be a finite number of at least 0, not {value}"
                )));
            }
        }
        Ok(Self {
            absolute,
            percentage,
            combine,
            publishing: Publishing::Exact,
            difference: absolute.unwrap_or(0.0),
            fraction: percentage.unwrap_or(0.0),
            nearer: combine == Combine::Any && absolute.is_some() && percentage.is_some(),
        })
    }

    /// These with another absolute threshold.
    pub(crate) fn with_absolute(self, absolute: f64) -> Self {
        Self {
            absolute: Some(absolute),
            difference: absolute,
            nearer: self.combine == Combine::Any && self.percentage.is_some(),
            ..self
        }
    }

    /// Whether there are any.
    pub(crate) fn is_given(&self) -> bool {
        self.absolute.is_some() | self.percentage.is_some()
    }

    /// The difference from a baseline at which they are reached together; 0
    /// where none is given. From a baseline of 0 any other value is infinitely
    /// far, in percent.
    #[inline]
    pub(crate) fn at(&self, base: f64) -> f64 {
        let relative = self.fraction * base.abs();
        // Where all must be reached, the farther one decides.
        let is_relative = (self.difference > relative) == self.nearer;
        select_unpredictable(is_relative, relative, self.difference)
    }

    /// The absolute threshold, if there is one.
    pub(crate) fn absolute(&self) -> Option<f64> {
        self.absolute
    }

    /// How far the published value may be from a reading, where it may be chosen.
    pub(crate) fn tolerance(&self) -> Option<f64> {
        self.absolute
            .filter(|_| self.publishing == Publishing::Centred)
    }
}

/// Refuses centred publishing where nothing, or not only an absolute threshold,
/// says how far from the reading the published value may be.
fn check_publishing(settings: &RuleSettings) -> Result<(), Error> {
    let refused = |reason: &str| {
        Err(Error::InvalidArgument(format!(
            "publishing `centred` {reason}"
        )))
    };
    if settings.publishing == Publishing::Exact {
        Ok(())
    } else if !settings.absolute.is_some_and(|absolute| absolute > 0.0) {
        refused("takes an absolute threshold above 0")
    } else if settings.percentage.is_some() {
        refused("takes an absolute threshold only, no percentage")
    } else if settings.learn {
        refused("takes a threshold that is given, not one to learn")
    } else if settings.total {
        refused("is not for a total, whose values must be exact")
    } else {
        Ok(())
    }
}

impl Rule {
    /// Checks a rule; the error names what is wrong with it.
    pub fn check(settings: &RuleSettings) -> Result<Self, Error> {
        if settings.levels.len() > MOST_LEVELS || !settings.levels.iter().all(|l| l.is_finite()) {
            return Err(Error::InvalidArgument(format!(
                "levels must be at most {MOST_LEVELS} finite numbers"
            )));
        }
        let thresholds =
            Thresholds::check(settings.absolute, settings.percentage, settings.combine)?;
        check_publishing(settings)?;
        let thresholds = Thresholds {
            publishing: settings.publishing,
            ..thresholds
        };
        let zero = settings.zero_crossing.then_some(0.0);
        Ok(Self {
            thresholds,
            max_age_us: optional_length("max-age", settings.max_age_us)?.unwrap_or(NEVER_US),
            settle_us: optional_length("settle", settings.settle_us)?.unwrap_or(NEVER_US),
            crossings: zero
                .into_iter()
                .chain(settings.levels.iter().copied())
                .collect(),
            zero_crossing: settings.zero_crossing,
            total: settings.total,
            learn: settings.learn,
            baseline_decides: !settings.total
                && !settings.learn
                && thresholds.tolerance().is_none(),
        })
    }

    /// The settings this rule was made of.
    pub fn settings(&self) -> RuleSettings {
        let length = |length_us: u64| (length_us != NEVER_US).then_some(length_us.cast_signed());
        let zero = usize::from(self.zero_crossing);
        RuleSettings {
            absolute: self.thresholds.absolute,
            percentage: self.thresholds.percentage,
            combine: self.thresholds.combine,
            max_age_us: length(self.max_age_us),
            settle_us: length(self.settle_us),
            publishing: self.thresholds.publishing,
            zero_crossing: self.zero_crossing,
            levels: self.crossings.iter().skip(zero).copied().collect(),
            total: self.total,
            learn: self.learn,
        }
    }
}

impl Default for Rule {
    /// Any change matters.
    fn default() -> Self {
        Self {
            thresholds: Thresholds::default(),
            max_age_us: NEVER_US,
            settle_us: NEVER_US,
            crossings: Box::default(),
            zero_crossing: false,
            total: false,
            learn: false,
            baseline_decides: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn nonsense_is_refused_by_name() {
        let cases: [(&str, RuleSettings); 7] = [
            (
                "absolute",
                RuleSettings {
                    absolute: Some(-1.0),
                    ..Default::default()
                },
            ),
            (
                "absolute",
                RuleSettings {
                    absolute: Some(f64::NAN),
                    ..Default::default()
                },
            ),
            (
                "percentage",
                RuleSettings {
                    percentage: Some(f64::INFINITY),
                    ..Default::default()
                },
            ),
            (
                "max-age",
                RuleSettings {
                    max_age_us: Some(0),
                    ..Default::default()
                },
            ),
            (
                "settle",
                RuleSettings {
                    settle_us: Some(-1),
                    ..Default::default()
                },
            ),
            (
                "levels",
                RuleSettings {
                    levels: vec![1.0; 17].into(),
                    ..Default::default()
                },
            ),
            (
                "levels",
                RuleSettings {
                    levels: vec![f64::NAN].into(),
                    ..Default::default()
                },
            ),
        ];
        for (name, settings) in cases {
            match Rule::check(&settings) {
                Err(Error::InvalidArgument(text)) => assert!(text.starts_with(name), "{text}"),
                other => panic!("{name}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_checked_rule_gives_its_settings_back() {
        let settings = RuleSettings {
            absolute: Some(0.5),
            percentage: Some(0.01),
            combine: Combine::Any,
            max_age_us: Some(60_000_000),
            levels: vec![100.0].into(),
            total: true,
            ..Default::default()
        };
        assert_eq!(
            Rule::check(&settings).map(|rule| rule.settings()),
            Ok(settings)
        );
    }
}
