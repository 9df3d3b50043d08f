//! One simulated device: what it measures, how noisily, and how often.
//!
//! The figures are those of ordinary sensors: a slow true value, noise of the
//! sensor on top, rounding as the firmware does it.

use std::time::Duration;

use fastrand::Rng;
use serde_json::{Map, Value, json};

/// Rooms; further entities repeat them with a number.
const ROOMS: [&str; 8] = [
    "living_room",
    "kitchen",
    "bedroom",
    "bathroom",
    "office",
    "hall",
    "garage",
    "garden",
];

/// What stands in every room.
const PER_ROOM: [fn(&mut Rng) -> Kind; 7] = [
    temperature,
    power,
    humidity,
    illuminance,
    motion,
    energy,
    battery,
];

/// What the house has once.
const HOUSE: [fn(&mut Rng) -> Kind; 4] = [phone, washing_machine, wind, voltage];

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
enum Model {
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

/// A device before it has a name.
struct Kind {
    domain: &'static str,
    name: &'static str,
    interval_s: f64,
    attributes: Value,
    model: Model,
}

/// Where the simulated phone lives.
const HOME: (f64, f64) = (52.3731, 4.8922);

impl Device {
    /// The device at this place in the list of all devices.
    pub(super) fn new(index: usize, random: &mut Rng) -> Self {
        let (kind, place) = if let Some(make) = HOUSE.get(index) {
            (make(random), None)
        } else {
            let index = index - HOUSE.len();
            let room = index / PER_ROOM.len();
            let name = ROOMS[room % ROOMS.len()];
            let place = match room / ROOMS.len() {
                0 => name.to_owned(),
                round => format!("{name}_{}", round + 1),
            };
            (PER_ROOM[index % PER_ROOM.len()](random), Some(place))
        };
        let object = match place {
            Some(place) => format!("{place}_{}", kind.name),
            None => kind.name.to_owned(),
        };
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

/// Attributes of a measured quantity.
fn measured(device_class: &str, unit: &str) -> Value {
    json!({ "device_class": device_class, "unit_of_measurement": unit, "state_class": "measurement" })
}

fn temperature(random: &mut Rng) -> Kind {
    Kind {
        domain: "sensor",
        name: "temperature",
        interval_s: 10.0,
        attributes: measured("temperature", "°C"),
        model: Model::Wander {
            value: 18.0 + 5.0 * random.f64(),
            bounds: (-10.0, 35.0),
            step: 0.04,
            noise: 0.05,
            decimals: 2,
            outage: 0.0,
        },
    }
}

fn power(random: &mut Rng) -> Kind {
    Kind {
        domain: "sensor",
        name: "power",
        interval_s: 2.0,
        attributes: measured("power", "W"),
        model: Model::Load {
            on: random.bool(),
            idle: 1.0 + 5.0 * random.f64(),
            load: 40.0 + 1500.0 * random.f64(),
        },
    }
}

fn humidity(random: &mut Rng) -> Kind {
    Kind {
        domain: "sensor",
        name: "humidity",
        interval_s: 15.0,
        attributes: measured("humidity", "%"),
        model: Model::Wander {
            value: 40.0 + 20.0 * random.f64(),
            bounds: (0.0, 100.0),
            step: 0.15,
            noise: 0.2,
            decimals: 1,
            outage: 0.0,
        },
    }
}

fn illuminance(random: &mut Rng) -> Kind {
    Kind {
        domain: "sensor",
        name: "illuminance",
        interval_s: 8.0,
        attributes: measured("illuminance", "lx"),
        model: Model::Wander {
            value: 500.0 * random.f64(),
            bounds: (0.0, 20_000.0),
            step: 6.0,
            noise: 3.0,
            decimals: 0,
            outage: 0.0,
        },
    }
}

fn motion(_: &mut Rng) -> Kind {
    Kind {
        domain: "binary_sensor",
        name: "motion",
        interval_s: 20.0,
        attributes: json!({ "device_class": "motion" }),
        model: Model::Presence,
    }
}

fn energy(random: &mut Rng) -> Kind {
    Kind {
        domain: "sensor",
        name: "energy",
        interval_s: 10.0,
        attributes: json!({
            "device_class": "energy", "unit_of_measurement": "kWh", "state_class": "total_increasing",
        }),
        model: Model::Total {
            sum: 1000.0 * random.f64(),
            step: 0.006,
        },
    }
}

fn battery(random: &mut Rng) -> Kind {
    Kind {
        domain: "sensor",
        name: "battery",
        interval_s: 120.0,
        attributes: measured("battery", "%"),
        model: Model::Charge {
            percent: 20.0 + 80.0 * random.f64(),
        },
    }
}

fn phone(_: &mut Rng) -> Kind {
    Kind {
        domain: "device_tracker",
        name: "phone",
        interval_s: 5.0,
        attributes: json!({ "source_type": "gps", "gps_accuracy": 8 }),
        model: Model::Position {
            north: 0.0,
            east: 0.0,
            away: false,
        },
    }
}

fn washing_machine(_: &mut Rng) -> Kind {
    Kind {
        domain: "sensor",
        name: "washing_machine",
        interval_s: 15.0,
        attributes: json!({ "icon": "mdi:washing-machine" }),
        model: Model::Words {
            words: &["idle", "filling", "washing", "rinsing", "spinning", "done"],
            at: 0,
        },
    }
}

/// A station with a weak radio.
fn wind(_: &mut Rng) -> Kind {
    Kind {
        domain: "sensor",
        name: "weather_station_wind",
        interval_s: 5.0,
        attributes: measured("wind_speed", "m/s"),
        model: Model::Wander {
            value: 4.0,
            bounds: (0.0, 40.0),
            step: 0.3,
            noise: 0.5,
            decimals: 1,
            outage: 0.05,
        },
    }
}

fn voltage(_: &mut Rng) -> Kind {
    Kind {
        domain: "sensor",
        name: "mains_voltage",
        interval_s: 1.0,
        attributes: measured("voltage", "V"),
        model: Model::Wander {
            value: 231.0,
            bounds: (215.0, 245.0),
            step: 0.1,
            noise: 0.2,
            decimals: 1,
            outage: 0.0,
        },
    }
}
