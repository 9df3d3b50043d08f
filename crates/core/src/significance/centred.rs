//! Which value a centred rule publishes: any within the tolerance of the
//! reading would do, and the one to choose is the one readings stay near for
//! longest.
//!
//! How readings will go on depends on the sensor. Noise comes back to its
//! middle, a trend goes on, a random walk is best met on the reading itself. So
//! several [`Expert`]s play along on every reading, each as if it alone were
//! published, and the one that had to publish least often of late is followed.
//! What an expert would have published needs no guess: it depends on nothing
//! but the readings.
//!
//! Following takes over the very value the expert stands at, so that the
//! publications made are its own, and the price of learning is a few
//! publications at each change of mind.
//!
//! When to publish is not decided here, and nothing here depends on time.

mod placements;

use serde::{Deserialize, Serialize};

use crate::reading::exceeds;

pub(crate) use placements::Placements;

/// A way to choose a value within the tolerance of a reading.
#[derive(Debug, Clone, Copy)]
enum Expert {
    /// The reading itself.
    Stay,
    /// The median of the last three readings: outliers come back.
    Median,
    /// A value that goes after the readings in small steps: noise comes back
    /// to its middle.
    Follow,
    /// Half the tolerance back to where the reading came from.
    Return,
    /// Half the tolerance on in the direction in which the reading left.
    LeadHalf,
    /// As far on as the tolerance allows: the reading may cross it all.
    LeadFully,
    /// On, if the last reading that left did so in the same direction.
    LeadTrend,
}

const EXPERTS: [Expert; 7] = [
    Expert::Stay,
    Expert::Median,
    Expert::Follow,
    Expert::Return,
    Expert::LeadHalf,
    Expert::LeadFully,
    Expert::LeadTrend,
];

/// How far [`Expert::LeadTrend`] leads, as a share of the tolerance. Less than
/// all of it, because trends are noisy.
const TREND_LEAD: f64 = 0.8;

/// How far [`Expert::Follow`] moves with each reading, as a share of the
/// tolerance.
const FOLLOW_STEP: f64 = 1.0 / 32.0;

/// Exits of all experts together at which they are all halved, so that what
/// is long past loses weight.
const MOST_EXITS: u16 = 1_024;

/// An expert takes over when it has left its band fewer times than the one
/// followed, by this many and by this share, so that chance does not decide.
const LEAD_IN_EXITS: u16 = 2;
const LEAD_IN_SHARE: u16 = 16;

/// What is learned of one series, and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Placement {
    /// What each expert would have published last.
    places: [f64; EXPERTS.len()],
    /// How often the readings left the tolerance of each, discounted.
    exits: [u16; EXPERTS.len()],
    /// The index of the one followed.
    followed: u8,
    /// Whether [`Expert::LeadTrend`] was last left upwards.
    rose: bool,
    /// Where [`Expert::Follow`] is.
    follower: f64,
    /// The two readings before the newest, newest first.
    before: [f64; 2],
}

impl Placement {
    /// That of a series of which one number is known, which is published.
    fn new(number: f64) -> Self {
        Self {
            places: [number; EXPERTS.len()],
            exits: [0; EXPERTS.len()],
            followed: 0,
            rose: false,
            follower: number,
            before: [number; 2],
        }
    }

    /// Lets every expert see a number. `tolerance` is finite and at least 0,
    /// and may differ from call to call.
    fn observe(&mut self, number: f64, tolerance: f64) {
        let step = tolerance * FOLLOW_STEP;
        self.follower = near(number, self.follower - step, self.follower + step);
        // An expert need not be exact: what is published is checked.
        let reach = tolerance * 1.000_001;
        for (index, expert) in EXPERTS.into_iter().enumerate() {
            let distance = number - self.places[index];
            if distance.abs() > reach {
                self.places[index] = self.leave(expert, number, tolerance, distance > 0.0);
                self.count_exit(index);
            }
        }
        self.before = [number, self.before[0]];
    }

    /// Where an expert goes when a number leaves it behind.
    fn leave(&mut self, expert: Expert, number: f64, tolerance: f64, upwards: bool) -> f64 {
        let ahead = if upwards { tolerance } else { -tolerance };
        let place = match expert {
            Expert::Stay => number,
            Expert::Median => median(number, self.before),
            Expert::Follow => self.follower,
            Expert::Return => number - 0.5 * ahead,
            Expert::LeadHalf => number + 0.5 * ahead,
            Expert::LeadFully => number + ahead,
            Expert::LeadTrend => {
                let persists = self.rose == upwards;
                self.rose = upwards;
                if persists {
                    number + TREND_LEAD * ahead
                } else {
                    number
                }
            }
        };
        let place = near(place, number - tolerance, number + tolerance);
        if place.is_finite() { place } else { number }
    }

    fn count_exit(&mut self, index: usize) {
        self.exits[index] += 1;
        if self.exits.iter().sum::<u16>() > MOST_EXITS {
            for exits in &mut self.exits {
                *exits /= 2;
            }
        }
    }

    /// The value to publish for a number that left the tolerance of what was
    /// published, and that was observed. It is within the tolerance of the
    /// number, compared as decimals, and has few digits.
    pub(super) fn choose(&mut self, number: f64, tolerance: f64) -> f64 {
        let current = self.exits[usize::from(self.followed)];
        let least = (0..).zip(self.exits).min_by_key(|&(_, exits)| exits);
        if let Some((index, exits)) = least
            && exits + LEAD_IN_EXITS + current / LEAD_IN_SHARE <= current
        {
            self.followed = index;
        }
        let place = &mut self.places[usize::from(self.followed)];
        *place = decimal_near(*place, number, tolerance);
        *place
    }

    /// Whether it is what the methods make: its numbers are finite, and its
    /// counts in their range.
    fn is_well_formed(&self) -> bool {
        let numbers = self.places.iter().chain(&self.before);
        let exits: u32 = self.exits.iter().copied().map(u32::from).sum();
        numbers.chain([&self.follower]).all(|it| it.is_finite())
            && exits <= u32::from(MOST_EXITS)
            && usize::from(self.followed) < EXPERTS.len()
    }
}

/// What of `low..=high` is nearest to `value`.
fn near(value: f64, low: f64, high: f64) -> f64 {
    if value < low {
        low
    } else if value > high {
        high
    } else {
        value
    }
}

fn median(one: f64, [two, three]: [f64; 2]) -> f64 {
    let (low, high) = if one < two { (one, two) } else { (two, one) };
    near(three, low, high)
}

/// Powers of ten that are exact in binary.
const POWERS_OF_TEN: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// How many steps of the decimal grid fit into the tolerance at least.
const STEPS: f64 = 10.0;

/// Integers up to here are exact in binary.
const MOST_STEPS: f64 = (1_u64 << 53) as f64;

/// The decimal nearest to `place` on a grid fine against the tolerance that is
/// within the tolerance of `number`; `number` itself where there is none.
fn decimal_near(place: f64, number: f64, tolerance: f64) -> f64 {
    if place.to_bits() == number.to_bits() {
        return number;
    }
    let Some(grid) = Grid::fine_against(tolerance) else {
        return number;
    };
    let steps = grid.steps(place);
    if !(steps > -MOST_STEPS && steps < MOST_STEPS) {
        return number;
    }
    let inwards = if place < number { 1.0 } else { -1.0 };
    let steps = rounded(steps);
    [steps, steps + inwards]
        .into_iter()
        .map(|steps| grid.value(steps))
        .find(|&value| !exceeds(value, number, tolerance))
        .unwrap_or(number)
}

/// Multiples of a power of ten.
enum Grid {
    /// Of this many to one.
    Fraction(f64),
    /// Of this one.
    Multiple(f64),
}

impl Grid {
    /// The coarsest of which [`STEPS`] fit into the tolerance.
    fn fine_against(tolerance: f64) -> Option<Self> {
        let most = tolerance / STEPS;
        if most >= 1.0 {
            let step = POWERS_OF_TEN.into_iter().rfind(|&power| power <= most);
            step.map(Self::Multiple)
        } else {
            let parts = POWERS_OF_TEN.into_iter().find(|power| power * most >= 1.0);
            parts.map(Self::Fraction)
        }
    }

    fn steps(&self, value: f64) -> f64 {
        match self {
            Self::Fraction(parts) => value * parts,
            Self::Multiple(step) => value / step,
        }
    }

    /// A quotient or product of exact numbers, and so what the decimal's text
    /// would be read as.
    fn value(&self, steps: f64) -> f64 {
        match self {
            Self::Fraction(parts) => steps / parts,
            Self::Multiple(step) => steps * step,
        }
    }
}

/// The nearest integer of a number below [`MOST_STEPS`].
fn rounded(number: f64) -> f64 {
    let half = if number < 0.0 { -0.5 } else { 0.5 };
    ((number + half) as i64) as f64
}

#[cfg(test)]
mod tests;
