//! What a client wants, and which changes matter to it.

use alloc::format;

use super::Values;
use crate::Error;
use crate::reading::differs_by;
use crate::rule::{Combine, Thresholds};
use crate::time::{NEVER_US, length, optional_length};

/// Most rows that may wait for one client: as many as there may be.
const MOST_CAPACITY: u32 = super::MOST_ROWS;

/// Which changes of a state matter. The baseline is what the client was given
/// last; a state that is no number, or was none, matters whenever it differs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Significance {
    /// Every change.
    Any,
    /// A number that is at least this far from the baseline; finite, at least 0.
    Absolute(f64),
    /// The same as a fraction of the baseline's magnitude.
    Percentage(f64),
}

/// What a client wants.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProfileSettings {
    /// The least time between two deliveries of one row, in microseconds, at
    /// least 0.
    pub interval_us: i64,
    /// Which changes of the state matter.
    pub significance: Significance,
    /// Whether a change matters in which only the attributes differ.
    pub attributes: bool,
    /// How long a row may differ from what was given, in microseconds, over 0.
    pub max_stale_us: Option<i64>,
    /// Most rows waiting, 1 to 1,000,000.
    pub capacity: u32,
}

impl Default for ProfileSettings {
    fn default() -> Self {
        Self {
            interval_us: 0,
            significance: Significance::Any,
            attributes: true,
            max_stale_us: None,
            capacity: 20_000,
        }
    }
}

/// Settings that were checked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Profile {
    pub(super) interval_us: u64,
    /// `None` where every change of the state matters.
    deadband: Option<Thresholds>,
    attributes: bool,
    /// [`NEVER_US`] where rows may differ for as long as it takes.
    pub(super) max_stale_us: u64,
    pub(super) capacity: u32,
}

impl Profile {
    pub(super) fn check(settings: &ProfileSettings) -> Result<Self, Error> {
        if !(1..=MOST_CAPACITY).contains(&settings.capacity) {
            return Err(Error::InvalidArgument(format!(
                "capacity must be 1 to {MOST_CAPACITY}, not {}",
                settings.capacity
            )));
        }
        let deadband = match settings.significance {
            Significance::Any => None,
            Significance::Absolute(least) => Some((Some(least), None)),
            Significance::Percentage(fraction) => Some((None, Some(fraction))),
        };
        let deadband = deadband
            .map(|(absolute, percentage)| Thresholds::check(absolute, percentage, Combine::All));
        Ok(Self {
            interval_us: length("interval", settings.interval_us, true)?,
            deadband: deadband.transpose()?,
            attributes: settings.attributes,
            max_stale_us: optional_length("max-stale", settings.max_stale_us)?.unwrap_or(NEVER_US),
            capacity: settings.capacity,
        })
    }

    /// Whether a row that was `before` and is `after` matters to a client that
    /// was given the number `base`, or no number.
    pub(super) fn matters(&self, base: f64, before: &Values, after: &Values) -> bool {
        let state = match &self.deadband {
            Some(deadband) if base.is_finite() && after.number.is_finite() => {
                differs(base, after.number) && differs_by(base, after.number, deadband.at(base))
            }
            _ => before.state != after.state,
        };
        state || (self.attributes && before.attributes != after.attributes)
    }
}

/// Whether two numbers are not the very same; one that is none differs.
#[allow(clippy::float_cmp, reason = "a repeat is the very same number")]
pub(super) fn differs(one: f64, other: f64) -> bool {
    one != other
}
