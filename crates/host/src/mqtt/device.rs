//! What Home Assistant is told of the device and its entities.
//!
//! The form is that of device discovery, which Home Assistant takes since
//! 2024.11: one retained message for a device with all its entities.

use serde_json::{Map, Value, json};

pub(super) const ONLINE: &str = "online";
pub(super) const OFFLINE: &str = "offline";

/// Where what is sent.
pub(super) struct Topics {
    /// Name of the device, for clients and identifiers.
    object: String,
    pub(super) discovery: String,
    pub(super) availability: String,
    pub(super) state: String,
}

/// An entity.
struct Figure {
    /// The member of the state, and the last part of its identifier.
    key: &'static str,
    name: &'static str,
    icon: &'static str,
    unit: Option<&'static str>,
    class: &'static str,
}

/// What only rises while the program runs.
const COUNTER: &str = "total_increasing";
/// What rises and falls.
const MEASUREMENT: &str = "measurement";

const FIGURES: [Figure; 7] = [
    Figure {
        key: "observed",
        name: "Readings in",
        icon: "mdi:waves-arrow-right",
        unit: Some("readings"),
        class: COUNTER,
    },
    Figure {
        key: "published",
        name: "Readings published",
        icon: "mdi:waves-arrow-up",
        unit: Some("readings"),
        class: COUNTER,
    },
    Figure {
        key: "suppressed_share",
        name: "Readings suppressed",
        icon: "mdi:filter-variant",
        unit: Some("%"),
        class: MEASUREMENT,
    },
    Figure {
        key: "batches",
        name: "Batches",
        icon: "mdi:package-variant",
        unit: Some("batches"),
        class: COUNTER,
    },
    Figure {
        key: "memory_hit_rate",
        name: "Cache hits in memory",
        icon: "mdi:memory",
        unit: Some("%"),
        class: MEASUREMENT,
    },
    Figure {
        key: "disk_hit_rate",
        name: "Cache hits on disk",
        icon: "mdi:harddisk",
        unit: Some("%"),
        class: MEASUREMENT,
    },
    Figure {
        key: "refreshes",
        name: "Refreshes asked for",
        icon: "mdi:refresh",
        unit: Some("calls"),
        class: COUNTER,
    },
];

impl Topics {
    /// Those of an installation; `prefix` is Home Assistant's.
    pub(super) fn new(prefix: &str, id: &str) -> Self {
        let object = format!("weirhouse_{id}");
        Self {
            discovery: format!("{prefix}/device/{object}/config"),
            availability: format!("weirhouse/{id}/availability"),
            state: format!("weirhouse/{id}/state"),
            object,
        }
    }

    /// The name of this client at the broker.
    pub(super) fn client(&self) -> &str {
        &self.object
    }

    /// The device with all its entities.
    pub(super) fn description(&self) -> Value {
        let version = env!("CARGO_PKG_VERSION");
        let mut components = Map::new();
        for figure in &FIGURES {
            let mut entity = json!({
                "platform": "sensor",
                "unique_id": format!("{}_{}", self.object, figure.key),
                "name": figure.name,
                "icon": figure.icon,
                "state_class": figure.class,
                "entity_category": "diagnostic",
                "value_template": format!("{{{{ value_json.{} }}}}", figure.key),
            });
            if let Some(unit) = figure.unit {
                entity["unit_of_measurement"] = unit.into();
            }
            components.insert(figure.key.to_owned(), entity);
        }
        components.insert(
            "problem".to_owned(),
            json!({
                "platform": "binary_sensor",
                "unique_id": format!("{}_problem", self.object),
                "name": "Problem",
                "device_class": "problem",
                "entity_category": "diagnostic",
                "value_template": "{{ value_json.problem }}",
                "json_attributes_topic": self.state,
                "json_attributes_template": "{{ {'message': value_json.message} | tojson }}",
            }),
        );
        json!({
            "device": {
                "identifiers": [self.object],
                "name": "Weirhouse",
                "manufacturer": "Weirhouse",
                "sw_version": version,
            },
            "origin": {
                "name": "Weirhouse",
                "sw_version": version,
                "support_url": env!("CARGO_PKG_REPOSITORY"),
            },
            "availability_topic": self.availability,
            "state_topic": self.state,
            "components": components,
        })
    }
}
