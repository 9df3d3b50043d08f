//! A copy of the rows from which the home is described in words.
//!
//! Rows are shared, not copied, so that readers hold the lock for as long as it takes to find them.

use std::collections::BTreeMap;

use axum::body::Bytes;
use weirhouse_hass::{Class, Timestamp};

use super::query::{Query, QueryError, Source};
use super::{Cursor, Listed, Replica, Selection, Tag};

/// What is known of the entities that were asked for.
#[derive(Debug, Default)]
pub struct Survey {
    /// The entities, or those that changed.
    pub entities: Vec<Surveyed>,
    /// Entities that are gone since the cursor.
    pub removed: Vec<String>,
    /// All areas: rows of their registry, by identifier.
    pub areas: BTreeMap<String, Bytes>,
    /// The revision up to which the reader knows the changes; `None` if all is told.
    pub known: Option<u64>,
    /// What to ask with for what changes from now on.
    pub cursor: String,
    /// When Home Assistant was last heard.
    pub as_of: Option<Timestamp>,
    /// Whether it may hold something else by now.
    pub stale: bool,
    /// The last change of what says where things are and what they are called.
    pub places: u64,
}

/// One entity.
#[derive(Debug, Clone)]
pub struct Surveyed {
    /// The entity.
    pub entity_id: String,
    /// Its state object.
    pub state: Bytes,
    /// When that last changed.
    pub revision: u64,
    /// Its row in the entity registry.
    pub entry: Option<Bytes>,
    /// The row of its device.
    pub device: Option<Bytes>,
    /// The area that counts for it.
    pub area: Option<String>,
}

impl Replica {
    /// Finds entities, or those of them that changed after the cursor.
    pub fn survey(
        &self,
        selection: Selection,
        since: Option<Cursor>,
    ) -> Result<Survey, QueryError> {
        let query = Query {
            selection,
            since,
            ..Query::of(Source::States)
        };
        let inner = self.read();
        let nothing = Listed::default();
        let listed = &inner.states;
        inner.check(&query, listed)?;
        let rows = |class| &inner.classes.get(&class).unwrap_or(&nothing).table;
        let (entries, devices) = (rows(Class::Entities), rows(Class::Devices));
        let places = inner.places_revision();
        let chosen = inner.choose(self.epoch, &query, listed, places);
        let entities = chosen.rows.iter().map(|(id, row)| {
            let place = inner.topology.entity(id);
            let device = place.devices.first().and_then(|id| devices.get(id));
            Surveyed {
                entity_id: (*id).to_owned(),
                state: row.json.clone(),
                revision: row.revision,
                entry: entries.get(id).map(|row| row.json.clone()),
                device: device.map(|row| row.json.clone()),
                area: place.area.map(str::to_owned),
            }
        });
        let areas = rows(Class::Areas).after(None);
        Ok(Survey {
            entities: entities.collect(),
            removed: chosen.removed.iter().map(|id| (*id).to_owned()).collect(),
            areas: areas
                .map(|(id, row)| (id.to_owned(), row.json.clone()))
                .collect(),
            known: since.filter(|_| !chosen.full).map(|since| since.revision),
            cursor: Cursor {
                epoch: self.epoch,
                revision: chosen.revision,
            }
            .to_string(),
            as_of: listed.as_of,
            stale: listed.stale,
            places,
        })
    }

    /// The tag of a text that was made from rows.
    pub fn tag_of(&self, text: &[u8]) -> Tag {
        Tag::new(self.epoch, &text)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::StateRow;
    use super::*;

    const AT: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

    fn state(id: &str, state: &str) -> StateRow {
        StateRow {
            entity_id: id.to_owned(),
            json: Some(
                json!({ "entity_id": id, "state": state })
                    .to_string()
                    .into(),
            ),
            notes: Vec::new(),
        }
    }

    #[test]
    fn everything_then_what_changed() {
        let replica = Replica::new();
        replica.replace_states(AT, &[state("light.a", "on"), state("light.b", "on")]);
        let class = |class: Class, json: serde_json::Value| {
            replica.replace_class(AT, &class.parse(&json.to_string()).unwrap());
        };
        class(
            Class::Entities,
            json!([{ "entity_id": "light.a", "device_id": "lamp" }]),
        );
        class(Class::Devices, json!([{ "id": "lamp", "area_id": "hall" }]));
        class(Class::Areas, json!([{ "area_id": "hall", "name": "Hall" }]));

        let all = replica.survey(Selection::default(), None).unwrap();
        assert_eq!((all.entities.len(), all.known, all.stale), (2, None, false));
        let light = &all.entities[0];
        assert_eq!(light.area.as_deref(), Some("hall"));
        assert!(light.entry.is_some() && light.device.is_some());
        assert!(all.areas.contains_key("hall"));

        replica.update_states(AT, &[state("light.b", "off")]);
        let cursor = all.cursor.parse().ok();
        let changed = replica.survey(Selection::default(), cursor).unwrap();
        assert!(changed.known.is_some());
        assert_eq!(changed.entities[0].entity_id, "light.b");
        // Other names and places concern every line.
        class(
            Class::Areas,
            json!([{ "area_id": "hall", "name": "Foyer" }]),
        );
        let moved = replica.survey(Selection::default(), cursor).unwrap();
        assert_eq!((moved.entities.len(), moved.known), (2, None));
    }
}
