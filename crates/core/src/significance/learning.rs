//! Which series are studied for their noise, and when.
//!
//! A series whose rule says `learn` is studied always, and judged by what was
//! learned. All others are studied while the host asks for proposals, in rounds:
//! a reading that is studied is judged in full, and none else pays for it.

mod section;

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::noise::{NoiseFloor, Proposal};
use crate::reading::Reading;
use crate::rule::{Rule, Thresholds};
use crate::table::lengthen;

/// Readings in one round of study: with the first, a threshold is learned and
/// tried.
const ROUND: u16 = 256;

/// Time between two rounds: noise that follows the hours of a day is met at
/// several of them.
const REST_US: u64 = 6 * 3600 * 1_000_000;

/// The studies of all series, by handle.
#[derive(Default)]
pub(crate) struct Learning {
    /// Whether series are studied whose rule does not ask for it.
    everywhere: bool,
    /// Only of series that were studied; few have more than the pointer.
    studies: Vec<Option<Box<Study>>>,
}

#[derive(Default)]
struct Study {
    floor: NoiseFloor,
    /// Readings left in this round.
    left: u16,
    /// When the next round may begin.
    rested_us: u64,
}

impl Learning {
    /// Sets whether all series are studied in rounds.
    pub(super) fn set_everywhere(&mut self, everywhere: bool) {
        self.everywhere = everywhere;
    }

    /// Whether all series are.
    pub(super) fn is_everywhere(&self) -> bool {
        self.everywhere
    }

    /// Whether a series has to show its every reading.
    pub(super) fn follows(&self, handle: u32) -> bool {
        self.everywhere && self.study(handle).is_none_or(|study| study.left > 0)
    }

    /// Learns from a reading that was not late, if its turn has come; says
    /// whether the next one is wanted, too.
    pub(super) fn observe(
        &mut self,
        now_us: u64,
        handle: u32,
        reading: Reading,
        always: bool,
    ) -> bool {
        if !always && !self.everywhere {
            return false;
        }
        let is_number = matches!(reading, Reading::Number(_));
        let Some(study) = self.study_mut(handle, is_number) else {
            return false;
        };
        if always {
            study.floor.observe(reading);
            return true;
        }
        if study.left == 0 {
            if now_us < study.rested_us {
                return false;
            }
            study.left = ROUND;
            study.floor.part();
        }
        study.floor.observe(reading);
        study.left -= 1;
        if study.left == 0 {
            study.rested_us = now_us.saturating_add(REST_US);
        }
        study.left > 0
    }

    /// The thresholds that a rule with `learn` stands for now.
    pub(super) fn thresholds(&self, handle: u32, rule: &Rule) -> Option<Thresholds> {
        let learned = self.study(handle)?.floor.threshold()?;
        Some(rule.thresholds.with_absolute(learned))
    }

    pub(super) fn proposal(&self, handle: u32) -> Option<Proposal> {
        self.study(handle)?.floor.proposal()
    }

    /// Forgets what was learned of a series.
    pub(super) fn forget(&mut self, handle: u32) {
        if let Some(place) = self.studies.get_mut(handle as usize) {
            *place = None;
        }
    }

    /// The study of a series, which `begin` may begin.
    fn study_mut(&mut self, handle: u32, begin: bool) -> Option<&mut Study> {
        let index = handle as usize;
        if begin {
            lengthen(&mut self.studies, index + 1, || None);
        }
        let place = self.studies.get_mut(index)?;
        if begin {
            return Some(place.get_or_insert_default());
        }
        place.as_deref_mut()
    }

    fn study(&self, handle: u32) -> Option<&Study> {
        self.studies.get(handle as usize)?.as_deref()
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "thresholds are round decimals")]
mod tests;
