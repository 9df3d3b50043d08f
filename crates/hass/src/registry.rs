//! Home Assistant's registries and services, row by row.
//!
//! A row keeps its JSON as received, beside the few fields that are understood. One odd row does not cost the list:
//! it is left out if it has no identifier, and kept otherwise.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

mod class;
mod entries;

pub(crate) use class::Announcement;
pub use class::Class;
pub use entries::{
    AreaEntry, ConfigEntry, DeviceEntry, EntityEntry, Entry, FloorEntry, LabelEntry, ServiceEntry,
};

/// A row of a class.
#[derive(Clone, Debug)]
pub struct Row<T> {
    /// What is understood of it.
    pub entry: T,
    /// All of it, an object, as received.
    pub json: Box<RawValue>,
}

/// One class, complete: it replaces what was known of it.
#[derive(Clone, Debug)]
pub enum Registry {
    /// The entity registry; entities without a unique identifier are not in it.
    Entities(Vec<Row<EntityEntry>>),
    /// The device registry.
    Devices(Vec<Row<DeviceEntry>>),
    /// The areas.
    Areas(Vec<Row<AreaEntry>>),
    /// The floors.
    Floors(Vec<Row<FloorEntry>>),
    /// The labels.
    Labels(Vec<Row<LabelEntry>>),
    /// The configured integrations.
    ConfigEntries(Vec<Row<ConfigEntry>>),
    /// Those of the configured integrations that are helpers.
    Helpers(Vec<Row<ConfigEntry>>),
    /// The actions that can be called, each with its description.
    Services(Vec<Row<ServiceEntry>>),
}

impl Registry {
    /// Which class it is.
    pub fn class(&self) -> Class {
        match self {
            Registry::Entities(_) => Class::Entities,
            Registry::Devices(_) => Class::Devices,
            Registry::Areas(_) => Class::Areas,
            Registry::Floors(_) => Class::Floors,
            Registry::Labels(_) => Class::Labels,
            Registry::ConfigEntries(_) => Class::ConfigEntries,
            Registry::Helpers(_) => Class::Helpers,
            Registry::Services(_) => Class::Services,
        }
    }

    /// Identifier and JSON of each row, in Home Assistant's order.
    pub fn rows(&self) -> Vec<(&str, &RawValue)> {
        fn of<T: Entry>(rows: &[Row<T>]) -> Vec<(&str, &RawValue)> {
            rows.iter()
                .filter_map(|row| Some((row.entry.id()?, &*row.json)))
                .collect()
        }
        match self {
            Registry::Entities(rows) => of(rows),
            Registry::Devices(rows) => of(rows),
            Registry::Areas(rows) => of(rows),
            Registry::Floors(rows) => of(rows),
            Registry::Labels(rows) => of(rows),
            Registry::ConfigEntries(rows) | Registry::Helpers(rows) => of(rows),
            Registry::Services(rows) => of(rows),
        }
    }
}

impl Class {
    /// Reads what Home Assistant answers when this class is listed.
    pub fn parse(self, json: &str) -> serde_json::Result<Registry> {
        Ok(match self {
            Class::Entities => Registry::Entities(rows(json)?),
            Class::Devices => Registry::Devices(rows(json)?),
            Class::Areas => Registry::Areas(rows(json)?),
            Class::Floors => Registry::Floors(rows(json)?),
            Class::Labels => Registry::Labels(rows(json)?),
            Class::ConfigEntries => Registry::ConfigEntries(rows(json)?),
            Class::Helpers => Registry::Helpers(rows(json)?),
            Class::Services => Registry::Services(services(json)?),
        })
    }
}

fn rows<T: Entry + DeserializeOwned>(json: &str) -> serde_json::Result<Vec<Row<T>>> {
    let rows: Vec<Box<RawValue>> = serde_json::from_str(json)?;
    let read = rows.into_iter().filter_map(|json| {
        let entry: T = serde_json::from_str(json.get()).ok()?;
        entry.id()?;
        Some(Row { entry, json })
    });
    Ok(read.collect())
}

fn services(json: &str) -> serde_json::Result<Vec<Row<ServiceEntry>>> {
    let domains: BTreeMap<String, BTreeMap<String, Box<RawValue>>> = serde_json::from_str(json)?;
    let rows = domains.into_iter().flat_map(|(domain, services)| {
        services.into_iter().map(move |(service, json)| Row {
            entry: ServiceEntry {
                id: format!("{domain}.{service}"),
            },
            json,
        })
    });
    Ok(rows.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_rows_lose_only_the_odd_field() {
        let parsed = Class::Entities.parse(
            r#"[{"entity_id":"sensor.a","platform":7,"labels":null,"area_id":"hall","new":{}},
                {"entity_id":"sensor.b","labels":["x"],"options":{"conversation":{}}}, {}, 7, {"entity_id":3}]"#,
        );
        let Ok(Registry::Entities(rows)) = parsed else {
            panic!("{parsed:?}");
        };
        let ids: Vec<_> = rows.iter().map(|row| row.entry.id()).collect();
        assert_eq!(ids, [Some("sensor.a"), Some("sensor.b")]);
        assert_eq!(rows[0].entry.platform, None);
        assert_eq!(rows[0].entry.area_id.as_deref(), Some("hall"));
        assert!(rows[0].json.get().ends_with(r#""new":{}}"#));
        assert_eq!(rows[1].entry.labels, ["x"]);
    }

    #[test]
    fn services_are_rows_by_domain_and_name() {
        let parsed = Class::Services
            .parse(r#"{"homeassistant":{"update_entity":{"fields":{}},"restart":{}},"light":{}}"#)
            .unwrap();
        let rows: Vec<_> = parsed
            .rows()
            .into_iter()
            .map(|(id, json)| (id, json.get()))
            .collect();
        assert_eq!(
            rows,
            [
                ("homeassistant.restart", "{}"),
                ("homeassistant.update_entity", r#"{"fields":{}}"#)
            ]
        );
    }

    #[test]
    fn a_list_of_another_shape_is_an_error() {
        assert!(Class::Areas.parse(r#"{"areas":[]}"#).is_err());
        assert!(Class::Services.parse("[]").is_err());
    }
}
