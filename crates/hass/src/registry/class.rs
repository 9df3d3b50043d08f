//! The kinds of list a session keeps up to date, and Home Assistant's words for them.

use serde_json::{Value, json};

/// One kind of list.
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
    /// `config_entries/get` for integrations of type `helper`, which no field of a config entry tells.
    Helpers,
    /// `get_services`.
    Services,
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
    pub const ALL: [Class; 8] = [
        Class::Entities,
        Class::Devices,
        Class::Areas,
        Class::Floors,
        Class::Labels,
        Class::ConfigEntries,
        Class::Helpers,
        Class::Services,
    ];

    /// The command that lists it, without its identifier.
    pub(crate) fn list_command(self) -> Value {
        let kind = match self {
            Class::Entities => "config/entity_registry/list",
            Class::Devices => "config/device_registry/list",
            Class::Areas => "config/area_registry/list",
            Class::Floors => "config/floor_registry/list",
            Class::Labels => "config/label_registry/list",
            Class::ConfigEntries => "config_entries/get",
            Class::Helpers => {
                return json!({ "type": "config_entries/get", "type_filter": ["helper"] });
            }
            Class::Services => "get_services",
        };
        json!({ "type": kind })
    }

    pub(crate) fn announcements(self) -> &'static [Announcement] {
        use Announcement::{BusEvent, Command};
        match self {
            Class::Entities => &[BusEvent("entity_registry_updated")],
            Class::Devices => &[BusEvent("device_registry_updated")],
            Class::Areas => &[BusEvent("area_registry_updated")],
            Class::Floors => &[BusEvent("floor_registry_updated")],
            Class::Labels => &[BusEvent("label_registry_updated")],
            // Not filtered by type for helpers: an integration that is no longer loaded has none, and fails the filter.
            Class::ConfigEntries | Class::Helpers => &[Command("config_entries/subscribe")],
            // A component that was loaded may have described actions which were registered before.
            Class::Services => &[
                BusEvent("service_registered"),
                BusEvent("service_removed"),
                BusEvent("component_loaded"),
            ],
        }
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
            Class::Helpers => "helpers",
            Class::Services => "services",
        })
    }
}
