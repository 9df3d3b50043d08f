//! What of a registry's row is understood: identifiers, and what leads to other rows.
//!
//! Every field is optional, and a field of an unexpected type reads as missing: the layouts change between
//! releases, and child devices lack most fields of a device. The rest of a row is in its JSON.

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// A row that can be told from the others of its class.
pub trait Entry {
    /// Its identifier, unless the row is of an unknown layout.
    fn id(&self) -> Option<&str>;
}

/// A row of the entity registry. Entities without a unique identifier have none.
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
    /// Label identifiers.
    #[serde(deserialize_with = "lenient")]
    pub labels: Vec<String>,
}

/// A row of the device registry.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct DeviceEntry {
    /// Identifier.
    #[serde(deserialize_with = "lenient")]
    pub id: Option<String>,
    /// The device this one is a part of; its area counts when this one has none.
    #[serde(deserialize_with = "lenient")]
    pub parent_device_id: Option<String>,
    /// The device through which this one is reached, such as a hub. It may stand elsewhere.
    #[serde(deserialize_with = "lenient")]
    pub via_device_id: Option<String>,
    /// The area it stands in.
    #[serde(deserialize_with = "lenient")]
    pub area_id: Option<String>,
    /// The config entry it belongs to.
    #[serde(deserialize_with = "lenient")]
    pub config_entry_id: Option<String>,
    /// Older form of [`config_entry_id`](Self::config_entry_id).
    #[serde(deserialize_with = "lenient")]
    pub primary_config_entry: Option<String>,
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
    /// The floor it lies on.
    #[serde(deserialize_with = "lenient")]
    pub floor_id: Option<String>,
    /// Label identifiers.
    #[serde(deserialize_with = "lenient")]
    pub labels: Vec<String>,
}

/// A floor.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct FloorEntry {
    /// Identifier.
    #[serde(deserialize_with = "lenient")]
    pub floor_id: Option<String>,
}

/// A label.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct LabelEntry {
    /// Identifier.
    #[serde(deserialize_with = "lenient")]
    pub label_id: Option<String>,
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

/// An action that can be called.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceEntry {
    /// Domain and name, as `light.turn_on`.
    pub id: String,
}

impl ServiceEntry {
    /// The domain.
    pub fn domain(&self) -> &str {
        self.id.split_once('.').map_or("", |(domain, _)| domain)
    }

    /// The name within the domain.
    pub fn service(&self) -> &str {
        self.id.split_once('.').map_or("", |(_, service)| service)
    }
}

impl Entry for EntityEntry {
    fn id(&self) -> Option<&str> {
        self.entity_id.as_deref()
    }
}

impl Entry for DeviceEntry {
    fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }
}

impl Entry for AreaEntry {
    fn id(&self) -> Option<&str> {
        self.area_id.as_deref()
    }
}

impl Entry for FloorEntry {
    fn id(&self) -> Option<&str> {
        self.floor_id.as_deref()
    }
}

impl Entry for LabelEntry {
    fn id(&self) -> Option<&str> {
        self.label_id.as_deref()
    }
}

impl Entry for ConfigEntry {
    fn id(&self) -> Option<&str> {
        self.entry_id.as_deref()
    }
}

impl Entry for ServiceEntry {
    fn id(&self) -> Option<&str> {
        Some(&self.id)
    }
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
