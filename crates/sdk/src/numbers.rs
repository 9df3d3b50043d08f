//! Readings of numbers in columns, and rulings on them.

pub use crate::wit::exports::weirhouse::plugin::judge_numbers::{Decisions, Numbers};

/// A reading that is a number, and what was before it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seen {
    /// The host's number of the entity; they count from 0.
    pub entity: u32,
    /// What was read.
    pub value: f64,
    /// When it came in, in milliseconds since 1970.
    pub at: u64,
    /// What was passed on last.
    pub published: f64,
    /// When that was.
    pub published_at: u64,
    /// Readings since then, this one included.
    pub readings: u32,
    /// How often the entity changes, as seen over the last hour.
    pub changes_per_hour: f64,
    /// How far what is passed on may lie from the reading; `None` where a
    /// number must not be replaced.
    pub tolerance: Option<f64>,
}

impl Numbers {
    /// The readings, row by row.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Seen> + '_ {
        // As short as the shortest column, so that a row has all of them; the
        // host gives columns of one length.
        let lengths = [
            self.entities.len(),
            self.values.len(),
            self.at.len(),
            self.published.len(),
            self.published_at.len(),
            self.readings.len(),
            self.changes_per_hour.len(),
            self.tolerances.len(),
        ];
        let rows = lengths.into_iter().min().unwrap_or(0);
        (0..rows).map(|row| Seen {
            entity: self.entities[row],
            value: self.values[row],
            at: self.at[row],
            published: self.published[row],
            published_at: self.published_at[row],
            readings: self.readings[row],
            changes_per_hour: self.changes_per_hour[row],
            tolerance: Some(self.tolerances[row]).filter(|it| !it.is_nan()),
        })
    }
}

/// What stands for no reason.
pub(crate) const NO_REASON: u8 = 255;

/// A decision on a number. What it names as its reason is a place in
/// [`crate::Plugin::reasons`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ruling {
    pub(crate) verdict: u8,
    pub(crate) number: f64,
    pub(crate) reason: u8,
}

impl Ruling {
    /// The built-in policy decides.
    pub fn abstain() -> Self {
        Self::new(0, 0.0, NO_REASON)
    }

    /// It is passed on.
    pub fn publish(reason: u8) -> Self {
        Self::new(1, 0.0, reason)
    }

    /// It is not passed on.
    pub fn suppress(reason: u8) -> Self {
        Self::new(2, 0.0, reason)
    }

    /// A number within the tolerance is passed on in its place.
    pub fn replace(number: f64, reason: u8) -> Self {
        Self::new(3, number, reason)
    }

    /// The newest reading is passed on after so many milliseconds.
    pub fn defer(delay_ms: u32, reason: u8) -> Self {
        Self::new(4, f64::from(delay_ms), reason)
    }

    fn new(verdict: u8, number: f64, reason: u8) -> Self {
        Self {
            verdict,
            number,
            reason,
        }
    }
}

/// Rulings as they cross to the host.
pub(crate) fn columns(rulings: &[Ruling]) -> Decisions {
    Decisions {
        verdicts: rulings.iter().map(|it| it.verdict).collect(),
        numbers: rulings.iter().map(|it| it.number).collect(),
        reasons: rulings.iter().map(|it| it.reason).collect(),
    }
}
