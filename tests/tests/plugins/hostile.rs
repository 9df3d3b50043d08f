//! Plugins that do all they can to others.

use std::collections::HashMap;
use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::json;
use weirhouse::hub::Notice;
use weirhouse::plugins::PluginState;
use weirhouse_tests::plugin;

use crate::home::{Home, updates};

/// Every one that fails, and by what.
const HOSTILE: [(&str, &str); 10] = [
    ("loop", "deadline"),
    ("memory", "panic"),
    ("recursion", "trap"),
    ("trap", "panic"),
    ("huge-strings", "trap"),
    ("nan", "nonsense"),
    ("outside", "nonsense"),
    ("miscount", "miscounted"),
    ("columns", "miscounted"),
    ("state-bomb", ""),
];

/// Those that are of no use from the beginning, and what is said of them.
const REFUSED: [(&str, &str); 5] = [
    ("slow-start", "deadline"),
    ("wrong-world", "it is no plugin"),
    ("wrong-version", "0.9.0, and this program runs 0.1.1"),
    ("huge-description", ""),
    (
        "many-claims",
        "it claims by 10000 globs and device classes, and there may be 256",
    ),
];

#[test]
fn under_all_that_plugins_can_do_the_home_loses_nothing() -> Result<()> {
    let home = Home::open()?;
    for (name, _) in HOSTILE.iter().chain(&REFUSED) {
        let Some(file) = plugin::find_or_skip(&format!("hostile-{name}"))? else {
            return Ok(());
        };
        home.install(&format!("hostile-{name}"), &file, &["log"])?;
    }
    let Some(flood) = plugin::find_or_skip("hostile-log-flood")? else {
        return Ok(());
    };
    home.install("hostile-log-flood", &flood, &["log"])?;
    fs::write(
        home.folder.path().join("truncated.wasm"),
        &fs::read(&flood)?[..4000],
    )?;

    let alone = stream(&home, false)?;
    home.plugins.reconcile()?;
    for (name, expected) in REFUSED {
        let status = home.status(&format!("hostile-{name}"))?;
        let message = status.message.unwrap_or_default();
        assert_eq!(status.state, PluginState::Refused, "{name}: {message}");
        assert!(message.contains(expected), "{name}: {message}");
    }
    let truncated = home.status("truncated")?;
    assert_eq!(truncated.state, PluginState::Refused, "{truncated:?}");
    let beset = stream(&home, true)?;
    println!(
        "500 changes/s to built-in entities: p99 {alone:?} alone, {beset:?} under hostile plugins"
    );

    for (name, cause) in HOSTILE.iter().filter(|(_, cause)| !cause.is_empty()) {
        let name = format!("hostile-{name}");
        let status = home.wait_for(&name, |it| it.state == PluginState::Quarantined)?;
        let causes: Vec<&str> = status.faults.iter().map(|it| it.cause).collect();
        assert!(causes.contains(cause), "{name}: {:?}", status.faults);
    }
    // It may say what it likes, as long as nobody has to listen.
    assert_eq!(
        home.status("hostile-log-flood")?.state,
        PluginState::Working
    );
    let health = home.hub.health();
    let plugins = health
        .components
        .iter()
        .find(|it| it.component == "plugins");
    let message = plugins.map(|it| it.message.clone()).unwrap_or_default();
    assert!(
        health.ok && message.contains("hostile-loop is quarantined"),
        "{message}"
    );

    // The quarantine outlives the run, and ends when the user says so.
    home.plugins.reconcile()?;
    assert_eq!(home.status("hostile-trap")?.state, PluginState::Quarantined);
    home.plugins
        .change(|register| register.entry("hostile-trap").quarantine = None)?;
    home.wait_for("hostile-trap", |it| it.state != PluginState::Quarantined)?;
    home.plugins.stop();
    Ok(())
}

/// Four seconds of 500 changes a second to entities of the built-in policy, and,
/// with `hostile`, as many again to those that hostile plugins claim. All must
/// be judged. Gives the 99th percentile of what a change took.
fn stream(home: &Home, hostile: bool) -> Result<Duration> {
    const CHANGES: u64 = 2000;
    let observed = home.hub.stats()?.updates.observed;
    let mut notices = home.hub.subscribe();
    let mut shown = HashMap::new();
    let mut took = Vec::new();
    let mut told = 0;
    let began = Instant::now();
    for number in 0..CHANGES {
        let due = began + Duration::from_millis(2) * u32::try_from(number)?;
        sleep(due.saturating_duration_since(Instant::now()));
        let state = (number + if hostile { CHANGES } else { 0 }).to_string();
        let at = Instant::now();
        home.change(&format!("sensor.calm_{}", number % 50), &state, &json!({}))?;
        took.push(at.elapsed());
        told += 1;
        if hostile {
            let (name, _) = HOSTILE[usize::try_from(number)? % HOSTILE.len()];
            let entity = format!("sensor.hostile_{}_{}", name.replace('-', "_"), number % 5);
            home.change(&entity, &state, &json!({}))?;
            told += 1;
        }
        while let Ok(notice) = notices.try_recv() {
            if let Notice::Update(update) = &*notice {
                shown.insert(update.entity_id.clone(), update.state.clone());
            }
        }
    }
    home.wait_for_readings(observed + told)?;
    assert_eq!(
        home.hub.stats()?.updates.observed,
        observed + told,
        "each exactly once"
    );
    // A batch has room for 50, and the rest waits for the next.
    for _ in 0..4 {
        for update in updates(&home.hub, &mut notices) {
            shown.insert(update.entity_id, update.state);
        }
    }
    for entity in 0..50 {
        let newest = CHANGES - 50 + entity + if hostile { CHANGES } else { 0 };
        let shown = shown.get(&format!("sensor.calm_{entity}"));
        assert_eq!(
            shown,
            Some(&Some(newest.to_string())),
            "the newest of {entity}"
        );
    }
    took.sort_unstable();
    Ok(took[took.len() * 99 / 100])
}
