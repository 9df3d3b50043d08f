//! Entities that Home Assistant fetches only when asked: what each refresh
//! found is learned, so that the one that moves is worth more than the other.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use weirhouse_tests::home_assistant::{ConfigFolderOptions, HomeAssistant};
use weirhouse_tests::program::{PATIENCE, Program};

/// Templates that depend on nothing: they are worked out again only when asked.
const FETCHED: &str = "template:\n  - sensor:\n\
    \x20     - {name: moving, state: '{{ range(90000) | random }}'}\n\
    \x20     - {name: still, state: '7'}\n";

const CONFIG: &str = r#"
[[budget]]
name = "cloud"
per_minute = 100
per_day = 1000000

[[refresh]]
entity = "sensor.moving"
budget = "cloud"
shortest = "15s"
longest = "16s"

[[refresh]]
entity = "sensor.still"
budget = "cloud"
shortest = "15s"
longest = "16s"
"#;

#[test]
fn what_refreshes_find_is_learned() -> Result<()> {
    let options = ConfigFolderOptions {
        demo: false,
        noisy_sensors: 0,
        input_numbers: 0,
        extra_yaml: FETCHED.to_owned(),
        ..ConfigFolderOptions::default()
    };
    let Some(home) = HomeAssistant::start_or_skip(&options)? else {
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    fs::create_dir(&data)?;
    fs::write(data.join("weirhouse.toml"), CONFIG)?;
    let token_file = home.token_file().display().to_string();
    let arguments = ["--ha-url", home.url(), "--ha-token-file", &token_file];
    let weirhouse = Program::start("serve", &data, &arguments)?;
    weirhouse.wait_for_stats("the first snapshot", |stats| {
        stats["home"]["connected"] == true && stats["home"]["stale"] == false
    })?;
    // Home Assistant takes a moment to start.
    let value = |entity: &str| -> Result<String> {
        let started = Instant::now();
        loop {
            match home.state(entity)? {
                Some(state) if state.state != "unknown" => return Ok(state.state),
                _ if started.elapsed() > PATIENCE => bail!("{entity} has no value"),
                _ => std::thread::sleep(Duration::from_millis(100)),
            }
        }
    };
    let before = (value("sensor.moving")?, value("sensor.still")?);
    let stats = weirhouse.wait_for_stats("two rounds", |stats| {
        stats["schedule"]["refreshes"].as_u64() >= Some(4)
    })?;
    assert_eq!(stats["schedule"]["failures"], 0);
    assert_ne!(value("sensor.moving")?, before.0, "it was fetched");
    assert_eq!(value("sensor.still")?, before.1);

    // What the last round found comes a moment later.
    let started = Instant::now();
    loop {
        let listed = weirhouse.json("/v1/refreshes")?;
        let rate = |at: usize| listed["refreshes"][at]["changes_per_day"].as_f64();
        if rate(0) > rate(1) && rate(1).is_some() {
            assert_eq!(listed["refreshes"][0]["pace"], "planned");
            assert_eq!(listed["budgets"]["cloud"]["members"], 2);
            let today = listed["budgets"]["cloud"]["today"].as_u64();
            assert!(today >= Some(4), "{listed}");
            break;
        }
        if started.elapsed() > PATIENCE {
            bail!("nothing was learned: {listed}");
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(weirhouse.stop()?, 0);
    Ok(())
}
