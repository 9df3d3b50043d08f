//! Readers that follow a place are told what comes into it, and what leaves it.

use std::collections::BTreeSet;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::WebSocket;
use weirhouse_tests::home_assistant::{Commands, HomeAssistant};
use weirhouse_tests::program::{PATIENCE, Program};
use weirhouse_tests::stream::{Event, Events, next_message, socket};

/// A light of the demo is put into an area, by itself and with its device, and under a label, and taken out again.
pub(crate) fn are_followed(home: &HomeAssistant, weirhouse: &Program) -> Result<()> {
    let mut commands = home.commands()?;
    let mut made = |kind: &str, id: &str| -> Result<String> {
        let command = format!("config/{kind}_registry/create");
        let made = commands.result(json!({ "type": command, "name": "Followed" }))?;
        Ok(made[id].as_str().context("no identifier")?.to_owned())
    };
    let area = made("area", "area_id")?;
    let label = made("label", "label_id")?;
    let light = light_with_a_device(&mut commands)?;
    let entity = light["entity_id"].as_str().context("no entity")?;
    let of_entity = |changed: &str, value: Value| json!({ "type": "config/entity_registry/update", "entity_id": entity, changed: value });
    let of_device = |area: Value| json!({ "type": "config/device_registry/update", "device_id": light["device_id"], "area_id": area });
    // Home Assistant gives an entity an area of its own only if it has a name of its own.
    commands.result(of_entity("name", json!("Followed")))?;
    let (in_area, under_label) = (format!("area={area}"), format!("label={label}"));
    for (place, enter, leave) in [
        (
            &in_area,
            of_entity("area_id", json!(area)),
            of_entity("area_id", Value::Null),
        ),
        (&in_area, of_device(json!(area)), of_device(Value::Null)),
        (
            &under_label,
            of_entity("labels", json!([label])),
            of_entity("labels", json!([])),
        ),
    ] {
        let mut readers = Readers::open(weirhouse, place)?;
        commands.result(enter)?;
        readers.hear(weirhouse, "change", entity)?;
        commands.result(leave)?;
        readers.hear(weirhouse, "removed", entity)?;
    }
    Ok(())
}

fn light_with_a_device(commands: &mut Commands) -> Result<Value> {
    let rows = commands.result(json!({ "type": "config/entity_registry/list" }))?;
    let fits = |row: &&Value| {
        let entity = row["entity_id"].as_str().unwrap_or_default();
        entity.starts_with("light.") && row["device_id"].is_string() && row["area_id"].is_null()
    };
    let rows = rows.as_array().context("no list")?;
    let light = rows.iter().find(fits);
    Ok(light.context("no light with a device")?.clone())
}

/// Three readers of one place, which is empty when they begin.
struct Readers {
    events: Events,
    socket: WebSocket<TcpStream>,
    path: String,
    cursor: String,
    held: BTreeSet<String>,
}

impl Readers {
    fn open(weirhouse: &Program, place: &str) -> Result<Self> {
        let path = format!("/v1/states?fields=state&{place}");
        let started = Instant::now();
        // The place is new, and has to be listed first.
        while weirhouse.get(&path)?.status != 200 {
            ensure!(started.elapsed() < PATIENCE, "{path} is refused");
            thread::sleep(Duration::from_millis(20));
        }
        let query = format!("significance=none&snapshot=true&{place}");
        let mut this = Self {
            events: Events::open(weirhouse, &query, "")?,
            socket: socket(weirhouse, &query)?,
            path,
            cursor: String::new(),
            held: BTreeSet::new(),
        };
        for opening in [this.events.read()?, next_message(&mut this.socket)?] {
            ensure!(
                opening.name == "reset" && opening.data["entities"] == 0,
                "{opening:?}"
            );
        }
        this.catch_up(weirhouse)?;
        Ok(this)
    }

    /// Both streams tell this event of the entity and nothing else, and who asks again finds the same.
    fn hear(&mut self, weirhouse: &Program, event: &str, entity: &str) -> Result<()> {
        let told = |it: Event| -> Result<()> {
            let is_it = it.name == event && it.data["entity_id"] == entity;
            ensure!(is_it, "{it:?} instead of {event} of {entity}");
            Ok(())
        };
        told(self.events.read()?).context("server-sent events")?;
        told(next_message(&mut self.socket)?).context("WebSocket")?;
        self.catch_up(weirhouse)?;
        ensure!(
            self.held.contains(entity) == (event == "change"),
            "by cursor: {:?} after {event} of {entity}",
            self.held
        );
        Ok(())
    }

    /// Asks for what changed since it was asked last.
    fn catch_up(&mut self, weirhouse: &Program) -> Result<()> {
        let since = if self.cursor.is_empty() {
            String::new()
        } else {
            format!("&since={}", self.cursor)
        };
        let answer = weirhouse.json(&format!("{}{since}", self.path))?;
        if answer["full"] == true {
            self.held.clear();
        }
        for row in answer["states"].as_array().context("no states")? {
            let id = row["entity_id"].as_str().context("no identifier")?;
            self.held.insert(id.to_owned());
        }
        for id in answer["removed"].as_array().into_iter().flatten() {
            let Some(id) = id.as_str() else {
                bail!("{id} is no identifier");
            };
            self.held.remove(id);
        }
        let cursor = answer["cursor"].as_str().context("no cursor")?;
        cursor.clone_into(&mut self.cursor);
        Ok(())
    }
}
