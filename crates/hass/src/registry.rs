//! Home Assistant's registries and services, reduced to what scheduling and display need.
//!
//! Every field is optional, and a field of an unexpected type reads as missing: the layouts change between
//! releases, and one odd row must not cost the whole list. It holds no lookups across registries.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// The kinds of list the session keeps up to date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// `config/entity_registry/list`.
    Entities,
    /// `config/device_registry/list`.
    Devices,
    /// `config/area_registry/list`.
    Areas,
    /// `config/floor_registry/list`.
    Floors,
    /// `config/label_registry/list`.
    Labels,
    /// `config_entries/get`.
    ConfigEntries,
    /// `get_services`.
    Services,
}

/// One class, complete: it replaces what was known of it.
#[derive(Clone, Debug)]
pub enum Registry {
    /// The entity registry; entities without a unique identifier are not in it.
    Entities(Vec<EntityEntry>),
    /// The device registry.
    Devices(Vec<DeviceEntry>),
    /// The areas.
    Areas(Vec<AreaEntry>),
    /// The floors.
    Floors(Vec<FloorEntry>),
    /// The labels.
    Labels(Vec<LabelEntry>),
    /// The configured integrations.
    ConfigEntries(Vec<ConfigEntry>),
    /// Names of the actions that can be called, by domain.
    Services(BTreeMap<String, Vec<String>>),
}

/// How a class announces that it changed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Announcement {
    /// An event on the bus.
    BusEvent(&'static str),
    /// A subscription command of its own, which starts by telling the present list.
    Command(&'static str),
}

impl Class {
    /// All classes, in the order in which they are requested.
    pub const ALL: [Class; 7] = [
        Class::Entities,
        Class::Devices,
        Class::Areas,
        Class::Floors,
        Class::Labels,
        Class::ConfigEntries,
        Class::Services,
    ];

    /// The command that lists it.
    pub(crate) fn list_command(self) -> &'static str {
        match self {
            Class::Entities => "config/entity_registry/list",
            Class::Devices => "config/device_registry/list",
            Class::Areas => "config/area_registry/list",
            Class::Floors => "config/floor_registry/list",
            Class::Labels => "config/label_registry/list",
            Class::ConfigEntries => "config_entries/get",
            Class::Services => "get_services",
        }
    }

    pub(crate) fn announcements(self) -> &'static [Announcement] {
        use Announcement::{BusEvent, Command};
        match self {
            Class::Entities => &[BusEvent("entity_registry_updated")],
            Class::Devices => &[BusEvent("device_registry_updated")],
            Class::Areas => &[BusEvent("area_registry_updated")],
            Class::Floors => &[BusEvent("floor_registry_updated")],
            Class::Labels => &[BusEvent("label_registry_updated")],
            Class::ConfigEntries => &[Command("config_entries/subscribe")],
            Class::Services => &[BusEvent("service_registered"), BusEvent("service_removed")],
        }
    }

    /// Reads the result of [`list_command`](Self::list_command).
    pub(crate) fn parse(self, json: &str) -> serde_json::Result<Registry> {
        Ok(match self {
            Class::Entities => Registry::Entities(serde_json::from_str(json)?),
            Class::Devices => Registry::Devices(serde_json::from_str(json)?),
            Class::Areas => Registry::Areas(serde_json::from_str(json)?),
            Class::Floors => Registry::Floors(serde_json::from_str(json)?),
            Class::Labels => Registry::Labels(serde_json::from_str(json)?),
            Class::ConfigEntries => Registry::ConfigEntries(serde_json::from_str(json)?),
            Class::Services => {
                let domains: BTreeMap<String, BTreeMap<String, &RawValue>> =
                    serde_json::from_str(json)?;
                Registry::Services(
                    domains
                        .into_iter()
                        .map(|(domain, services)| (domain, services.into_keys().collect()))
                        .collect(),
                )
            }
        })
    }
}

impl std::fmt::Display for Class {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Class::Entities => "entity registry",
            Class::Devices => "device registry",
            Class::Areas => "areas",
            Class::Floors => "floors",
            Class::Labels => "labels",
            Class::ConfigEntries => "config entries",
            Class::Services => "services",
        })
    }
}

/// A row of the entity registry.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct EntityEntry {
    /// The entity.
    #[serde(deserialize_with = "lenient")]
    pub entity_id: Option<String>,
    /// The integration that provides it.
    #[serde(deserialize_with = "lenient")]
    pub platform: Option<String>,
    /// The area of the entity itself; without one, its device's area counts.
    #[serde(deserialize_with = "lenient")]
    pub area_id: Option<String>,
    /// The device it belongs to.
    #[serde(deserialize_with = "lenient")]
    pub device_id: Option<String>,
    /// The config entry that created it.
    #[serde(deserialize_with = "lenient")]
    pub config_entry_id: Option<String>,
    /// Who disabled it (`user`, `integration`, …); `None` when enabled.
    #[serde(deserialize_with = "lenient")]
    pub disabled_by: Option<String>,
    /// Who hid it; `None` when visible.
    #[serde(deserialize_with = "lenient")]
    pub hidden_by: Option<String>,
    /// `config` or `diagnostic`; `None` for an ordinary entity.
    #[serde(deserialize_with = "lenient")]
    pub entity_category: Option<String>,
    /// The device class chosen by the user.
    #[serde(deserialize_with = "lenient")]
    pub device_class: Option<String>,
    /// The device class given by the integration.
    #[serde(deserialize_with = "lenient")]
    pub original_device_class: Option<String>,
    /// The name chosen by the user.
    #[serde(deserialize_with = "lenient")]
    pub name: Option<String>,
    /// The name given by the integration.
    #[serde(deserialize_with = "lenient")]
    pub original_name: Option<String>,
    /// Label identifiers.
    #[serde(deserialize_with = "lenient")]
    pub labels: Vec<String>,
}

/// A row of the device registry. Child devices lack most fields.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct DeviceEntry {
    /// Identifier.
    #[serde(deserialize_with = "lenient")]
    pub id: Option<String>,
    /// The device this one is a part of; its area counts when this one has none.
    #[serde(deserialize_with = "lenient")]
    pub parent_device_id: Option<String>,
    /// The area it stands in.
    #[serde(deserialize_with = "lenient")]
    pub area_id: Option<String>,
    /// The config entry it belongs to.
    #[serde(deserialize_with = "lenient")]
    pub config_entry_id: Option<String>,
    /// Older form of [`config_entry_id`](Self::config_entry_id).
    #[serde(deserialize_with = "lenient")]
    pub primary_config_entry: Option<String>,
    /// Who disabled it; `None` when enabled.
    #[serde(deserialize_with = "lenient")]
    pub disabled_by: Option<String>,
    /// The name given by the integration.
    #[serde(deserialize_with = "lenient")]
    pub name: Option<String>,
    /// The name chosen by the user.
    #[serde(deserialize_with = "lenient")]
    pub name_by_user: Option<String>,
    /// Manufacturer.
    #[serde(deserialize_with = "lenient")]
    pub manufacturer: Option<String>,
    /// Model.
    #[serde(deserialize_with = "lenient")]
    pub model: Option<String>,
    /// Label identifiers.
    #[serde(deserialize_with = "lenient")]
    pub labels: Vec<String>,
}

/// An area.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct AreaEntry {
    /// Identifier.
    #[serde(deserialize_with = "lenient")]
    pub area_id: Option<String>,
    /// Name.
    #[serde(deserialize_with = "lenient")]
    pub name: Option<String>,
    /// The floor it lies on.
    #[serde(deserialize_with = "lenient")]
    pub floor_id: Option<String>,
}

/// A floor.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct FloorEntry {
    /// Identifier.
    #[serde(deserialize_with = "lenient")]
    pub floor_id: Option<String>,
    /// Name.
    #[serde(deserialize_with = "lenient")]
    pub name: Option<String>,
    /// Storey, 0 being the ground floor.
    #[serde(deserialize_with = "lenient")]
    pub level: Option<i64>,
}

/// A label.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct LabelEntry {
    /// Identifier.
    #[serde(deserialize_with = "lenient")]
    pub label_id: Option<String>,
    /// Name.
    #[serde(deserialize_with = "lenient")]
    pub name: Option<String>,
}

/// A configured integration.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ConfigEntry {
    /// Identifier.
    #[serde(deserialize_with = "lenient")]
    pub entry_id: Option<String>,
    /// The integration.
    #[serde(deserialize_with = "lenient")]
    pub domain: Option<String>,
    /// `loaded`, `setup_retry`, `not_loaded` and so on.
    #[serde(deserialize_with = "lenient")]
    pub state: Option<String>,
    /// True when the user switched "Enable polling for changes" off.
    #[serde(deserialize_with = "lenient")]
    pub pref_disable_polling: Option<bool>,
}

/// Reads a field as `T`, and as its default when the JSON has another type.
fn lenient<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: serde::de::DeserializeOwned + Default,
{
    let json = Box::<RawValue>::deserialize(deserializer)?;
    Ok(serde_json::from_str(json.get()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_rows_lose_only_the_odd_field() {
        let parsed = Class::Entities.parse(
            r#"[{"entity_id":"sensor.a","platform":7,"labels":null,"area_id":"hall","new":{}},
                {"labels":["x"],"options":{"conversation":{}}}, {}]"#,
        );
        let Ok(Registry::Entities(entries)) = parsed else {
            panic!("{parsed:?}");
        };
        assert_eq!(entries.len(), 3);
        assert_eq!(entries[0].entity_id.as_deref(), Some("sensor.a"));
        assert_eq!(entries[0].platform, None);
        assert_eq!(entries[0].area_id.as_deref(), Some("hall"));
        assert_eq!(entries[1].labels, ["x"]);
        assert_eq!(entries[2], EntityEntry::default());
    }

    #[test]
    fn services_keep_their_names_only() {
        let parsed = Class::Services
            .parse(r#"{"homeassistant":{"update_entity":{"fields":{}},"restart":{}},"light":{}}"#);
        let Ok(Registry::Services(services)) = parsed else {
            panic!("{parsed:?}");
        };
        assert_eq!(services["homeassistant"], ["restart", "update_entity"]);
        assert!(services["light"].is_empty());
    }

    #[test]
    fn a_list_of_another_shape_is_an_error() {
        assert!(Class::Areas.parse(r#"{"areas":[]}"#).is_err());
    }
}
