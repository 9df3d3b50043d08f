//! Which attributes a line tells, and how.
//!
//! What is not listed here never leaves: attributes carry access tokens of cameras, addresses of pictures, positions
//! of people and whatever else integrations put there.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::clean;

/// Longest value, in characters.
const LONGEST: usize = 120;

/// How a value is written.
#[derive(Clone, Copy)]
enum As {
    /// As it is.
    Plain,
    /// As it is, with this behind it.
    With(&'static str),
    /// As a percentage of this.
    ShareOf(f64),
}

use As::{Plain, ShareOf, With};

/// An attribute, what it is called in a line, and how it is written.
type Detail = (&'static str, &'static str, As);

/// What is told of the entities of a domain.
fn of_domain(domain: &str) -> &'static [Detail] {
    match domain {
        "light" => &[
            ("brightness", "brightness", ShareOf(255.0)),
            ("color_temp_kelvin", "color temperature", With(" K")),
            ("effect", "effect", Plain),
        ],
        "climate" => &[
            ("current_temperature", "temperature", Plain),
            ("temperature", "set to", Plain),
            ("target_temp_low", "from", Plain),
            ("target_temp_high", "to", Plain),
            ("current_humidity", "humidity", With(" %")),
            ("hvac_action", "action", Plain),
            ("preset_mode", "preset", Plain),
            ("fan_mode", "fan", Plain),
        ],
        "water_heater" => &[
            ("current_temperature", "temperature", Plain),
            ("temperature", "set to", Plain),
        ],
        "humidifier" => &[
            ("current_humidity", "humidity", With(" %")),
            ("humidity", "set to", With(" %")),
            ("mode", "mode", Plain),
        ],
        "cover" | "valve" => &[
            ("current_position", "position", With(" %")),
            ("current_tilt_position", "tilt", With(" %")),
        ],
        "fan" => &[
            ("percentage", "speed", With(" %")),
            ("preset_mode", "preset", Plain),
        ],
        "media_player" => &[
            ("media_title", "title", Plain),
            ("media_artist", "artist", Plain),
            ("source", "source", Plain),
            ("app_name", "app", Plain),
            ("volume_level", "volume", ShareOf(1.0)),
            ("is_volume_muted", "muted", Plain),
        ],
        "weather" => &[
            ("temperature", "temperature", Plain),
            ("temperature_unit", "unit", Plain),
            ("humidity", "humidity", With(" %")),
            ("wind_speed", "wind", Plain),
            ("wind_speed_unit", "wind unit", Plain),
        ],
        "sun" => &[
            ("next_rising", "next rising", Plain),
            ("next_setting", "next setting", Plain),
        ],
        "vacuum" | "lawn_mower" => &[("battery_level", "battery", With(" %"))],
        "timer" => &[
            ("remaining", "remaining", Plain),
            ("finishes_at", "finishes at", Plain),
        ],
        "calendar" => &[
            ("message", "event", Plain),
            ("start_time", "start", Plain),
            ("end_time", "end", Plain),
        ],
        "update" => &[
            ("installed_version", "installed", Plain),
            ("latest_version", "latest", Plain),
        ],
        _ => &[],
    }
}

/// What a line tells of these attributes, in the order of the table above.
pub(super) fn told(
    domain: &str,
    attributes: &BTreeMap<Cow<'_, str>, &RawValue>,
) -> Vec<(&'static str, String)> {
    let details = of_domain(domain).iter();
    let told = details.filter_map(|(attribute, name, form)| {
        let value = attributes.get(*attribute)?;
        Some((*name, written(value.get(), *form)?))
    });
    told.collect()
}

/// `None` for what says nothing in a line: null, lists, objects and empty texts.
fn written(json: &str, form: As) -> Option<String> {
    let text: Cow<'_, str> = match json.as_bytes().first()? {
        b'"' => serde_json::from_str::<String>(json).ok()?.into(),
        b't' => "yes".into(),
        b'f' => "no".into(),
        b'-' | b'0'..=b'9' => match form {
            ShareOf(whole) => {
                let share = json.parse::<f64>().ok()? / whole * 100.0;
                format!("{:.0} %", share.clamp(0.0, 100.0)).into()
            }
            With(unit) => format!("{json}{unit}").into(),
            Plain => json.into(),
        },
        _ => return None,
    };
    let text = clean::cleaned(&text, LONGEST);
    (!text.is_empty()).then_some(text)
}

/// What `on` and `off` of a binary sensor mean, by its device class, as in Home Assistant's own pages.
pub(super) fn meaning(device_class: &str, state: &str) -> Option<&'static str> {
    let (on, off) = match device_class {
        "battery" => ("low", "normal"),
        "battery_charging" => ("charging", "not charging"),
        "carbon_monoxide" | "gas" | "smoke" | "motion" | "occupancy" | "sound" | "vibration"
        | "moving" | "tamper" => ("detected", "clear"),
        "cold" => ("cold", "normal"),
        "heat" => ("hot", "normal"),
        "connectivity" => ("connected", "disconnected"),
        "door" | "garage_door" | "opening" | "window" => ("open", "closed"),
        "light" => ("light", "dark"),
        "lock" => ("unlocked", "locked"),
        "moisture" => ("wet", "dry"),
        "plug" => ("plugged in", "unplugged"),
        "presence" => ("home", "away"),
        "problem" => ("problem", "ok"),
        "running" => ("running", "not running"),
        "safety" => ("unsafe", "safe"),
        "update" => ("update available", "up to date"),
        _ => return None,
    };
    match state {
        "on" => Some(on),
        "off" => Some(off),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn details(domain: &str, json: &str) -> String {
        let told = told(domain, &serde_json::from_str(json).unwrap());
        let told = told.iter().map(|(name, value)| format!("{name}={value}"));
        told.collect::<Vec<_>>().join(";")
    }

    #[test]
    fn only_what_is_listed_is_told() {
        let secret = r#"{"access_token":"s3cret","entity_picture":"/api/camera_proxy/x?token=s3cret",
            "latitude":48.1,"brightness":128,"friendly_name":"A"}"#;
        assert_eq!(details("light", secret), "brightness=50 %");
        assert_eq!(details("camera", secret), "");
        assert_eq!(details("person", secret), "");
    }

    #[test]
    fn values_are_written_for_readers() {
        let json = r#"{"media_title":"Line\nbreak","volume_level":0.335,"is_volume_muted":false,"source":null,"app_name":["x"]}"#;
        assert_eq!(
            details("media_player", json),
            "title=Line break;volume=34 %;muted=no"
        );
        assert_eq!(
            details("climate", r#"{"temperature":21.5,"hvac_action":"heating"}"#),
            "set to=21.5;action=heating"
        );
        assert_eq!(
            details("light", r#"{"brightness":"x","effect":""}"#),
            "brightness=x"
        );
        assert_eq!(meaning("door", "on"), Some("open"));
        assert_eq!(
            (meaning("door", "unknown"), meaning("", "on")),
            (None, None)
        );
    }
}
