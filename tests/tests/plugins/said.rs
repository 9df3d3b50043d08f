//! What the user says of plugins, by commands and in the configuration.

use anyhow::Result;
use weirhouse::plugins::{Entry, Installed, PluginState, Quarantine};
use weirhouse_tests::plugin;

use crate::home::Home;

#[test]
fn nothing_starts_before_what_it_needs_is_granted() -> Result<()> {
    let Some(file) = plugin::find_or_skip("kalman-power")? else {
        return Ok(());
    };
    let home = Home::open()?;
    home.install("kalman-power", &file, &["settings"])?;
    home.plugins.reconcile()?;
    let waiting = home.status("kalman-power")?;
    assert_eq!(waiting.state, PluginState::NeedsGrants);
    let message = waiting.message.unwrap_or_default();
    assert!(
        message.ends_with("weirhouse plugin grant kalman-power entities"),
        "{message}"
    );
    home.plugins.change(|register| {
        register
            .entry("kalman-power")
            .granted
            .push("entities".to_owned());
    })?;
    home.wait_for("kalman-power", |it| it.state == PluginState::Working)?;
    home.plugins
        .change(|register| register.entry("kalman-power").enabled = false)?;
    assert_eq!(home.status("kalman-power")?.state, PluginState::Disabled);
    Ok(())
}

#[test]
fn what_is_wrong_with_configured_settings_is_told() -> Result<()> {
    let Some(kalman) = plugin::find_or_skip("kalman-power")? else {
        return Ok(());
    };
    let home = Home::open()?;
    home.install("kalman-power", &kalman, &[])?;
    let message = |settings: &[(&str, &str)]| -> Result<Option<String>> {
        let mut entry = Entry::new("kalman-power");
        entry.granted = ["settings", "entities"].map(str::to_owned).to_vec();
        let settings = settings.iter().map(|(name, value)| [name, value]);
        entry.settings = settings
            .map(|[name, value]| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        home.plugins.configure(&[entry]);
        home.plugins.reconcile()?;
        Ok(home.status("kalman-power")?.message)
    };
    let wrong = message(&[("wander", "much"), ("wonder", "1")])?.unwrap_or_default();
    for expected in [
        "`wander` is a number, and `much` is none",
        "it has no setting `wonder`",
    ] {
        assert!(wrong.contains(expected), "{wrong}");
    }
    assert_eq!(message(&[("wander", "2")])?, None);
    Ok(())
}

#[test]
fn switching_a_plugin_off_ends_its_quarantine() -> Result<()> {
    let Some(kalman) = plugin::find_or_skip("kalman-power")? else {
        return Ok(());
    };
    let home = Home::open()?;
    home.install("kalman-power", &kalman, &["settings", "entities"])?;
    let installed = Installed::at(&home.folder.place("kalman-power"))?;
    home.plugins.change(|register| {
        register.entry("kalman-power").quarantine = Some(Quarantine {
            fault: "made up".to_owned(),
            since: "2026-11-01T12:00:00+00:00".to_owned(),
            sha256: installed.sha256.clone(),
        });
    })?;
    let state = || -> Result<PluginState> {
        home.plugins.reconcile()?;
        Ok(home.status("kalman-power")?.state)
    };
    assert_eq!(state()?, PluginState::Quarantined);
    let switch = |on| {
        home.plugins
            .change(|register| register.entry("kalman-power").enabled = on)
    };
    switch(false)?;
    assert_eq!(state()?, PluginState::Disabled);
    switch(true)?;
    assert_eq!(state()?, PluginState::Working);
    Ok(())
}
