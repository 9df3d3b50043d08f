//! Where the devices of the simulated home stand, as Home Assistant's registries would list it.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use weirhouse_hass::{Class, Registry};

use super::catalogue::{self, ROOMS};

/// The only integration of this home.
const ENTRY: &str = "simulated";

/// Everything but states. `entity_ids` are those of the devices in the order of the catalogue.
pub(super) fn all<'a>(entity_ids: impl Iterator<Item = &'a str>) -> Vec<Registry> {
    let (mut entities, mut boxes) = (Vec::new(), BTreeSet::new());
    for (index, entity_id) in entity_ids.enumerate() {
        let room = catalogue::room_at(index);
        let device = room.map(|(room, round)| device_id(room, round));
        boxes.extend(room);
        let counts_energy = ["_power", "_energy"]
            .iter()
            .any(|end| entity_id.ends_with(end));
        entities.push(json!({
            "entity_id": entity_id, "unique_id": entity_id, "platform": "demo",
            "config_entry_id": ENTRY, "device_id": device, "area_id": null,
            "labels": if counts_energy { vec!["energy"] } else { Vec::new() },
            "disabled_by": null, "hidden_by": null, "entity_category": null,
        }));
    }
    let devices: Vec<Value> = boxes
        .into_iter()
        .map(|(room, round)| {
            json!({
                "id": device_id(room, round), "name": format!("Sensors {}", round + 1),
                "area_id": room, "config_entry_id": ENTRY, "labels": [],
                "manufacturer": "Weirhouse", "via_device_id": null, "parent_device_id": null,
            })
        })
        .collect();
    let areas: Vec<Value> = ROOMS
        .iter()
        .map(|room| {
            json!({ "area_id": room, "name": room.replace('_', " "), "floor_id": floor(room), "labels": [] })
        })
        .collect();
    [
        (Class::Entities, json!(entities)),
        (Class::Devices, json!(devices)),
        (Class::Areas, json!(areas)),
        (
            Class::Floors,
            json!([
                { "floor_id": "ground", "name": "Ground floor", "level": 0 },
                { "floor_id": "upper", "name": "Upper floor", "level": 1 },
            ]),
        ),
        (
            Class::Labels,
            json!([{ "label_id": "energy", "name": "Energy", "color": null }]),
        ),
        (
            Class::ConfigEntries,
            json!([{ "entry_id": ENTRY, "domain": "demo", "title": "Simulated home", "state": "loaded" }]),
        ),
        (Class::Helpers, json!([])),
        (
            Class::Services,
            json!({ "homeassistant": { "update_entity": { "fields": { "entity_id": { "required": true } } } } }),
        ),
    ]
    .into_iter()
    .filter_map(|(class, rows)| class.parse(&rows.to_string()).ok())
    .collect()
}

fn device_id(room: &str, round: usize) -> String {
    format!("{room}_sensors_{}", round + 1)
}

/// The garden is on none.
fn floor(room: &str) -> Option<&'static str> {
    match room {
        "bedroom" | "bathroom" | "office" => Some("upper"),
        "garden" => None,
        _ => Some("ground"),
    }
}

#[cfg(test)]
mod tests {
    use weirhouse_hass::{Group, Topology};

    use super::super::{Home, Settings};
    use super::*;

    #[test]
    fn every_class_is_told_and_every_sensor_of_a_room_stands_there() {
        let settings = Settings {
            entities: 200,
            ..Settings::default()
        };
        let home = Home::new(settings, weirhouse_hass::Timestamp::from_micros(0));
        let registries = home.registries();
        let classes: Vec<Class> = registries.iter().map(Registry::class).collect();
        assert_eq!(classes, Class::ALL);
        let mut topology = Topology::default();
        for registry in &registries {
            topology.replace(registry);
        }
        for (entity_id, _) in home.snapshot() {
            let name = entity_id.split_once('.').unwrap().1;
            let room = ROOMS.into_iter().find(|room| name.starts_with(room));
            assert_eq!(topology.entity(&entity_id).area, room, "{entity_id}");
        }
        let energy = topology.members(Group::Label, "energy").unwrap();
        assert!(
            energy.contains("sensor.kitchen_power")
                && !energy.contains("sensor.kitchen_temperature")
        );
    }
}
