//! One simulated device: its state, its attributes, and how readings come about.
//!
//! Which devices there are is said in the catalogue, when they report in the
//! home.

use std::time::Duration;

use fastrand::Rng;
use serde_json::{Map, Value};

use super::catalogue;

/// An entity of the simulated home.
pub(super) struct Device {
    pub(super) entity_id: String,
    /// Mean time between readings, before the pace of the home.
    pub(super) interval: Duration,
    /// Attributes that never change.
    fixed: Map<String, Value>,
    model: Model,
    state: String,
}

/// What a reading made different.
pub(super) struct Reading {
    pub(super) state_changed: bool,
    /// Attributes with a new value.
    pub(super) attributes: Map<String, Value>,
}

/// How a state comes about.
pub(super) enum Model {
    /// A true value that wanders between bounds, read with noise.
    Wander {
        value: f64,
        bounds: (f64, f64),
        step: f64,
        noise: f64,
        decimals: usize,
        /// Chance per reading to become unavailable.
        outage: f64,
    },
    /// A load that is switched, with noise in proportion.
    Load { on: bool, idle: f64, load: f64 },
    /// A meter that only rises, except when it is reset.
    Total { sum: f64, step: f64 },
    /// A charge that falls and is filled up again.
    Charge { percent: f64 },
    /// On for one reading in eight.
    Presence,
    /// Positions around home; away now and then.
    Position { north: f64, east: f64, away: bool },
    /// One of several words, in their order.
    Words {
        words: &'static [&'static str],
        at: usize,
    },
}

/// Where the simulated phone lives.
const HOME: (f64, f64) = (52.3731, 4.8922);

impl Device {
    /// The device at this place in the list of all devices.
    pub(super) fn new(index: usize, random: &mut Rng) -> Self {
        let (object, kind) = catalogue::kind_at(index, random);
        let mut fixed = match kind.attributes {
            Value::Object(attributes) => attributes,
            _ => Map::new(),
        };
        fixed.insert("friendly_name".to_owned(), object.replace('_', " ").into());
        let mut device = Self {
            entity_id: format!("{}.{object}", kind.domain),
            interval: Duration::from_secs_f64(kind.interval_s),
            fixed,
            model: kind.model,
            state: String::new(),
        };
        device.read(random);
        device
    }

    /// The state text now.
    pub(super) fn state(&self) -> &str {
        &self.state
    }

    /// All attributes now.
    pub(super) fn attributes(&self) -> Map<String, Value> {
        let mut attributes = self.fixed.clone();
        attributes.extend(self.model.attributes());
        attributes
    }

    /// Takes a reading; `None` when it equals the one before.
    pub(super) fn read(&mut self, random: &mut Rng) -> Option<Reading> {
        let before = self.model.attributes();
        let state = self.model.read(&self.state, random);
        let mut attributes = self.model.attributes();
        attributes.retain(|name, value| before.get(name) != Some(value));
        let state_changed = state != self.state;
        self.state = state;
        (state_changed || !attributes.is_empty()).then_some(Reading {
            state_changed,
            attributes,
        })
    }
}

impl Model {
    /// The next state text.
    fn read(&mut self, before: &str, random: &mut Rng) -> String {
        match self {
            Self::Wander {
                value,
                bounds: (low, high),
                step,
                noise,
                decimals,
                outage,
            } => {
                *value = (*value + *step * noise_of(random)).clamp(*low, *high);
                // An outage lasts four readings on average.
                let chance = if before == "unavailable" {
                    0.75
                } else {
                    *outage
                };
                if random.f64() < chance {
                    return "unavailable".to_owned();
                }
                let reading = (*value + *noise * noise_of(random)).clamp(*low, *high);
                format!("{reading:.*}", *decimals)
            }
            Self::Load { on, idle, load } => {
                if random.f64() < 0.02 {
                    *on = !*on;
                }
                let level = if *on { *load } else { *idle };
                format!("{:.1}", (level * (1.0 + 0.01 * noise_of(random))).max(0.0))
            }
            Self::Total { sum, step } => {
                *sum += *step * random.f64();
                if random.f64() < 0.0005 {
                    *sum = 0.0;
                }
                format!("{sum:.3}")
            }
            Self::Charge { percent } => {
                *percent -= 0.4 * random.f64();
                if *percent < 5.0 {
                    *percent = 100.0;
                }
                format!("{percent:.0}")
            }
            Self::Presence => if random.f64() < 0.125 { "on" } else { "off" }.to_owned(),
            Self::Position { north, east, away } => {
                if random.f64() < 0.01 {
                    *away = !*away;
                }
                // Metres from home: a walk when away, the receiver's noise when not.
                let (target, step) = if *away { (900.0, 40.0) } else { (0.0, 4.0) };
                *north += 0.1 * (target - *north) + step * noise_of(random);
                *east += 0.1 * (-*east) + step * noise_of(random);
                if north.hypot(*east) < 100.0 {
                    "home"
                } else {
                    "not_home"
                }
                .to_owned()
            }
            Self::Words { words, at } => {
                if random.f64() < 0.2 {
                    *at = (*at + 1) % words.len();
                }
                words.get(*at).copied().unwrap_or("unknown").to_owned()
            }
        }
    }

    /// Attributes that change with readings.
    fn attributes(&self) -> Map<String, Value> {
        const METRES_PER_DEGREE: f64 = 111_320.0;
        let mut attributes = Map::new();
        if let Self::Position { north, east, .. } = self {
            let micro = |degrees: f64| Value::from((degrees * 1e6).round() / 1e6);
            let shrink = HOME.0.to_radians().cos();
            attributes.insert(
                "latitude".to_owned(),
                micro(HOME.0 + north / METRES_PER_DEGREE),
            );
            attributes.insert(
                "longitude".to_owned(),
                micro(HOME.1 + east / METRES_PER_DEGREE / shrink),
            );
        }
        attributes
    }
}

/// Roughly normal, mean 0, deviation 1, within ±3.5.
fn noise_of(random: &mut Rng) -> f64 {
    // The sum of four uniform numbers has deviation sqrt(4/12).
    let sum: f64 = (0..4).map(|_| random.f64() - 0.5).sum();
    sum * 3f64.sqrt()
}
