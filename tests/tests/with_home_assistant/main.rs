//! The service against a real, unmodified Home Assistant.

mod changes;
mod equality;
mod places;
mod refreshes;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use std::{fs, thread};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use weirhouse_tests::home_assistant::{ConfigFolderOptions, HomeAssistant};
use weirhouse_tests::program::{PATIENCE, Program, free_address, run_service};
use weirhouse_tests::proxy::Proxy;

use changes::Changes;
use equality::Follower;

const SENSORS: usize = 30;
const ROUNDS: usize = 12;

/// Start of the random changes.
const SEED: u64 = 20_261_104;

/// What the random changes need beside the demo: domains that are made of.
const MADE_OF: &str = "input_boolean:\nscene:\nscript: !include scripts.yaml\n";

#[test]
fn mirrors_judges_and_outlives_restarts_of_either_side() -> Result<()> {
    let Some(mut home) = HomeAssistant::start_or_skip(&lively())? else {
        return Ok(());
    };
    let link = Proxy::start(home.port())?;
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    fs::create_dir(&data)?;
    let token_file = home.token_file().display().to_string();
    let arguments = [
        "--ha-url".to_owned(),
        format!("http://{}", link.address()),
        "--ha-token-file".to_owned(),
        token_file,
    ];
    let weirhouse = Program::start("serve", &data, &arguments)?;
    weirhouse.wait_for_stats("the first snapshot", |stats| {
        stats["home"]["connected"] == true && stats["home"]["stale"] == false
    })?;

    drive(&home)?;
    mirrors(&home, &weirhouse)?;
    judged_within_half_a_degree(&weirhouse)?;
    places::are_followed(&home, &weirhouse)?;

    let (mut changes, mut follower) = (Changes::new(SEED), Follower::default());
    follower.catch_up(&weirhouse)?;
    changes.make(&home, 2_400, 400)?;
    let rows = equality::holds(&home, &weirhouse, &mut follower)?;
    assert!(rows > 700, "{rows}");
    // The socket is dropped, and what changes until the next is not announced.
    link.drop_connections();
    changes.make(&home, 400, 80)?;
    weirhouse.wait_for_stats("the second connection", |stats| {
        stats["home"]["connections"] == 2 && stats["home"]["stale"] == false
    })?;
    equality::holds(&home, &weirhouse, &mut follower)?;
    assert_eq!(
        weirhouse
            .put("/v1/cache/kept/value?wait=durable", b"committed")?
            .status,
        204
    );

    // Home Assistant goes away and comes back: stale in between, equal afterwards.
    home.stop()?;
    weirhouse.wait_for_stats("the lost connection", |stats| {
        stats["home"]["connected"] == false && stats["home"]["stale"] == true
    })?;
    let sun = weirhouse.json("/v1/states/sun.sun")?;
    assert_eq!(
        sun["stale"], true,
        "the last known value is served, and marked"
    );
    home.start_again()?;
    let stats = weirhouse.wait_for_stats("the new connection", |stats| {
        stats["home"]["connected"] == true && stats["home"]["stale"] == false
    })?;
    assert_eq!(stats["home"]["connections"], 3);
    drive(&home)?;
    mirrors(&home, &weirhouse)?;
    changes.make(&home, 800, 160)?;
    equality::holds(&home, &weirhouse, &mut follower)?;
    assert!(changes.count > 4_000, "{}", changes.count);
    // All at the start, and of states and places after a restart; everything else was told in changes.
    assert!(
        follower.deltas > follower.full,
        "{} {}",
        follower.deltas,
        follower.full
    );

    // The service is killed: what was committed is there, and it connects again.
    weirhouse.kill()?;
    let weirhouse = Program::start("serve", &data, &arguments)?;
    assert_eq!(weirhouse.get("/v1/cache/kept/value")?.text(), "committed");
    weirhouse.wait_for_stats("the snapshot", |stats| stats["home"]["stale"] == false)?;
    mirrors(&home, &weirhouse)?;

    // In order: what was learned is kept, so a known value is no news after the next start; and so is the mirror,
    // which is there before Home Assistant is.
    assert_eq!(weirhouse.stop()?, 0);
    link.close();
    let weirhouse = Program::start("serve", &data, &arguments)?;
    let sun = weirhouse.json("/v1/states/sun.sun")?;
    assert_eq!(
        (&sun["stale"], &sun["entity_id"]),
        (&json!(true), &json!("sun.sun"))
    );
    for list in ["states", "entities", "devices", "areas", "services"] {
        let kept = weirhouse.json(&format!("/v1/{list}"))?;
        assert_eq!(kept["stale"], true);
        assert!(
            !kept[list].as_array().context("no list")?.is_empty(),
            "{list}"
        );
    }
    link.open();
    // Connected comes first, the states a moment later.
    let stats =
        weirhouse.wait_for_stats("the snapshot", |stats| stats["home"]["stale"] == false)?;
    let published = stats["updates"]["published"].as_u64().context("no count")?;
    let observed = stats["updates"]["observed"].as_u64().context("no count")?;
    assert!(
        published * 2 < observed,
        "{published} of {observed} were news"
    );
    equality::holds(&home, &weirhouse, &mut follower)?;
    assert_eq!(weirhouse.stop()?, 0);

    refuses_a_wrong_token(&home, folder.path())
}

/// The demo, with what further changes are made of.
fn lively() -> ConfigFolderOptions {
    ConfigFolderOptions {
        extra_yaml: MADE_OF.to_owned(),
        ..ConfigFolderOptions::default()
    }
}

/// Hundreds of changes: small steps of temperatures with an attribute beside
/// them, texts, absences, and entities that come and go.
fn drive(home: &HomeAssistant) -> Result<()> {
    for round in 0..ROUNDS {
        for sensor in 0..SENSORS {
            let attributes = json!({
                "device_class": "temperature",
                "unit_of_measurement": "°C",
                "round": round,
                "note": { "nested": [sensor, null, "é"] },
            });
            let tenths = 200 + sensor * 3 + (round * 7) % 5;
            let state = if sensor == 7 && round % 4 == 3 {
                "unavailable".to_owned()
            } else {
                format!("{}.{}", tenths / 10, tenths % 10)
            };
            home.set_state(&format!("sensor.driven_{sensor:02}"), &state, &attributes)?;
        }
        home.set_state(
            "sensor.text",
            ["idle", "12:30", "0x10"][round % 3],
            &json!({}),
        )?;
    }
    home.set_state("sensor.passing", "1", &json!({}))?;
    home.remove_state("sensor.passing")
}

/// Every entity of either side is, value for value, what the other says.
fn mirrors(home: &HomeAssistant, weirhouse: &Program) -> Result<()> {
    let started = Instant::now();
    let mut different: BTreeSet<String> = home
        .states()?
        .into_iter()
        .map(|state| state.entity_id)
        .collect();
    assert!(different.len() > SENSORS, "{different:?}");
    different.insert("sensor.passing".to_owned());
    while !different.is_empty() {
        // A value may change between the two questions; one that is equal once is mirrored.
        let mut still = BTreeSet::new();
        for entity_id in different {
            let theirs = home.state(&entity_id)?;
            let answer = weirhouse.get(&format!("/v1/states/{entity_id}"))?;
            let ours: Option<Value> = (answer.status == 200)
                .then(|| serde_json::from_slice(&answer.body))
                .transpose()?;
            let equal = match (&theirs, &ours) {
                (Some(theirs), Some(ours)) => {
                    ours["state"] == theirs.state
                        && ours["attributes"] == theirs.attributes
                        && ours["last_changed"] == theirs.last_changed
                        && ours["last_updated"] == theirs.last_updated
                        && ours["stale"] == false
                }
                (None, None) => true,
                _ => false,
            };
            if !equal {
                still.insert(entity_id);
            }
        }
        if started.elapsed() > PATIENCE {
            bail!("these differ from Home Assistant: {still:?}");
        }
        different = still;
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// The preset for temperatures: what was published is within half a degree of
/// what is, some changes were held back, and some were not.
fn judged_within_half_a_degree(weirhouse: &Program) -> Result<()> {
    let mut suppressed = 0;
    for sensor in (0..SENSORS).filter(|&sensor| sensor != 7) {
        let view = weirhouse.json(&format!("/v1/states/sensor.driven_{sensor:02}"))?;
        let number =
            |value: &Value| -> Result<f64> { Ok(value.as_str().context("no text")?.parse()?) };
        let (now, published) = (
            number(&view["state"])?,
            number(&view["published"]["state"])?,
        );
        assert!((now - published).abs() < 0.5, "{view}");
        suppressed += view["suppressed"].as_u64().context("no count")?;
    }
    assert!(
        suppressed >= (SENSORS * ROUNDS / 2) as u64,
        "only {suppressed} were held back"
    );
    let stats = weirhouse.json("/v1/stats")?;
    let observed = stats["updates"]["observed"].as_u64().context("no count")?;
    assert!(observed >= (SENSORS * ROUNDS) as u64, "{stats}");
    assert_eq!(stats["optimizer"]["traps"], 0);
    Ok(())
}

fn refuses_a_wrong_token(home: &HomeAssistant, folder: &std::path::Path) -> Result<()> {
    let token = folder.join("wrong-token");
    fs::write(&token, "not-the-token")?;
    let token = token.display().to_string();
    let data = folder.join("other");
    let arguments = ["--ha-url", home.url(), "--ha-token-file", &token];
    let output = run_service("serve", &data, free_address()?, &arguments)?;
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(text.contains("token"), "{text}");
    assert!(!text.contains("not-the-token"), "a token is never shown");
    Ok(())
}
