//! The replica from outside, with a small home in it.

mod changes;
mod following;
mod lists;
mod restarts;

use serde_json::{Value, json};
use weirhouse_hass::{Class, Timestamp};

use super::*;

const AT: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

fn state(entity_id: &str, state: &str) -> StateRow {
    let json = json!({
        "entity_id": entity_id, "state": state, "attributes": { "unit": "W", "n": 1 },
        "last_changed": "x", "last_updated": "x", "context": { "id": null },
    });
    StateRow {
        entity_id: entity_id.to_owned(),
        json: Some(json.to_string().into_bytes()),
        notes: NO_NOTES.to_vec(),
    }
}

fn gone(entity_id: &str) -> StateRow {
    StateRow {
        entity_id: entity_id.to_owned(),
        json: None,
        notes: Vec::new(),
    }
}

fn replica() -> Replica {
    let replica = Replica::new();
    replica.replace_states(
        AT,
        &[
            state("light.a", "on"),
            state("light.b", "off"),
            state("sensor.a", "1"),
            state("scene.movie", "unknown"),
            state("input_number.x", "5"),
        ],
    );
    for (class, json) in [
        (
            Class::Entities,
            json!([
                { "entity_id": "light.a", "device_id": "lamp", "labels": [] },
                { "entity_id": "sensor.a", "area_id": "attic", "labels": ["power"] },
            ]),
        ),
        (
            Class::Devices,
            json!([{ "id": "lamp", "area_id": "hall", "name": "Lamp" }]),
        ),
        (
            Class::Areas,
            json!([{ "area_id": "hall", "floor_id": "ground" }, { "area_id": "attic" }]),
        ),
        (Class::Floors, json!([{ "floor_id": "ground" }])),
        (Class::Labels, json!([{ "label_id": "power" }])),
        (Class::Helpers, json!([])),
        (
            Class::Services,
            json!({ "light": { "turn_on": { "fields": {} }, "turn_off": {} }, "homeassistant": { "restart": {} } }),
        ),
    ] {
        replica.replace_class(AT, &class.parse(&json.to_string()).unwrap());
    }
    replica
}

fn query(source: Source) -> Query {
    Query::of(source)
}

fn answer(replica: &Replica, query: &Query) -> Value {
    match replica.list(query, |_| false).unwrap() {
        Listing::New(_, body) => serde_json::from_slice(&body).unwrap(),
        Listing::Known(tag) => panic!("{tag:?} is known"),
    }
}

fn tag(replica: &Replica, query: &Query) -> Tag {
    match replica.list(query, |_| true).unwrap() {
        Listing::Known(tag) => tag,
        Listing::New(..) => panic!("it was known"),
    }
}

/// Identifiers of the rows.
fn ids(answer: &Value, source: Source) -> Vec<String> {
    let rows = answer[source.name()].as_array().unwrap();
    let id = |row: &Value| row[source.id()].as_str().unwrap().to_owned();
    rows.iter().map(id).collect()
}
