//! Files that break, come back and go, under plugins at work.

use std::fs::{self, File};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::json;
use weirhouse::plugins::{PluginState, Quarantine, RegisterLock};
use weirhouse_tests::plugin;

use crate::home::{Home, updates};

#[test]
fn a_plugin_goes_on_when_its_file_breaks_whatever_that_is_called() -> Result<()> {
    let Some(file) = plugin::find_or_skip("kalman-power")? else {
        return Ok(());
    };
    let home = Home::open()?;
    let place = home.folder.path().join("Meter in the cellar (2).wasm");
    fs::copy(&file, &place)?;
    let granted = ["settings", "entities"].map(str::to_owned);
    home.plugins.change(|register| {
        register
            .entry("kalman-power")
            .granted
            .extend(granted.clone());
    })?;
    let before = home.wait_for("kalman-power", |it| it.version == "0.1.0")?;
    fs::write(&place, "no component")?;
    home.plugins.reconcile()?;
    let after = home.status("kalman-power")?;
    assert_eq!(
        (after.state, after.sha256),
        (PluginState::Working, before.sha256)
    );
    let message = after.message.unwrap_or_default();
    assert!(
        message.contains("version 0.1.0 goes on") && message.contains("Meter in the cellar (2)"),
        "{message}"
    );
    Ok(())
}

#[test]
fn a_plugin_that_is_removed_and_put_back_begins_afresh() -> Result<()> {
    let Some(file) = plugin::find_or_skip("kalman-power")? else {
        return Ok(());
    };
    let home = Home::open()?;
    let grants = ["settings", "entities"];
    home.install("kalman-power", &file, &grants)?;
    home.plugins.reconcile()?;
    let power = json!({"device_class": "power"});
    for state in ["60", "61", "60", "61"] {
        home.change("sensor.meter", state, &power)?;
    }
    home.wait_for("kalman-power", |it| it.asked == 3)?;
    // All before the instance looks again.
    fs::remove_file(home.folder.place("kalman-power"))?;
    RegisterLock::take(&home.folder)?.change(|it| it.remove("kalman-power"))?;
    home.install("kalman-power", &file, &[])?;
    home.plugins.reconcile()?;
    assert_eq!(home.status("kalman-power")?.state, PluginState::NeedsGrants);
    let learned = home.folder.path().join("state/kalman-power.learned");
    assert!(!learned.exists(), "it was to be forgotten");
    home.install("kalman-power", &file, &grants)?;
    home.plugins.reconcile()?;
    home.change("sensor.meter", "62", &power)?;
    home.wait_for("kalman-power", |it| it.asked == 1)?;
    fs::remove_file(home.folder.place("kalman-power"))?;
    RegisterLock::take(&home.folder)?.change(|it| it.remove("kalman-power"))?;
    home.install("kalman-power", &file, &grants)?;
    home.plugins.reconcile()?;
    assert!(!learned.exists(), "it was to be forgotten");
    assert_eq!(home.status("kalman-power")?.asked, 0);
    home.change("sensor.meter", "60", &power)?;
    home.wait_for("kalman-power", |it| it.asked == 1)?;
    home.plugins.reconcile()?;
    assert_eq!(home.status("kalman-power")?.asked, 1, "and it goes on");
    Ok(())
}

#[test]
fn a_file_of_the_same_time_and_length_is_read_again() -> Result<()> {
    let home = Home::open()?;
    let place = home.folder.place("restored");
    fs::write(&place, "one")?;
    let modified = fs::metadata(&place)?.modified()?;
    let looked = || -> Result<String> {
        home.plugins.reconcile()?;
        Ok(home.status("restored")?.sha256)
    };
    let first = looked()?;
    // As an archive puts it there.
    let beside = home.folder.path().join("new");
    fs::write(&beside, "two")?;
    File::options()
        .write(true)
        .open(&beside)?
        .set_modified(modified)?;
    fs::rename(&beside, &place)?;
    let second = looked()?;
    assert_ne!(first, second);
    sleep(Duration::from_millis(20));
    fs::write(&place, "six")?;
    File::options()
        .write(true)
        .open(&place)?
        .set_modified(modified)?;
    assert_ne!(looked()?, second);
    Ok(())
}

#[test]
fn what_is_said_of_a_plugin_counts_while_its_file_is_broken() -> Result<()> {
    let Some(file) = plugin::find_or_skip("pinned-0.1.0")? else {
        return Ok(());
    };
    let home = Home::open()?;
    home.install("pinned", &file, &["settings"])?;
    home.plugins.reconcile()?;
    let good = home.wait_for("pinned", |it| it.version == "0.1.0")?;
    let place = home.folder.place("pinned");
    fs::write(&place, "no component")?;
    home.plugins.reconcile()?;
    let state = || -> Result<PluginState> {
        home.plugins.reconcile()?;
        let status = home.status("pinned")?;
        let message = status.message.unwrap_or_default();
        assert!(
            message.contains("pinned.wasm: it is no WebAssembly"),
            "{message}"
        );
        assert_eq!(status.sha256, good.sha256);
        Ok(status.state)
    };
    assert_eq!(state()?, PluginState::Working);

    // What it decides shows which setting it has.
    let mut notices = home.hub.subscribe();
    let mut shown = |reading: &str| -> Result<usize> {
        let asked = home.status("pinned")?.asked;
        home.change("sensor.pinned_a", reading, &json!({}))?;
        home.wait_for("pinned", |it| it.asked > asked)?;
        Ok(updates(&home.hub, &mut notices).len())
    };
    home.change("sensor.pinned_a", "10", &json!({}))?;
    home.wait_for_readings(1)?;
    shown("30")?;
    assert_eq!(shown("31")?, 0, "it did not move by 5");
    home.plugins.change(|register| {
        let settings = &mut register.entry("pinned").settings;
        settings.insert("move".to_owned(), "0.5".to_owned());
    })?;
    assert_eq!(shown("32")?, 1, "it moved by 0.5");

    home.plugins
        .change(|register| register.entry("pinned").enabled = false)?;
    assert_eq!(state()?, PluginState::Disabled);
    home.plugins
        .change(|register| register.entry("pinned").enabled = true)?;
    assert_eq!(state()?, PluginState::Working);
    home.plugins
        .change(|register| register.entry("pinned").granted.clear())?;
    assert_eq!(state()?, PluginState::NeedsGrants);
    home.plugins.change(|register| {
        let entry = register.entry("pinned");
        entry.granted.push("settings".to_owned());
        entry.quarantine = Some(Quarantine {
            fault: "made up".to_owned(),
            since: "2026-11-01T12:00:00+00:00".to_owned(),
            sha256: good.sha256.clone(),
        });
    })?;
    assert_eq!(state()?, PluginState::Quarantined);
    home.plugins
        .change(|register| register.entry("pinned").quarantine = None)?;
    assert_eq!(state()?, PluginState::Working);

    // Nothing is said of a file that is whole again.
    fs::copy(&file, &place)?;
    home.plugins.reconcile()?;
    let status = home.wait_for("pinned", |it| it.message.is_none())?;
    assert_eq!(
        (status.state, status.sha256),
        (PluginState::Working, good.sha256.clone())
    );
    // One that was taken out does not come back with whatever takes its place.
    fs::remove_file(&place)?;
    home.plugins.reconcile()?;
    home.status("pinned").err().context("it is still there")?;
    fs::write(&place, "no component")?;
    home.plugins.reconcile()?;
    assert_eq!(home.status("pinned")?.state, PluginState::Refused);
    Ok(())
}
