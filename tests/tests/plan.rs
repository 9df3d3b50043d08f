//! `weirhouse plan`: a day of refreshes, simulated before it is switched on.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::Output;

use anyhow::{Context as _, Result};
use serde_json::Value;
use tempfile::TempDir;
use weirhouse_tests::program::run;

const CONFIG: &str = r#"
[[budget]]
name = "cloud"
per_day = 60

[[refresh]]
entity = "sensor.meter"
every = "60s"

[[refresh]]
entity = "sensor.sky"
class = "weather"

[[refresh]]
entity = "sensor.washer"
budget = "cloud"

[[refresh]]
entity = "sensor.car"
budget = "cloud"

[[refresh]]
entity = "sensor.tank"
budget = "cloud"
"#;

/// Changes a day of each entity.
const CHANGES: [(&str, u64); 4] = [
    ("sensor.meter", 1_440),
    ("sensor.sky", 24),
    ("sensor.washer", 96),
    ("sensor.car", 2),
];

/// A folder with a trace of two days.
fn recorded() -> Result<(TempDir, String)> {
    let folder = tempfile::tempdir()?;
    let mut entries = Vec::new();
    for (entity, a_day) in CHANGES {
        for number in 0..=2 * a_day {
            entries.push((number * 86_400_000 / a_day, entity, number));
        }
    }
    entries.sort_unstable();
    let mut trace =
        String::from("{\"weirhouse_trace\":1,\"started\":\"2026-11-20T18:00:00+00:00\"}\n");
    for (at_ms, entity, state) in entries {
        writeln!(trace, r#"{{"t":{at_ms},"e":"{entity}","s":"{state}"}}"#)?;
    }
    let path = folder.path().join("day.trace");
    fs::write(&path, trace)?;
    Ok((folder, path.display().to_string()))
}

fn plan(trace: &str, config: &str, more: &[&str]) -> Result<Output> {
    let folder = tempfile::tempdir()?;
    let path: PathBuf = folder.path().join("trial.toml");
    fs::write(&path, config)?;
    let path = path.display().to_string();
    run(&[&["plan", trace, "--config", &path][..], more].concat())
}

#[test]
fn a_budget_is_spent_where_something_changes() -> Result<()> {
    let (_folder, trace) = recorded()?;
    let output = plan(&trace, CONFIG, &["--json"])?;
    assert!(output.status.success(), "{output:?}");
    let plan: Value = serde_json::from_slice(&output.stdout)?;
    let entity = |name: &str| {
        let entities = plan["entities"].as_array().into_iter().flatten();
        entities.into_iter().find(|it| it["entity"] == name)
    };
    let refreshes = |name: &str| entity(name).and_then(|it| it["refreshes"].as_u64());
    assert_eq!(refreshes("sensor.meter"), Some(1_440));
    assert_eq!(refreshes("sensor.sky"), Some(96), "every 15 minutes");
    for (name, a_day) in CHANGES {
        let entity = entity(name).context(name)?;
        let rate = entity["changes_per_day"].as_f64().context(name)?;
        // The last change of all falls on the end of the trace.
        assert!((rate - a_day as f64).abs() <= 1.0, "{name}: {rate}");
        let fresh = entity["fresh"].as_f64().context(name)?;
        assert!(fresh > 0.0 && fresh < 1.0, "{name}: {fresh}");
    }

    let cloud = &plan["budgets"]["cloud"];
    let hours = cloud["by_hour"].as_array().context("by hour")?;
    let spent: u64 = hours.iter().filter_map(Value::as_u64).sum();
    assert_eq!(
        (hours.len(), cloud["refreshes"].as_u64()),
        (24, Some(spent))
    );
    let (washer, car) = (refreshes("sensor.washer"), refreshes("sensor.car"));
    assert_eq!(washer.zip(car).map(|(one, other)| one + other), Some(spent));
    assert!(washer > car && spent <= 60, "{washer:?} {car:?}");
    let stale = |name: &str| cloud[name].as_f64().context("staleness");
    assert!(stale("stale_s")? < stale("evenly_stale_s")?, "{cloud}");
    assert_eq!(plan["unknown"], serde_json::json!(["sensor.tank"]));
    Ok(())
}

#[test]
fn the_table_tells_all_of_it() -> Result<()> {
    let (_folder, trace) = recorded()?;
    let output = plan(&trace, CONFIG, &[])?;
    assert!(output.status.success(), "{output:?}");
    let told = String::from_utf8(output.stdout)?;
    let lines: Vec<&str> = told.lines().collect();
    let meter = lines.iter().find(|it| it.starts_with("sensor.meter"));
    let meter: Vec<&str> = meter.context(told.clone())?.split_whitespace().collect();
    assert_eq!(meter[1..4], ["-", "1440", "1440"]);
    for words in [
        "budget cloud: ",
        " if they were spread evenly; by hour, UTC: ",
        "in 2.0 d of trace",
        "not in the trace: sensor.tank",
    ] {
        assert!(told.contains(words), "no {words:?} in {told}");
    }
    // The same every time.
    assert_eq!(plan(&trace, CONFIG, &[])?.stdout, told.into_bytes());
    Ok(())
}

#[test]
fn what_cannot_be_simulated_is_refused() -> Result<()> {
    let (folder, trace) = recorded()?;
    let other = "[[refresh]]\nentity = \"sensor.other\"\nevery = \"60s\"\n";
    let endless = CONFIG.replace("per_day = 60", "per_minute = 100");
    let missing = folder.path().join("none").display().to_string();
    for (trace, config, words) in [
        (&trace, "", "nothing is refreshed"),
        (&trace, other, "sensor.other"),
        (&trace, "per_day = 1", "trial.toml:1"),
        (&trace, &endless, "100000 calls a day"),
        (&missing, CONFIG, "cannot open the trace"),
    ] {
        let output = plan(trace, config, &[])?;
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(told.contains(words), "no {words:?} in {told}");
        assert!(output.stdout.is_empty());
    }
    Ok(())
}

#[test]
fn a_budget_of_nothing_is_said_to_be_that() -> Result<()> {
    let (_folder, trace) = recorded()?;
    let config = CONFIG.to_owned() + "\n[[budget]]\nname = \"spare\"\nper_minute = 1\n";
    let output = plan(&trace, &config, &[])?;
    let told = String::from_utf8(output.stdout)?;
    assert!(
        told.contains("\nbudget spare: for nothing in the trace\n"),
        "{told}"
    );
    Ok(())
}
