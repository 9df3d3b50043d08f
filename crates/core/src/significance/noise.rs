//! The noise floor of one series: how far its readings scatter about what they
//! measure.
//!
//! Each reading is held against its two neighbours. If it lies above both or
//! below both, it sticks out by the smaller of the two differences. A step, a
//! drift or a repeat sticks out by nothing, and a spike is one reading in many.
//! The floor is twice the distance within which nine readings in ten stay: for
//! Gaussian scatter 3.1 standard deviations, for uniform scatter 0.93 of its
//! width, for values that flicker between two steps of a coarse sensor two
//! steps. The threshold proposed is the floor, rounded up to [`RUNGS`].
//!
//! What cannot be told from scatter by order alone is taken for it: a value that
//! alternates with every reading.

mod rungs;
mod trial;

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::reading::Reading;
pub(super) use rungs::RUNGS;
use trial::Trial;

/// Readings held against their neighbours before a threshold is learned. The
/// ninth decile of so many is within a fifth of its true place, less than the
/// distance of two rungs.
pub(super) const LEAST_READINGS: u16 = 64;

/// Readings after which every count is halved, so that what was long ago weighs
/// little: half of the weight lies on the newest 512 to 1,024.
const MEMORY: u16 = 1024;

/// The threshold is looked at again after this many readings.
const EVERY: u16 = 16;

/// How many readings stuck out how far: not at all, up to half of each rung, and
/// further than half of the last one.
const LEVELS: usize = RUNGS.len() + 2;

/// A threshold that would hide the noise of a series, and what to expect of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Proposal {
    /// The absolute threshold; 0, any change, where there is no noise to hide.
    pub threshold: f64,
    /// Share of the changes that it would have suppressed, from 0 to 1.
    pub suppressed: f64,
    /// Mean distance of a reading from the value it would have published last.
    pub mean_error: f64,
    /// Largest such distance; always below the threshold.
    pub max_error: f64,
    /// Readings these expectations rest on: the newest 512 to 1,023 of those
    /// since this threshold was proposed first.
    pub readings: u32,
}

/// What was learned of the scatter of one series, in some 220 bytes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct NoiseFloor {
    /// The newest two numbers, newest last.
    neighbours: [Option<f64>; 2],
    counts: [u16; LEVELS],
    /// Sum of `counts`.
    total: u16,
    /// The level of the threshold, once it is learned.
    level: Option<u8>,
    trial: Trial,
}

impl Default for NoiseFloor {
    fn default() -> Self {
        Self {
            neighbours: [None; 2],
            counts: [0; LEVELS],
            total: 0,
            level: None,
            trial: Trial::default(),
        }
    }
}

impl NoiseFloor {
    /// Learns from the next reading. One that is no number parts what came
    /// before it from what comes after.
    pub(super) fn observe(&mut self, reading: Reading) {
        let Reading::Number(number) = reading else {
            self.part();
            return;
        };
        if let Some(threshold) = self.threshold() {
            self.trial.observe(threshold, self.neighbours[1], number);
        }
        let [before, middle] = self.neighbours;
        if let (Some(before), Some(middle)) = (before, middle) {
            self.count(level_of(before, middle, number));
        }
        self.neighbours = [middle, Some(number)];
    }

    /// The next reading does not follow on the last one.
    pub(super) fn part(&mut self) {
        self.neighbours = [None; 2];
    }

    /// The learned threshold; 0 means any change.
    pub(super) fn threshold(&self) -> Option<f64> {
        self.level.map(threshold_of)
    }

    pub(super) fn proposal(&self) -> Option<Proposal> {
        self.threshold()
            .map(|threshold| self.trial.result(threshold))
    }

    fn count(&mut self, level: usize) {
        self.counts[level] += 1;
        self.total += 1;
        if self.total >= MEMORY {
            for count in &mut self.counts {
                *count /= 2;
            }
            self.total = self.counts.iter().sum();
        }
        if self.total >= LEAST_READINGS && self.total.is_multiple_of(EVERY) {
            self.settle();
        }
    }

    /// Finds the least level that covers nine readings in ten. Near that share
    /// the level found before stays, so that a threshold does not waver between
    /// two rungs.
    fn settle(&mut self) {
        let covers = |level: u8, share: f64| {
            let covered: u16 = self.counts[..=usize::from(level)].iter().sum();
            f64::from(covered) >= share * f64::from(self.total)
        };
        let stays = self.level.is_some_and(|level| {
            covers(level, 0.875)
                && level
                    .checked_sub(1)
                    .is_none_or(|below| !covers(below, 0.925))
        });
        if stays {
            return;
        }
        let level = (0..LEVELS as u8).find(|&level| covers(level, 0.9));
        if level != self.level {
            self.level = level;
            self.trial = Trial::default();
        }
    }
}

/// The level of how far `middle` sticks out between its neighbours.
fn level_of(before: f64, middle: f64, after: f64) -> usize {
    let sticks_out = (middle > before && middle > after) || (middle < before && middle < after);
    if !sticks_out {
        return 0;
    }
    let nearer = if (middle - before).abs() < (middle - after).abs() {
        before
    } else {
        after
    };
    1 + rungs::reaching(middle, nearer)
}

/// No threshold hides what scatters beyond the last rung.
fn threshold_of(level: u8) -> f64 {
    let rung = usize::from(level).checked_sub(1);
    rung.and_then(|rung| RUNGS.get(rung).copied())
        .unwrap_or(0.0)
}

/// What a snapshot keeps of a [`NoiseFloor`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    neighbours: [Option<f64>; 2],
    /// Levels with their counts, ascending, without those of no count.
    counts: Vec<(u8, u16)>,
    level: Option<u8>,
    trial: Trial,
}

impl From<&NoiseFloor> for Record {
    fn from(floor: &NoiseFloor) -> Self {
        Self {
            neighbours: floor.neighbours,
            counts: (0..)
                .zip(floor.counts)
                .filter(|&(_, count)| count > 0)
                .collect(),
            level: floor.level,
            trial: floor.trial,
        }
    }
}

impl Record {
    /// Refuses what no [`NoiseFloor`] could have written.
    pub(super) fn verify(&self) -> Result<(), &'static str> {
        let levels = self.counts.iter().map(|&(level, _)| level);
        if !levels.clone().is_sorted_by(|one, next| one < next)
            || !levels
                .chain(self.level)
                .all(|level| usize::from(level) < LEVELS)
        {
            return Err("a level of scatter is out of range");
        }
        let total: u64 = self.counts.iter().map(|&(_, count)| u64::from(count)).sum();
        if total >= u64::from(MEMORY) {
            return Err("a count of readings is out of range");
        }
        if !self
            .neighbours
            .iter()
            .flatten()
            .all(|number| number.is_finite())
        {
            return Err("a number is not finite");
        }
        self.trial.verify()
    }
}

impl From<Record> for NoiseFloor {
    fn from(record: Record) -> Self {
        let mut floor = Self {
            neighbours: record.neighbours,
            level: record.level,
            trial: record.trial,
            ..Self::default()
        };
        for (level, count) in record.counts {
            if let Some(place) = floor.counts.get_mut(usize::from(level)) {
                *place = count;
            }
        }
        floor.total = floor.counts.iter().sum();
        floor
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "rungs are written down, not computed")]
mod tests;
