//! What stands in the simulated home, and in how many rooms.
//!
//! The figures are those of ordinary sensors: a slow true value, noise of the
//! sensor on top, rounding as the firmware does it.

use fastrand::Rng;
use serde_json::{Value, json};

use super::device::Model;

/// Rooms; further entities repeat them with a number.
pub(super) const ROOMS: [&str; 8] = [
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

/// A device before it has a name.
pub(super) struct Kind {
    pub(super) domain: &'static str,
    pub(super) name: &'static str,
    /// Mean seconds between readings.
    pub(super) interval_s: f64,
    /// Attributes that never change, as an object.
    pub(super) attributes: Value,
    pub(super) model: Model,
}

/// Object id and kind of the device at this place in the list of all: the house
/// first, then room by room.
pub(super) fn kind_at(index: usize, random: &mut Rng) -> (String, Kind) {
    if let Some(make) = HOUSE.get(index) {
        let kind = make(random);
        return (kind.name.to_owned(), kind);
    }
    let index = index - HOUSE.len();
    let room = index / PER_ROOM.len();
    let kind = PER_ROOM[index % PER_ROOM.len()](random);
    let name = ROOMS[room % ROOMS.len()];
    let object = match room / ROOMS.len() {
        0 => format!("{name}_{}", kind.name),
        round => format!("{name}_{}_{}", round + 1, kind.name),
    };
    (object, kind)
}

/// The room in which the device at this place stands, and how often that room came before; `None` for the house.
pub(super) fn room_at(index: usize) -> Option<(&'static str, usize)> {
    let room = index.checked_sub(HOUSE.len())? / PER_ROOM.len();
    Some((ROOMS[room % ROOMS.len()], room / ROOMS.len()))
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
