//! What one line says of an entity, whatever form it is written in.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher as _};

use axum::body::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{clean, details, importance};
use crate::mirror::Surveyed;

/// Longest name of an entity or an area, in characters.
const LONGEST_NAME: usize = 100;

/// Longest state: Home Assistant knows none of more characters.
const LONGEST_STATE: usize = 255;

/// One entity in words. All texts are fit to stand in one line.
#[derive(Debug, Clone, Default, Hash)]
pub(super) struct Line {
    pub(super) entity_id: String,
    pub(super) name: String,
    pub(super) state: String,
    /// What a state means that is only `on` or `off`.
    pub(super) means: Option<&'static str>,
    pub(super) unit: String,
    /// What else is told, by name.
    pub(super) details: Vec<(&'static str, String)>,
}

/// A line with what follows from the same rows.
#[derive(Debug, Clone)]
pub(super) struct Described {
    pub(super) line: Line,
    /// Digest of all that the line says.
    pub(super) digest: u64,
    /// How much it matters by itself, 0 to 1.
    pub(super) importance: f64,
    /// Other names it is called by, in lower case.
    pub(super) called: String,
    /// Whether the user wants it out of sight.
    pub(super) hidden: bool,
}

/// What is read of a state object.
#[derive(Deserialize, Default)]
#[serde(default)]
struct State<'a> {
    #[serde(borrow)]
    state: Cow<'a, str>,
    #[serde(borrow)]
    attributes: BTreeMap<Cow<'a, str>, &'a RawValue>,
}

/// What is read of a row of a registry. A member of an unexpected type reads as missing.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Row<'a> {
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    name_by_user: Option<&'a RawValue>,
    #[serde(borrow)]
    aliases: Option<&'a RawValue>,
    #[serde(borrow)]
    entity_category: Option<&'a RawValue>,
    #[serde(borrow)]
    hidden_by: Option<&'a RawValue>,
}

impl<'a> Row<'a> {
    pub(super) fn of(json: Option<&'a Bytes>) -> Self {
        json.and_then(|json| serde_json::from_slice(json).ok())
            .unwrap_or_default()
    }

    /// Its name in one line; empty if it has none.
    pub(super) fn name(&self) -> String {
        let name = text(self.name_by_user).or_else(|| text(self.name));
        clean::cleaned(&name.unwrap_or_default(), LONGEST_NAME)
    }

    /// What else it is called.
    pub(super) fn aliases(&self) -> Vec<String> {
        self.aliases
            .and_then(|json| serde_json::from_str(json.get()).ok())
            .unwrap_or_default()
    }
}

/// A text that is one and is not empty.
fn text(json: Option<&RawValue>) -> Option<String> {
    let text: String = serde_json::from_str(json?.get()).ok()?;
    (!text.is_empty()).then_some(text)
}

impl Described {
    /// Describes an entity from its rows.
    pub(super) fn of(entity: &Surveyed) -> Self {
        let state: State<'_> = serde_json::from_slice(&entity.state).unwrap_or_default();
        let attribute = |name: &str| text(state.attributes.get(name).copied()).unwrap_or_default();
        let (entry, device) = (
            Row::of(entity.entry.as_ref()),
            Row::of(entity.device.as_ref()),
        );
        let id = entity.entity_id.as_str();
        let domain = id.split_once('.').map_or("", |(domain, _)| domain);
        let device_class = attribute("device_class");

        let mut name = clean::cleaned(&attribute("friendly_name"), LONGEST_NAME);
        if name.is_empty() {
            name = entry.name();
        }
        let means = if domain == "binary_sensor" {
            details::meaning(&device_class, &state.state)
        } else {
            None
        };
        let line = Line {
            entity_id: clean::cleaned(id, LONGEST_STATE),
            state: clean::cleaned(&state.state, LONGEST_STATE),
            means,
            unit: clean::cleaned(&attribute("unit_of_measurement"), LONGEST_NAME),
            details: details::told(domain, &state.attributes),
            name,
        };
        let mut hasher = DefaultHasher::new();
        line.hash(&mut hasher);
        let category = text(entry.entity_category);
        let mut called = vec![line.name.clone(), device.name(), line.entity_id.clone()];
        called.extend(entry.aliases());
        Self {
            digest: hasher.finish(),
            importance: importance::of(domain, &device_class, category.as_deref(), &state.state),
            called: called.join(" ").to_lowercase(),
            hidden: text(entry.hidden_by).is_some(),
            line,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn described(state: &serde_json::Value, entry: Option<&serde_json::Value>) -> Described {
        Described::of(&Surveyed {
            entity_id: state["entity_id"].as_str().unwrap().to_owned(),
            state: state.to_string().into(),
            revision: 1,
            entry: entry.map(|entry| entry.to_string().into()),
            device: Some(
                json!({ "name": "Box", "name_by_user": "Hall box" })
                    .to_string()
                    .into(),
            ),
            area: None,
        })
    }

    #[test]
    fn a_state_becomes_words() {
        let state = json!({ "entity_id": "sensor.oven", "state": "21.5", "attributes": {
            "friendly_name": "Oven", "unit_of_measurement": "°C", "entity_picture": "/secret" } });
        let entry = json!({ "name": 5, "aliases": ["Cooker"], "entity_category": "diagnostic" });
        let oven = described(&state, Some(&entry));
        assert_eq!(
            (
                oven.line.name.as_str(),
                oven.line.state.as_str(),
                oven.line.unit.as_str()
            ),
            ("Oven", "21.5", "°C")
        );
        assert_eq!(oven.called, "oven hall box sensor.oven cooker");
        assert!(oven.importance < 0.2 && !oven.hidden);
        let door = json!({ "entity_id": "binary_sensor.d", "state": "on",
            "attributes": { "device_class": "door" } });
        assert_eq!(described(&door, None).line.means, Some("open"));
    }

    #[test]
    fn the_digest_is_of_what_the_line_says() {
        let state = |state: &str, attributes: serde_json::Value| {
            let json = json!({ "entity_id": "light.a", "state": state, "attributes": attributes });
            described(&json, None).digest
        };
        let on = state("on", json!({ "brightness": 10 }));
        assert_eq!(on, state("on", json!({ "brightness": 10, "rssi": -60 })));
        assert_ne!(on, state("on", json!({ "brightness": 200 })));
        assert_ne!(on, state("off", json!({ "brightness": 10 })));
    }

    #[test]
    fn rows_of_unknown_layout_say_nothing() {
        let odd = json!({ "entity_id": "light.a", "state": "on", "attributes": { "friendly_name": ["x"] } });
        let light = described(&odd, Some(&json!({ "aliases": 3, "hidden_by": "user" })));
        assert!(light.line.name.is_empty() && light.hidden);
    }
}
