//! Streams of a running program over real sockets: paced, resumed, and over
//! WebSocket to clients that do not keep to the protocol.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use tokio_tungstenite::tungstenite::{Error, Message};
use weirhouse_tests::program::{PATIENCE, Program};
use weirhouse_tests::stream::{Event, Events, close_code, socket};

/// A program with a busy home.
fn busy() -> Result<(tempfile::TempDir, Program)> {
    let parent = tempfile::tempdir()?;
    let data = parent.path().join("data");
    std::fs::create_dir(&data)?;
    let program = Program::start("demo", &data, &["--rate", "200"])?;
    // It answers before the home has told its states.
    let is_empty = |answer: &Value| answer["states"].as_array().is_none_or(Vec::is_empty);
    while is_empty(&program.json("/v1/states?limit=1")?) {}
    Ok((parent, program))
}

/// Holds what a stream tells, as a client would.
#[derive(Default)]
struct Held {
    states: BTreeMap<String, Value>,
    merged: u64,
    cursor: Option<String>,
}

impl Held {
    fn take(&mut self, event: Event) -> Result<()> {
        let id = || Some(event.data["entity_id"].as_str()?.to_owned());
        match event.name.as_str() {
            "reset" => self.states.clear(),
            "cursor" => {}
            "change" => {
                self.merged += event.data["merged"].as_u64().unwrap_or(0);
                let state = event.data["state"].clone();
                self.states.insert(id().context("no entity")?, state);
            }
            "removed" => {
                self.states.remove(&id().context("no entity")?);
            }
            other => bail!("what is `{other}`?"),
        }
        if event.id.is_some() {
            self.cursor = event.id;
        }
        Ok(())
    }
}

#[test]
fn a_slow_paced_client_that_reconnects_ends_with_what_the_home_has() -> Result<()> {
    let (_parent, program) = busy()?;
    let query = "significance=none&fields=state&interval=200ms&snapshot=true";
    let mut held = Held::default();
    let mut events = Events::open(&program, query, "")?;
    let reset = events.read()?;
    ensure!(reset.name == "reset", "{reset:?}");
    let entities = reset.data["entities"].as_u64().context("no count")?;
    for round in 0..3 {
        for _ in 0..300 + entities {
            held.take(events.read()?)?;
        }
        ensure!(
            held.states.len() as u64 == entities,
            "round {round}: {} of {entities}",
            held.states.len()
        );
        let cursor = held
            .cursor
            .clone()
            .context("no event told where to resume")?;
        agree(&program, &held.states, &cursor)?;
        drop(events);
        // The home goes on while nobody listens.
        while program.json("/v1/states?limit=1&domain=sensor")?["cursor"] == cursor.as_str() {}
        events = Events::open(&program, query, &format!("Last-Event-ID: {cursor}\r\n"))?;
        let opening = events.read()?;
        ensure!(opening.name == "cursor", "round {round}: {opening:?}");
        held.take(opening)?;
    }
    ensure!(
        held.merged > 0,
        "a home of 200 changes a second was not coalesced"
    );
    Ok(())
}

/// Holds what a client has against what the home has, but for what changed after
/// the client's cursor.
fn agree(program: &Program, held: &BTreeMap<String, Value>, cursor: &str) -> Result<()> {
    let home = program.json("/v1/states?fields=state")?;
    let later = program.json(&format!("/v1/states?fields=state&since={cursor}"))?;
    ensure!(later["full"] == false, "{later}");
    let rows = |answer: &Value| -> BTreeMap<String, Value> {
        let rows = answer["states"].as_array().into_iter().flatten();
        rows.filter_map(|row| Some((row["entity_id"].as_str()?.to_owned(), row["state"].clone())))
            .collect()
    };
    let (home, later) = (rows(&home), rows(&later));
    let still = home
        .iter()
        .filter(|(entity, _)| !later.contains_key(*entity));
    let mut compared = 0;
    for (entity, state) in still {
        ensure!(
            held.get(entity) == Some(state),
            "{entity} is {state}, not {:?}",
            held.get(entity)
        );
        compared += 1;
    }
    ensure!(compared > 0, "everything has changed since {cursor}");
    Ok(())
}

#[test]
fn a_websocket_carries_the_same_and_ends_cleanly_whatever_it_is_sent() -> Result<()> {
    let (_parent, program) = busy()?;
    let query = "significance=none&entity=sensor.*&snapshot=true";
    let mut good = socket(&program, query)?;
    let first: Value = serde_json::from_str(good.read()?.to_text()?)?;
    ensure!(first["event"] == "reset", "{first}");
    for _ in 0..first["data"]["entities"].as_u64().context("no count")? {
        let message: Value = serde_json::from_str(good.read()?.to_text()?)?;
        ensure!(message["event"] == "change", "{message}");
        let entity = message["data"]["entity_id"].as_str().context("no entity")?;
        ensure!(entity.starts_with("sensor."), "{entity}");
    }

    let mut talks = socket(&program, query)?;
    talks.send(Message::text("subscribe"))?;
    ensure!(close_code(&mut talks)? == 1003);
    // Masked, as a client's frames must be, with a mask of zeros.
    for (frame, code) in [
        // An opcode that there is not.
        (vec![0x83, 0x80, 0, 0, 0, 0], 1002),
        // Not masked.
        (vec![0x81, 0x01, b'a'], 1002),
        // A text that is no UTF-8.
        (vec![0x81, 0x81, 0, 0, 0, 0, 0xff], 1007),
        // A message of 16 MiB.
        (vec![0x82, 0xff, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0], 1009),
        // A ping in two parts.
        (vec![0x09, 0x80, 0, 0, 0, 0], 1002),
    ] {
        let mut bad = socket(&program, query)?;
        bad.get_mut().write_all(&frame)?;
        let told = close_code(&mut bad)?;
        ensure!(told == code, "{frame:02x?}: {told}, not {code}");
    }
    // The one that keeps to the rules goes on.
    good.send(Message::Ping(vec![1].into()))?;
    while !good.read()?.is_pong() {}
    good.close(None)?;
    let end = loop {
        if let Err(end) = good.read() {
            break end;
        }
    };
    // Its farewell is answered before the connection ends.
    ensure!(matches!(end, Error::ConnectionClosed), "{end}");

    for (upgrade, status) in [("h2c", 200), ("websocket\r\nSec-WebSocket-Version: 8", 426)] {
        ensure!(offer(&program, upgrade)? == format!("HTTP/1.1 {status}"));
    }
    Ok(())
}

/// The status line of a stream asked for with an offer of another protocol.
fn offer(program: &Program, upgrade: &str) -> Result<String> {
    let mut plain = TcpStream::connect(program.address)?;
    plain.set_read_timeout(Some(PATIENCE))?;
    write!(
        plain,
        "GET /v1/stream HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nConnection: upgrade\r\nUpgrade: {upgrade}\r\n\r\n",
        program.address, program.token
    )?;
    let mut answer = [0; 12];
    plain.read_exact(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
