//! Random changes of everything that is mirrored, from a seed.

use anyhow::{Context as _, Result};
use fastrand::Rng;
use serde_json::{Value, json};
use weirhouse_tests::home_assistant::{Commands, HomeAssistant};

/// Entities without an integration behind them, which anybody may write.
const LOOSE: usize = 60;

/// Changes one home.
pub(crate) struct Changes {
    random: Rng,
    /// Counts things made, so that names differ.
    made: usize,
    helpers: Vec<String>,
    scripts: Vec<String>,
    /// Changes carried out.
    pub(crate) count: usize,
}

impl Changes {
    /// Equal seeds make equal choices, as far as the home offers the same.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            random: Rng::with_seed(seed),
            made: 0,
            helpers: Vec::new(),
            scripts: Vec::new(),
            count: 0,
        }
    }

    /// Carries out so many changes of states, and so many of registries.
    pub(crate) fn make(
        &mut self,
        home: &HomeAssistant,
        states: usize,
        registries: usize,
    ) -> Result<()> {
        let mut commands = home.commands()?;
        let mut known = Known::read(&mut commands)?;
        let each = (states / registries.max(1)).max(1);
        for round in 0..registries {
            for _ in 0..each {
                self.change_state(home)?;
            }
            if round % 10 == 9 {
                known = Known::read(&mut commands)?;
            }
            self.change_registry(home, &mut commands, &known)
                .with_context(|| format!("round {round}"))?;
            self.count += each + 1;
        }
        Ok(())
    }

    fn change_state(&mut self, home: &HomeAssistant) -> Result<()> {
        let number = self.random.usize(..LOOSE);
        let entity = format!(
            "{}.loose_{number:02}",
            ["sensor", "light", "switch"][number % 3]
        );
        if self.random.u8(..100) < 5 {
            // Mostly there; if not, there is nothing to remove.
            let _ = home.remove_state(&entity);
            return Ok(());
        }
        let mut attributes = json!({ "friendly_name": format!("Loose {number} é") });
        for name in ["a", "b", "c", "d"] {
            if self.random.bool() {
                attributes[name] = match self.random.u8(..6) {
                    0 => Value::Null,
                    1 => json!([self.random.u8(..), { "deep": [[]] }]),
                    2 => json!(f64::from(self.random.u32(..1_000_000)) / 7.0),
                    3 => json!("\"quoted\"\n\u{1f642}"),
                    4 => json!(self.random.i64(..)),
                    _ => json!(self.random.bool()),
                };
            }
        }
        let state = match self.random.u8(..8) {
            0 => "unavailable".to_owned(),
            1 => "unknown".to_owned(),
            2 => "12:30".to_owned(),
            _ => format!("{:.2}", self.random.f64() * 50.0 - 10.0),
        };
        home.set_state(&entity, &state, &attributes)
    }

    fn change_registry(
        &mut self,
        home: &HomeAssistant,
        commands: &mut Commands,
        known: &Known,
    ) -> Result<()> {
        self.made += 1;
        let name = format!("Thing {}", self.made);
        let kind = self.random.u8(..100);
        let command = match kind {
            0..7 => {
                json!({ "type": "config/area_registry/create", "name": name, "floor_id": self.some(&known.floors), "labels": self.several(&known.labels) })
            }
            7..11 => {
                json!({ "type": "config/floor_registry/create", "name": name, "level": self.random.i8(-2..5) })
            }
            11..15 => {
                json!({ "type": "config/label_registry/create", "name": name, "color": "red" })
            }
            15..19 => {
                json!({ "type": "config/area_registry/delete", "area_id": self.some(&known.areas) })
            }
            19..21 => {
                json!({ "type": "config/floor_registry/delete", "floor_id": self.some(&known.floors) })
            }
            21..23 => {
                json!({ "type": "config/label_registry/delete", "label_id": self.some(&known.labels) })
            }
            23..29 => {
                json!({ "type": "config/area_registry/update", "area_id": self.some(&known.areas), "name": name, "floor_id": self.some(&known.floors), "labels": self.several(&known.labels) })
            }
            29..32 => {
                json!({ "type": "config/floor_registry/update", "floor_id": self.some(&known.floors), "name": name })
            }
            32..35 => {
                json!({ "type": "config/label_registry/update", "label_id": self.some(&known.labels), "description": name })
            }
            35..50 => {
                json!({ "type": "config/entity_registry/update", "entity_id": self.some(&known.entities), "area_id": self.some(&known.areas), "labels": self.several(&known.labels) })
            }
            50..58 => {
                json!({ "type": "config/entity_registry/update", "entity_id": self.some(&known.entities), "name": name, "hidden_by": if self.random.bool() { json!("user") } else { Value::Null } })
            }
            58..68 => {
                let entity = self.some(&known.entities);
                let domain = entity
                    .as_str()
                    .and_then(|id| id.split_once('.'))
                    .map_or("x", |(domain, _)| domain);
                json!({ "type": "config/entity_registry/update", "entity_id": entity, "new_entity_id": format!("{domain}.renamed_{}", self.made) })
            }
            68..80 => {
                json!({ "type": "config/device_registry/update", "device_id": self.some(&known.devices), "area_id": self.some(&known.areas), "labels": self.several(&known.labels), "name_by_user": name })
            }
            80..84 => json!({ "type": "input_boolean/create", "name": name }),
            84..87 => {
                json!({ "type": "config_entries/update", "entry_id": self.some(&known.entries), "title": name })
            }
            87..92 => return self.change_scene(home),
            92..96 => return self.change_script(home),
            96..98 => return self.change_helper(home),
            _ => {
                json!({ "type": "config/area_registry/create", "name": name, "aliases": [format!("{name} alias")] })
            }
        };
        // What was chosen may be gone since it was read: refused, and no change.
        if let Err(refused) = commands.call(command.clone())? {
            let code = refused["code"].as_str().unwrap_or_default();
            anyhow::ensure!(
                [
                    "not_found",
                    "invalid_info",
                    "invalid_format",
                    "unknown_error",
                    "home_assistant_error"
                ]
                .contains(&code),
                "{command}: {refused}"
            );
        }
        Ok(())
    }

    /// A scene that comes, and often goes again.
    fn change_scene(&mut self, home: &HomeAssistant) -> Result<()> {
        let id = format!("made_{}", self.made);
        let entities = json!({ "input_number.base_00": "21" });
        home.call_service(
            "scene",
            "create",
            &json!({ "scene_id": id, "entities": entities }),
        )?;
        if self.random.bool() {
            home.call_service(
                "scene",
                "delete",
                &json!({ "entity_id": format!("scene.{id}") }),
            )?;
        }
        Ok(())
    }

    /// A script is an entity and a service.
    fn change_script(&mut self, home: &HomeAssistant) -> Result<()> {
        if self.scripts.len() > 3
            && let Some(id) = self.scripts.pop()
        {
            home.delete(&format!("/api/config/script/config/{id}"))?;
            return Ok(());
        }
        let id = format!("made_{}", self.made);
        let script = json!({ "alias": id, "description": "of a test", "sequence": [{ "delay": 0 }], "fields": { "level": { "description": "none" } } });
        home.post(&format!("/api/config/script/config/{id}"), &script)?;
        self.scripts.push(id);
        Ok(())
    }

    /// A helper made by a config entry.
    fn change_helper(&mut self, home: &HomeAssistant) -> Result<()> {
        const FLOWS: &str = "/api/config/config_entries/flow";
        if self.helpers.len() > 2
            && let Some(entry) = self.helpers.pop()
        {
            home.delete(&format!("/api/config/config_entries/entry/{entry}"))?;
            return Ok(());
        }
        let flow = home.post(FLOWS, &json!({ "handler": "min_max" }))?;
        let flow = flow["flow_id"].as_str().context("no flow")?;
        let helper = json!({
            "name": format!("Mean {}", self.made), "type": "mean", "round_digits": 1,
            "entity_ids": ["input_number.base_00", "input_number.base_01"],
        });
        let made = home.post(&format!("{FLOWS}/{flow}"), &helper)?;
        let entry = made["result"]["entry_id"].as_str();
        self.helpers
            .push(entry.context("no config entry")?.to_owned());
        Ok(())
    }

    /// One of these, or null.
    fn some(&mut self, ids: &[String]) -> Value {
        self.random.choice(ids).map_or(Value::Null, |id| json!(id))
    }

    /// Some of these, perhaps none.
    fn several(&mut self, ids: &[String]) -> Vec<String> {
        let count = self.random.usize(..=ids.len().min(3));
        self.random
            .choose_multiple(ids, count)
            .into_iter()
            .cloned()
            .collect()
    }
}

/// What there is to be changed.
struct Known {
    entities: Vec<String>,
    devices: Vec<String>,
    areas: Vec<String>,
    floors: Vec<String>,
    labels: Vec<String>,
    entries: Vec<String>,
}

impl Known {
    fn read(commands: &mut Commands) -> Result<Self> {
        let mut ids = |command: &str, id: &str| -> Result<Vec<String>> {
            let rows = commands.result(json!({ "type": command }))?;
            let rows = rows.as_array().context("no list")?;
            let ids = rows.iter().filter_map(|row| row[id].as_str());
            Ok(ids.map(str::to_owned).collect())
        };
        let mut known = Self {
            entities: ids("config/entity_registry/list", "entity_id")?,
            devices: ids("config/device_registry/list", "id")?,
            areas: ids("config/area_registry/list", "area_id")?,
            floors: ids("config/floor_registry/list", "floor_id")?,
            labels: ids("config/label_registry/list", "label_id")?,
            entries: ids("config_entries/get", "entry_id")?,
        };
        // Others are written by name elsewhere in these tests.
        let free = [
            "light.",
            "binary_sensor.",
            "cover.",
            "fan.",
            "switch.",
            "number.",
        ];
        known
            .entities
            .retain(|id| free.iter().any(|domain| id.starts_with(domain)));
        Ok(known)
    }
}
