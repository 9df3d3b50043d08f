//! What a threshold would have done: a deadband run beside the real one.

use serde::{Deserialize, Serialize};

use super::Proposal;
use crate::reading::differs_by;

/// Readings after which the older half of what was tallied is forgotten.
const HALF: u16 = 512;

/// The trial of one threshold.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Trial {
    /// The value it would have published last.
    base: Option<f64>,
    newer: Tally,
    older: Tally,
}

#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
struct Tally {
    readings: u16,
    /// Readings that differ from the one before.
    changes: u16,
    /// Those of them that it would have published.
    published: u16,
    errors: f64,
    max_error: f64,
}

impl Trial {
    /// Judges a number that follows on `previous`, if on any.
    pub(super) fn observe(&mut self, threshold: f64, previous: Option<f64>, number: f64) {
        if self.newer.readings >= HALF {
            self.older = core::mem::take(&mut self.newer);
        }
        let base = *self.base.get_or_insert(previous.unwrap_or(number));
        let tally = &mut self.newer;
        tally.readings += 1;
        tally.changes += u16::from(previous.is_some() && previous != Some(number));
        if self.base != Some(number) && differs_by(base, number, threshold) {
            // After a gap it may repeat the number before it.
            tally.published += u16::from(tally.published < tally.changes);
            self.base = Some(number);
        } else {
            let error = (number - base).abs();
            tally.errors += error;
            tally.max_error = if error > tally.max_error {
                error
            } else {
                tally.max_error
            };
        }
    }

    pub(super) fn result(&self, threshold: f64) -> Proposal {
        let (newer, older) = (&self.newer, &self.older);
        let sum = |one: u16, other: u16| f64::from(one) + f64::from(other);
        let readings = u32::from(newer.readings) + u32::from(older.readings);
        let share = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
        let published = share(
            sum(newer.published, older.published),
            sum(newer.changes, older.changes),
        );
        let changed = newer.changes > 0 || older.changes > 0;
        Proposal {
            threshold,
            suppressed: if changed { 1.0 - published } else { 0.0 },
            mean_error: share(newer.errors + older.errors, f64::from(readings)),
            max_error: newer.max_error.max(older.max_error),
            readings,
        }
    }

    /// Refuses what no trial could have tallied.
    pub(super) fn verify(&self) -> Result<(), &'static str> {
        let sound = |tally: &Tally| {
            let amount = |number: f64| number.is_finite() && number >= 0.0;
            tally.readings <= HALF
                && tally.changes <= tally.readings
                && tally.published <= tally.changes
                && amount(tally.errors)
                && amount(tally.max_error)
        };
        if self.base.is_some_and(|base| !base.is_finite())
            || !sound(&self.newer)
            || !sound(&self.older)
        {
            return Err("a trial of a threshold is out of range");
        }
        Ok(())
    }
}
