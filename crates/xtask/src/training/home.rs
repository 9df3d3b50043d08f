//! A stand-in for Home Assistant, as far as the program asks it: states that change, registries, anybody's token.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use serde_json::{Map, Value, json};
use tungstenite::{Error, Message, WebSocket};

/// Sensors of each kind.
const EACH: usize = 60;

/// Kinds of sensors: domain, device class, unit, first value, widest step.
const KINDS: [(&str, &str, &str, f64, f64); 5] = [
    ("sensor", "power", "W", 120.0, 40.0),
    ("sensor", "temperature", "°C", 20.0, 0.2),
    ("sensor", "humidity", "%", 50.0, 1.5),
    ("sensor", "voltage", "V", 230.0, 1.0),
    ("binary_sensor", "motion", "", 0.0, 1.0),
];

/// How long it listens before the next changes.
const PAUSE: Duration = Duration::from_millis(4);

/// Seconds since the Unix epoch, where its time begins.
const BEGINNING: f64 = 1_790_000_000.0;

/// The stand-in. It serves until the process ends.
pub(crate) struct Home(SocketAddr);

impl Home {
    pub(crate) fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A connection that ends has no more to say.
                thread::spawn(move || Connection::serve(&stream));
            }
        });
        Ok(Self(address))
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.0)
    }
}

/// One client's end of the home.
struct Connection {
    socket: WebSocket<TcpStream>,
    /// Number of the subscription of states.
    states: Option<u64>,
    values: Vec<f64>,
    changes: u32,
}

impl Connection {
    fn serve(stream: &TcpStream) -> Result<()> {
        stream.set_nodelay(true)?;
        let mut socket = tungstenite::accept(stream.try_clone()?)?;
        say(
            &mut socket,
            &json!({ "type": "auth_required", "ha_version": "2026.11.0" }),
        )?;
        socket.read()?;
        say(
            &mut socket,
            &json!({ "type": "auth_ok", "ha_version": "2026.11.0" }),
        )?;
        stream.set_read_timeout(Some(PAUSE))?;
        let first = KINDS.iter().flat_map(|kind| [kind.3; EACH]);
        let mut connection = Self {
            socket,
            states: None,
            values: first.collect(),
            changes: 0,
        };
        loop {
            match connection.socket.read() {
                Ok(Message::Text(text)) => connection.answer(&serde_json::from_str(&text)?)?,
                Ok(_) => {}
                Err(Error::Io(error))
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    connection.change()?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn answer(&mut self, command: &Value) -> Result<()> {
        let id = &command["id"];
        let kind = command["type"].as_str().unwrap_or_default();
        if kind == "ping" {
            return say(&mut self.socket, &json!({ "id": id, "type": "pong" }));
        }
        let result = match kind {
            "config/entity_registry/list" => entities(),
            "config/device_registry/list" => devices(),
            "config/area_registry/list" => {
                json!([{ "area_id": "house", "name": "House", "aliases": [], "labels": [] }])
            }
            "get_services" => {
                json!({ "light": { "turn_on": { "name": "Turn on", "fields": {} } } })
            }
            "supported_features" | "subscribe_entities" | "subscribe_events" => Value::Null,
            _ => json!([]),
        };
        say(
            &mut self.socket,
            &json!({ "id": id, "type": "result", "success": true, "result": result }),
        )?;
        if kind != "subscribe_entities" {
            return Ok(());
        }
        let added: Map<String, Value> = names().zip(&self.values).map(state).collect();
        self.states = id.as_u64();
        say(
            &mut self.socket,
            &json!({ "id": id, "type": "event", "event": { "a": added } }),
        )
    }

    /// Some sensors of each kind move, of the same noise at each training.
    fn change(&mut self) -> Result<()> {
        let Some(id) = self.states else {
            return Ok(());
        };
        let mut frames = Vec::new();
        for (kind, (_, class, _, _, step)) in KINDS.iter().enumerate() {
            self.changes += 1;
            let noise = f64::from(self.changes.wrapping_mul(2_654_435_761) >> 8) / 16_777_216.0;
            let place = kind * EACH + self.changes as usize / KINDS.len() % EACH;
            let Some((value, name)) = self.values.get_mut(place).zip(names().nth(place)) else {
                continue;
            };
            if *class == "motion" {
                *value = 1.0 - *value;
            } else {
                *value += step * (noise - 0.5);
            }
            let at = BEGINNING + 0.001 * f64::from(self.changes);
            let change = json!({ "+": { "s": written(class, *value), "lu": at, "c": "01J" } });
            let event = json!({ "c": { name: change } });
            frames.push(json!({ "id": id, "type": "event", "event": event }));
        }
        say(&mut self.socket, &Value::Array(frames))
    }
}

fn say(socket: &mut WebSocket<TcpStream>, frame: &Value) -> Result<()> {
    Ok(socket.send(Message::text(frame.to_string()))?)
}

fn names() -> impl Iterator<Item = String> {
    KINDS.iter().flat_map(|(domain, class, ..)| {
        (0..EACH).map(move |number| format!("{domain}.{class}_{number}"))
    })
}

fn written(class: &str, value: f64) -> String {
    match class {
        "motion" if value > 0.5 => "on".to_owned(),
        "motion" => "off".to_owned(),
        _ => format!("{value:.2}"),
    }
}

/// One state, as `subscribe_entities` tells it at first.
fn state((name, value): (String, &f64)) -> (String, Value) {
    let (_, class, unit, ..) = KINDS
        .into_iter()
        .find(|(_, class, ..)| name.contains(class))
        .unwrap_or(KINDS[0]);
    let mut attributes = json!({ "friendly_name": name, "device_class": class });
    if !unit.is_empty() {
        attributes["unit_of_measurement"] = unit.into();
        attributes["state_class"] = "measurement".into();
    }
    let state =
        json!({ "s": written(class, *value), "a": attributes, "c": "01J", "lc": BEGINNING });
    (name, state)
}

fn entities() -> Value {
    let known = names().enumerate().map(|(number, name)| {
        json!({
            "entity_id": name, "name": null, "original_name": name, "platform": "stand_in",
            "device_id": format!("device{}", number % EACH), "area_id": null, "labels": [],
            "disabled_by": null, "hidden_by": null, "entity_category": null,
        })
    });
    known.collect()
}

fn devices() -> Value {
    let known = (0..EACH).map(|number| {
        json!({
            "id": format!("device{number}"), "name": format!("Device {number}"), "name_by_user": null,
            "manufacturer": "Weirhouse", "model": "Stand-in", "area_id": "house", "labels": [],
            "disabled_by": null, "config_entries": [],
        })
    });
    known.collect()
}
