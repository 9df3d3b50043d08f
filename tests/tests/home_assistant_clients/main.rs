//! Unmodified clients of Home Assistant that connect to Weirhouse instead, before a real Home Assistant.

mod equality;
mod misuse;
mod profiles;
mod rights;

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use weirhouse_tests::foreign_client::{ForeignClient, Installed, Library};
use weirhouse_tests::home_assistant::{Commands, ConfigFolderOptions, HomeAssistant};
use weirhouse_tests::program::{PATIENCE, Program};

/// Weirhouse before a Home Assistant, with further configuration.
fn weirhouse(home: &HomeAssistant, data: &Path, configuration: &str) -> Result<Program> {
    fs::create_dir_all(data)?;
    fs::write(data.join("weirhouse.toml"), configuration)?;
    let token_file = home.token_file().display().to_string();
    let arguments = ["--ha-url", home.url(), "--ha-token-file", &token_file];
    let weirhouse = Program::start("serve", data, &arguments)?;
    weirhouse.wait_for_stats("the first snapshot", |stats| {
        stats["home"]["connected"] == true && stats["home"]["stale"] == false
    })?;
    Ok(weirhouse)
}

/// A few entities that change only when told to.
fn quiet() -> ConfigFolderOptions {
    ConfigFolderOptions {
        noisy_sensors: 4,
        noise_period_s: 30,
        extra_yaml: "input_boolean:\n  lamp: { name: Lamp }\nscript: !include scripts.yaml\n"
            .to_owned(),
        ..ConfigFolderOptions::default()
    }
}

fn started(client: Result<ForeignClient, Value>) -> Result<ForeignClient> {
    client.map_err(|error| anyhow::anyhow!("the client did not connect: {error}"))
}

/// A counter of `/metrics`, with its labels.
fn metric(weirhouse: &Program, name: &str) -> Result<f64> {
    let text = weirhouse.get("/metrics")?.text();
    let line = text
        .lines()
        .find(|line| line.starts_with(name) && line.as_bytes().get(name.len()) == Some(&b' '));
    let value = line.and_then(|line| line.rsplit(' ').next());
    Ok(value.with_context(|| format!("no {name}"))?.parse()?)
}

#[test]
fn they_find_what_home_assistant_would_tell_them() -> Result<()> {
    let Some(clients) = Installed::find_or_skip()? else {
        return Ok(());
    };
    let Some(mut home) = HomeAssistant::start_or_skip(&quiet())? else {
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    let weirhouse = weirhouse(&home, &folder.path().join("data"), "")?;
    let url = format!("http://{}", weirhouse.address);

    equality::of_answers(&home, &weirhouse)?;
    let answered = metric(&weirhouse, "weirhouse_client_commands_total{by=\"mirror\"}")?;
    assert!(answered >= 7.0, "{answered}");

    let mut direct = started(clients.start(Library::JavaScript, home.url(), home.token())?)?;
    let mut through = started(clients.start(Library::JavaScript, &url, home.token())?)?;
    equality::of_collections(&mut direct, &mut through)?;
    drive(&home, 40)?;
    equality::of_collections(&mut direct, &mut through)?;
    // Every change was told, none twice; the client counts what its library gets.
    equality::until_equal("what was received", || {
        let both = [direct.tell_of("received")?, through.tell_of("received")?];
        Ok(both.map(|received| received["driven"].clone()))
    })?;

    commands_pass(&mut through)?;
    events_are_those_of_home_assistant(&home, &mut direct, &mut through)?;

    let mut python = started(clients.start(Library::Python, &url, home.token())?)?;
    python_is_served(&home, &mut python)?;

    misuse::is_answered_as_home_assistant_does(&home, &weirhouse)?;

    // Home Assistant restarts: the client connects again by itself, and follows on.
    home.stop()?;
    through.wait_for("happened", |it| it["disconnected"] == 1)?;
    home.start_again()?;
    through.wait_for("happened", |it| it["ready"] == 1)?;
    direct.wait_for("happened", |it| it["ready"] == 1)?;
    equality::of_collections(&mut direct, &mut through)?;
    misuse::of_tokens(&home, &weirhouse, &clients)?;
    assert_eq!(weirhouse.stop()?, 0);
    Ok(())
}

/// Changes of all kinds, each entity ending in another state than it began.
fn drive(home: &HomeAssistant, rounds: usize) -> Result<()> {
    for round in 0..rounds {
        for sensor in 0..5 {
            let attributes = match round % 3 {
                0 => json!({ "unit_of_measurement": "°C", "round": round, "note": [null, "é"] }),
                1 => json!({ "unit_of_measurement": "°C", "other": { "nested": sensor } }),
                _ => json!({}),
            };
            let state = format!("{}.{round}", 20 + sensor);
            home.set_state(&format!("sensor.driven_{sensor}"), &state, &attributes)?;
        }
        if round % 4 == 0 {
            home.remove_state("sensor.driven_4")?;
        }
    }
    Ok(())
}

/// What is not told from the mirror passes, and what it causes is there when its result is.
fn commands_pass(client: &mut ForeignClient) -> Result<()> {
    for state in ["on", "off", "on"] {
        client.ask(&json!({ "do": "send", "message": {
            "type": "call_service", "domain": "input_boolean", "service": format!("turn_{state}"),
            "target": { "entity_id": "input_boolean.lamp" },
        } }))?;
        let entities = client.tell_of("entities")?;
        assert_eq!(entities["input_boolean.lamp"]["state"], state);
    }
    let unknown = json!({ "do": "send", "message": {
        "type": "call_service", "domain": "light", "service": "paint", "service_data": {},
    } });
    let error = client
        .try_ask(&unknown)?
        .err()
        .context("there is no such action")?;
    assert_eq!(error["code"], "not_found");
    let rendered = json!({ "do": "follow", "message": { "type": "render_template", "template": "{{ 6 * 7 }}" } });
    client.ask(&rendered)?;
    let events = client.wait_for("events", |events| events[0]["result"] == 42)?;
    assert_eq!(events.as_array().map(Vec::len), Some(1), "{events}");
    Ok(())
}

/// `state_changed` as an event of the bus.
fn events_are_those_of_home_assistant(
    home: &HomeAssistant,
    direct: &mut ForeignClient,
    through: &mut ForeignClient,
) -> Result<()> {
    let follow = json!({ "do": "follow", "message": { "type": "subscribe_events", "event_type": "state_changed" } });
    for client in [&mut *direct, &mut *through] {
        client.tell_of("events")?;
        client.ask(&follow)?;
    }
    for (state, note) in [("1", "a"), ("1", "b"), ("2", "b")] {
        home.set_state("sensor.event", state, &json!({ "note": note }))?;
    }
    home.remove_state("sensor.event")?;
    let mut told = Vec::new();
    for client in [direct, through] {
        let mut events: Vec<Value> = Vec::new();
        let started = Instant::now();
        while events.len() < 4 {
            if started.elapsed() > PATIENCE {
                bail!("only {events:?}");
            }
            thread::sleep(Duration::from_millis(20));
            let more = client.tell_of("events")?;
            let ours = |event: &&Value| event["data"]["entity_id"] == "sensor.event";
            events.extend(
                more.as_array()
                    .context("no list")?
                    .iter()
                    .filter(ours)
                    .cloned(),
            );
        }
        told.push(events);
    }
    for (one, other) in told[0].iter().zip(&told[1]).take(3) {
        assert_eq!(equality::event(one), equality::event(other));
    }
    let (one, other) = (&told[0][3], &told[1][3]);
    assert_eq!(one["data"]["new_state"], other["data"]["new_state"]);
    assert_eq!(
        equality::state(&one["data"]["old_state"]),
        equality::state(&other["data"]["old_state"])
    );
    // Of a removal no feed tells the context, nor the time to the microsecond.
    assert_eq!(other["context"]["id"].as_str().map(str::len), Some(26));
    Ok(())
}

/// A second library, in another language.
fn python_is_served(home: &HomeAssistant, python: &mut ForeignClient) -> Result<()> {
    let states = python.tell_of("states")?;
    let states = states.as_array().context("no list")?;
    assert_eq!(states.len(), home.states()?.len());
    for what in ["areas", "devices", "registry"] {
        assert!(python.tell_of(what)?.is_array(), "{what}");
    }
    assert!(python.tell_of("services")?["homeassistant"].is_object());
    let config = python.ask(&json!({ "do": "send", "command": "get_config" }))?;
    assert_eq!(config["location_name"], "Test");
    python.ask(&json!({ "do": "follow", "event_type": "state_changed" }))?;
    python.ask(&json!({ "do": "follow_entities", "entity_ids": ["input_boolean.lamp"] }))?;
    python.tell_of("events")?;
    python.ask(&json!({
        "do": "call", "domain": "input_boolean", "service": "toggle", "target": { "entity_id": "input_boolean.lamp" },
    }))?;
    let events = python.wait_for("events", |it| it.as_array().is_some_and(|it| it.len() >= 2))?;
    let told = events.to_string();
    assert!(
        told.contains(r#""entity_id":"input_boolean.lamp""#),
        "{told}"
    );
    assert!(told.contains(r#""+":{"#), "{told}");
    let error = python
        .try_ask(&json!({ "do": "send", "command": "no/such/command" }))?
        .err()
        .context("there is no such command")?;
    assert!(
        error
            .as_str()
            .is_some_and(|it| it.contains("Unknown command")),
        "{error}"
    );
    Ok(())
}

#[test]
fn they_see_what_their_user_may_read_and_nothing_else() -> Result<()> {
    let Some(clients) = Installed::find_or_skip()? else {
        return Ok(());
    };
    let Some(mut home) = HomeAssistant::start_or_skip(&quiet())? else {
        return Ok(());
    };
    rights::are_those_of_home_assistant(&mut home, &clients)
}

/// A connection of a test's own to whoever speaks like Home Assistant on this port.
fn commands(port: u16, token: &str) -> Result<Commands> {
    Commands::connect(port, token)
}
