//! Rules for entities nobody wrote one for, from what Home Assistant says of
//! them.
//!
//! Where Home Assistant's own significance helper has a threshold for a device
//! class it is taken over: temperature, battery, humidity, air quality. The
//! others are ours, chosen below what a person acts on: see the table.

use alloc::boxed::Box;

use crate::entities::Facts;
use crate::rule::{Combine, RuleSettings};

/// Publish at least this often, so that consumers can tell silence from loss.
const HEARTBEAT_US: i64 = 600 * 1_000_000;

/// Publish the last suppressed value after this much quiet.
const SETTLE_US: i64 = 30 * 1_000_000;

/// A totals' last value is never held back longer than this.
const SETTLE_TOTAL_US: i64 = 10 * 1_000_000;

/// The rule for an entity, or `None` where any change matters.
pub(crate) fn for_facts(facts: &Facts) -> Option<RuleSettings> {
    let state_class = facts.state_class.as_deref().unwrap_or("");
    if state_class.starts_with("total") {
        return Some(RuleSettings {
            settle_us: Some(SETTLE_TOTAL_US),
            total: true,
            ..RuleSettings::default()
        });
    }
    let unit = facts.unit.as_deref().unwrap_or("");
    let (absolute, percentage) = thresholds(facts.device_class.as_deref()?, unit)?;
    Some(RuleSettings {
        absolute,
        percentage,
        combine: Combine::All,
        max_age_us: Some(HEARTBEAT_US),
        settle_us: Some(SETTLE_US),
        zero_crossing: facts.device_class.as_deref() == Some("power"),
        levels: Box::default(),
        ..RuleSettings::default()
    })
}

/// Absolute and relative threshold of a device class in a unit.
fn thresholds(device_class: &str, unit: &str) -> Option<(Option<f64>, Option<f64>)> {
    let absolute = |threshold| Some((Some(threshold), None));
    match device_class {
        "temperature" | "temperature_delta" => absolute(if unit == "°F" { 1.0 } else { 0.5 }),
        "battery" | "humidity" | "moisture" => absolute(1.0),
        "aqi"
        | "carbon_monoxide"
        | "carbon_dioxide"
        | "pm1"
        | "pm25"
        | "pm10"
        | "volatile_organic_compounds"
        | "volatile_organic_compounds_parts" => Some((Some(1.0), Some(0.02))),
        // Meters jitter by some watts and by some percent at once.
        "power" if unit == "BTU/h" => Some((Some(20.0), Some(0.02))),
        "power" => Some((Some(scaled(5.0, unit, "W")?), Some(0.02))),
        "apparent_power" => Some((Some(scaled(5.0, unit, "VA")?), Some(0.02))),
        "reactive_power" => Some((Some(scaled(5.0, unit, "var")?), Some(0.02))),
        "voltage" => absolute(scaled(1.0, unit, "V")?),
        "current" => absolute(scaled(0.05, unit, "A")?),
        // Light is perceived in ratios; below a few lux it is dark.
        "illuminance" => Some((Some(5.0), Some(0.1))),
        "signal_strength" => absolute(5.0),
        "pressure" | "atmospheric_pressure" => match unit {
            "hPa" | "mbar" | "mmHg" => absolute(1.0),
            "kPa" => absolute(0.1),
            "inHg" => absolute(0.05),
            "Pa" => absolute(100.0),
            _ => None,
        },
        "distance" => Some((None, Some(0.01))),
        _ => None,
    }
}

/// A threshold given in a base unit, in that unit with a prefix; `None` in any
/// other. Where no unit is told it is taken to be the base.
fn scaled(threshold: f64, unit: &str, base: &str) -> Option<f64> {
    if unit.is_empty() {
        return Some(threshold);
    }
    match unit.strip_suffix(base)? {
        // The micro sign, and the Greek letter that looks like it.
        "µ" | "μ" => Some(threshold * 1e6),
        "m" => Some(threshold * 1e3),
        "" => Some(threshold),
        "k" => Some(threshold / 1e3),
        "M" => Some(threshold / 1e6),
        "G" => Some(threshold / 1e9),
        "T" => Some(threshold / 1e12),
        _ => None,
    }
}

/// The rule for an attribute by its name: coordinates move by metres, 0.0001°
/// being about 11 m of latitude.
pub(crate) fn for_attribute(name: &str) -> Option<RuleSettings> {
    matches!(name, "latitude" | "longitude").then(|| RuleSettings {
        absolute: Some(0.0001),
        max_age_us: Some(HEARTBEAT_US),
        settle_us: Some(SETTLE_US),
        ..RuleSettings::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::Rule;
    use alloc::string::ToString;

    fn facts(device_class: &str, unit: &str, state_class: &str) -> Facts {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_string());
        Facts {
            device_class: some(device_class),
            unit: some(unit),
            state_class: some(state_class),
        }
    }

    #[test]
    fn thresholds_follow_class_and_unit() {
        for (class, unit, absolute, percentage) in [
            ("temperature", "°C", Some(0.5), None),
            ("temperature", "°F", Some(1.0), None),
            ("humidity", "%", Some(1.0), None),
            ("carbon_dioxide", "ppm", Some(1.0), Some(0.02)),
            ("power", "W", Some(5.0), Some(0.02)),
            ("power", "mW", Some(5000.0), Some(0.02)),
            ("power", "kW", Some(0.005), Some(0.02)),
            ("power", "MW", Some(0.000_005), Some(0.02)),
            ("power", "", Some(5.0), Some(0.02)),
            ("apparent_power", "kVA", Some(0.005), Some(0.02)),
            ("reactive_power", "kvar", Some(0.005), Some(0.02)),
            ("voltage", "kV", Some(0.001), None),
            ("voltage", "µV", Some(1_000_000.0), None),
            ("current", "mA", Some(50.0), None),
            ("distance", "km", None, Some(0.01)),
        ] {
            let rule = for_facts(&facts(class, unit, "measurement")).unwrap();
            assert_eq!(
                (rule.absolute, rule.percentage),
                (absolute, percentage),
                "{class} {unit}"
            );
            assert!(Rule::check(&rule).is_ok());
        }
        assert_eq!(for_facts(&facts("power", "hp", "measurement")), None);
        assert_eq!(for_facts(&facts("enum", "", "")), None);
        assert_eq!(for_facts(&facts("", "", "")), None);
    }

    #[test]
    fn a_total_has_no_threshold_but_settles_and_resets() {
        for (class, unit, state_class) in [
            ("energy", "kWh", "total_increasing"),
            ("monetary", "EUR", "total"),
        ] {
            let rule = for_facts(&facts(class, unit, state_class)).unwrap();
            assert_eq!((rule.absolute, rule.percentage), (None, None));
            assert!(rule.total && rule.settle_us.is_some(), "{state_class}");
        }
    }
}
