//! How much an entity matters to someone who asks about the home, before it is known what is asked.
//!
//! The optimizer adds to it how near the entity is and how lately it changed.

/// What safety depends on.
const VITAL: f64 = 1.0;
/// What people switch, set, and ask for.
const WANTED: f64 = 0.8;
/// The rest.
const ORDINARY: f64 = 0.5;
/// What says little by its state.
const SLIGHT: f64 = 0.3;
/// What is there for whoever maintains the home.
const UPKEEP: f64 = 0.1;

/// From 0 to 1. `category` is Home Assistant's own, `config` or `diagnostic`.
pub(super) fn of(domain: &str, device_class: &str, category: Option<&str>, state: &str) -> f64 {
    let by_kind = match (domain, device_class) {
        _ if category.is_some() => UPKEEP,
        ("alarm_control_panel" | "lock", _)
        | (
            "binary_sensor",
            "smoke" | "gas" | "carbon_monoxide" | "moisture" | "safety" | "tamper" | "problem",
        ) => VITAL,
        (
            "light" | "climate" | "cover" | "fan" | "media_player" | "person" | "weather"
            | "vacuum" | "lawn_mower" | "valve" | "water_heater" | "humidifier" | "siren",
            _,
        )
        | ("binary_sensor", "door" | "garage_door" | "window" | "opening" | "lock") => WANTED,
        (
            "automation" | "script" | "scene" | "button" | "input_button" | "event" | "image"
            | "stt" | "tts" | "conversation" | "tag" | "zone" | "update" | "notify",
            _,
        ) => SLIGHT,
        _ => ORDINARY,
    };
    match state {
        "unavailable" | "unknown" => by_kind / 2.0,
        _ => by_kind,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn safety_comes_before_comfort_and_comfort_before_upkeep() {
        let order = [
            of("binary_sensor", "smoke", None, "off"),
            of("light", "", None, "on"),
            of("sensor", "temperature", None, "21"),
            of("light", "", None, "unavailable"),
            of("scene", "", None, "unknown"),
            of("sensor", "signal_strength", Some("diagnostic"), "-60"),
        ];
        assert!(order.is_sorted_by(|one, next| one > next), "{order:?}");
        assert!(order.iter().all(|it| (0.0..=1.0).contains(it)));
    }
}
