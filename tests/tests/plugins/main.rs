//! Plugins at work for a real optimizer: what they decide, and what happens to
//! those that fail.

mod files;
mod home;
mod hostile;
mod said;

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use weirhouse::hub::{PutOptions, Refresh, Settings, Update};
use weirhouse::plugins::PluginState;
use weirhouse_runner::wit::selection::Conditions;
use weirhouse_runner::wit::updates::Rule;
use weirhouse_tests::plugin;

use home::{Home, PATIENCE, updates};

#[test]
fn a_plugin_decides_for_what_it_claims_and_nothing_else() -> Result<()> {
    let Some(file) = plugin::find_or_skip("kalman-power")? else {
        return Ok(());
    };
    let home = Home::open()?;
    home.install("kalman-power", &file, &["settings", "entities"])?;
    home.plugins.reconcile()?;
    let mut notices = home.hub.subscribe();
    let power = json!({"device_class": "power"});
    home.change("sensor.meter", "60.0", &power)?;
    home.change("sensor.other", "60.0", &json!({}))?;
    assert_eq!(updates(&home.hub, &mut notices).len(), 2);
    for state in ["60.5", "59.8", "61.0"] {
        home.change("sensor.meter", state, &power)?;
        home.change("sensor.other", state, &json!({}))?;
    }
    // Attributes were read, too: device class.
    home.wait_for("kalman-power", |it| it.asked == 3)?;
    let noise = updates(&home.hub, &mut notices);
    let of = |updates: &[Update], id: &str| -> Vec<Option<String>> {
        let of = updates.iter().filter(|it| it.entity_id == id);
        of.map(|it| it.state.clone()).collect()
    };
    assert_eq!(of(&noise, "sensor.meter"), [], "it is noise");
    assert_eq!(of(&noise, "sensor.other"), [Some("61.0".to_owned())]);

    home.change("sensor.meter", "2060.0", &power)?;
    home.wait_for("kalman-power", |it| it.asked == 4)?;
    let switched = updates(&home.hub, &mut notices);
    assert_eq!(of(&switched, "sensor.meter"), [Some("2060.0".to_owned())]);
    assert_eq!(switched[0].reason, "advised");

    let activity = home.hub.activity(10)?;
    let meter = activity
        .entities
        .iter()
        .find(|it| it.entity_id == "sensor.meter");
    let meter = meter.context("the meter reported")?;
    assert_eq!(meter.plugin.as_deref(), Some("kalman-power"));
    assert_eq!(meter.advice.as_deref(), Some("switched"));
    let status = home.status("kalman-power")?;
    assert_eq!((status.entities, status.advised), (1, 4));
    assert_eq!(status.state, PluginState::Working);
    assert!(status.memory_bytes > 0 && status.calls > 0 && status.faults.is_empty());
    Ok(())
}

#[test]
fn the_first_of_two_that_claim_an_entity_decides() -> Result<()> {
    let (Some(kalman), Some(greedy)) = (
        plugin::find_or_skip("kalman-power")?,
        plugin::find_or_skip("hostile-greedy")?,
    ) else {
        return Ok(());
    };
    let home = Home::open()?;
    home.install("kalman-power", &kalman, &["settings", "entities"])?;
    home.install("hostile-greedy", &greedy, &["log", "store", "entities"])?;
    home.plugins.reconcile()?;
    let power = json!({"device_class": "power"});
    for state in ["60", "61", "60", "61"] {
        home.change("sensor.meter", state, &power)?;
    }
    home.wait_for("kalman-power", |it| it.asked == 3)?;
    assert_eq!(home.status("hostile-greedy")?.asked, 0);
    assert_eq!(home.status("hostile-greedy")?.yielded, 1);
    home.plugins
        .change(|register| register.put_first("hostile-greedy"))?;
    home.change("sensor.meter", "62", &power)?;
    home.wait_for("hostile-greedy", |it| it.asked == 1)?;
    let greedy = home.status("hostile-greedy")?;
    assert_eq!((greedy.entities, greedy.faults), (1, Vec::new()));
    Ok(())
}

#[test]
fn a_promise_of_the_users_rule_is_kept_against_the_plugin() -> Result<()> {
    let Some(file) = plugin::find_or_skip("kalman-power")? else {
        return Ok(());
    };
    let rule = Rule {
        absolute: Some(3.0),
        ..Rule::default()
    };
    let home = Home::with(Settings {
        presets: false,
        rules: vec![weirhouse::hub::RuleFor {
            conditions: Conditions {
                entities: vec!["sensor.meter".to_owned()],
                ..Conditions::default()
            },
            rule,
        }],
        ..Settings::default()
    })?;
    home.install("kalman-power", &file, &["settings", "entities"])?;
    home.plugins.reconcile()?;
    let mut notices = home.hub.subscribe();
    let power = json!({"device_class": "power"});
    let mut shown = f64::NAN;
    for step in 0..40_u32 {
        let reading = 500.0 + f64::from(step * 7 % 11) - 5.0;
        home.change("sensor.meter", &format!("{reading:.1}"), &power)?;
        home.wait_for_readings(u64::from(step) + 1)?;
        for update in updates(&home.hub, &mut notices) {
            shown = update.state.unwrap_or_default().parse()?;
        }
        assert!(
            (shown - reading).abs() <= 3.0,
            "{reading} is shown as {shown}"
        );
    }
    Ok(())
}

#[test]
fn a_new_file_takes_over_what_was_learned_and_a_broken_one_does_not() -> Result<()> {
    let (Some(file), Some(other)) = (
        plugin::find_or_skip("kalman-power")?,
        plugin::find_or_skip("pinned-0.1.0")?,
    ) else {
        return Ok(());
    };
    let home = Home::open()?;
    home.install("kalman-power", &file, &["settings", "entities"])?;
    home.plugins.reconcile()?;
    let power = json!({"device_class": "power"});
    for state in ["60", "61", "60", "61"] {
        home.change("sensor.meter", state, &power)?;
    }
    let before = home.wait_for("kalman-power", |it| it.asked == 3)?;
    let place = home.folder.place("kalman-power");
    fs::write(&place, &fs::read(&file)?[..5000])?;
    home.plugins.reconcile()?;
    let broken = home.status("kalman-power")?;
    assert_eq!(
        (broken.state, &broken.sha256),
        (PluginState::Working, &before.sha256)
    );
    let message = broken.message.unwrap_or_default();
    assert!(message.contains("version 0.1.0 goes on"), "{message}");
    home.change("sensor.meter", "62", &power)?;
    home.wait_for("kalman-power", |it| it.asked == 4)?;

    // The same again counts as mended; another name as another plugin.
    fs::copy(&file, &place)?;
    home.plugins.reconcile()?;
    let again = home.wait_for("kalman-power", |it| it.state == PluginState::Working)?;
    assert_eq!(again.sha256, before.sha256);
    fs::copy(&other, home.folder.path().join("pinned.wasm"))?;
    home.plugins.reconcile()?;
    home.plugins.change(|register| {
        register.entry("pinned").granted.push("settings".to_owned());
    })?;
    // Built for the first interface there was, and at work.
    home.change("sensor.pinned_a", "10", &json!({}))?;
    home.change("sensor.pinned_a", "11", &json!({}))?;
    let pinned = home.wait_for("pinned", |it| it.asked == 1)?;
    assert_eq!((pinned.advised, pinned.faults), (1, Vec::new()));

    home.plugins.stop();
    let learned = fs::read(home.folder.path().join("state/kalman-power.learned"))?;
    let learned = String::from_utf8(learned)?;
    assert!(learned.contains("sensor.meter "), "{learned}");
    Ok(())
}

#[test]
fn what_a_plugin_stores_is_written_soon_and_not_at_once() -> Result<()> {
    let Some(greedy) = plugin::find_or_skip("hostile-greedy")? else {
        return Ok(());
    };
    let home = Home::open()?;
    home.install("hostile-greedy", &greedy, &["log", "store", "entities"])?;
    home.plugins.reconcile()?;
    let stored = home.folder.path().join("state/hostile-greedy.stored");
    home.change("sensor.a", "1", &json!({}))?;
    let began = Instant::now();
    for reading in 2..20 {
        home.change("sensor.a", &reading.to_string(), &json!({}))?;
        home.wait_for("hostile-greedy", |it| it.asked + 1 == reading)?;
        let early = began.elapsed() < Duration::from_secs(1);
        assert!(!early || !stored.exists(), "after {:?}", began.elapsed());
        sleep(Duration::from_millis(20));
    }
    while !stored.exists() {
        ensure!(began.elapsed() < PATIENCE, "it is not written");
        sleep(Duration::from_millis(10));
    }
    assert!(
        began.elapsed() >= Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );

    // What was stored last is written at the end.
    home.plugins
        .change(|register| register.entry("hostile-greedy").switch(false))?;
    fs::remove_file(&stored)?;
    home.plugins
        .change(|register| register.entry("hostile-greedy").switch(true))?;
    home.change("sensor.a", "0", &json!({}))?;
    home.wait_for("hostile-greedy", |it| it.asked == 1)?;
    home.plugins.stop();
    assert!(stored.exists());
    Ok(())
}

#[test]
fn readings_become_what_a_plugin_makes_of_them() -> Result<()> {
    let Some(file) = plugin::find_or_skip("derive")? else {
        return Ok(());
    };
    let home = Home::open()?;
    home.install("derive", &file, &[])?;
    home.plugins.reconcile()?;
    let mut notices = home.hub.subscribe();
    for (asked, (state, shown, load)) in [
        ("800", "0.8", Some("\"low\"")),
        ("1500", "1.5", Some("\"high\"")),
        ("2500", "2.5", None),
    ]
    .into_iter()
    .enumerate()
    {
        home.change("sensor.derive_a", state, &json!({"unit": "W"}))?;
        home.wait_for("derive", |it| it.asked == asked as u64 + 1)?;
        let told = updates(&home.hub, &mut notices);
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0].state.as_deref(), Some(shown));
        let attribute = told[0].attributes.get("load").map(|json| json.get());
        assert_eq!(attribute, load, "only when it changes");
    }
    // What was not made of anything stays as it came.
    home.change("sensor.derive_a", "unavailable", &json!({"unit": "W"}))?;
    home.wait_for("derive", |it| it.asked == 4)?;
    let told = updates(&home.hub, &mut notices);
    assert_eq!(told[0].state.as_deref(), Some("unavailable"));
    // Taken off, it leaves nothing behind.
    fs::remove_file(home.folder.place("derive"))?;
    home.plugins.reconcile()?;
    home.change("sensor.derive_a", "900", &json!({"unit": "W"}))?;
    let told = updates(&home.hub, &mut notices);
    assert_eq!(told[0].state.as_deref(), Some("900"));
    Ok(())
}

#[test]
fn an_entity_is_refreshed_when_a_plugin_says() -> Result<()> {
    let Some(derive) = plugin::find_or_skip("derive")? else {
        return Ok(());
    };
    let often = Duration::from_secs(25);
    let home = Home::with(Settings {
        refresh: vec![("sensor.derive_a".to_owned(), Refresh::Every(often))],
        ..Settings::default()
    })?;
    home.install("derive", &derive, &[])?;
    home.plugins.reconcile()?;
    home.change("sensor.derive_a", "800", &json!({}))?;
    home.wait_for("derive", |it| it.asked == 1)?;
    // As the loop of the service does.
    let began = Instant::now();
    let refreshed = loop {
        ensure!(began.elapsed() < PATIENCE, "nothing was refreshed");
        let now = Instant::now();
        if !home.hub.tick().refresh.is_empty() {
            break now;
        }
        sleep(home.hub.deadline().unwrap_or_default().min(often));
    };
    home.wait_for("derive", |it| it.asked == 2)?;
    // It wants half of it, and gets the least there may be. What else waits is
    // due within seconds.
    loop {
        home.hub.tick();
        let next = home.hub.deadline().unwrap_or_default();
        let after = refreshed.elapsed() + next;
        if next > Duration::from_secs(5) && after + Duration::from_secs(2) < often {
            break;
        }
        ensure!(
            refreshed.elapsed() < Duration::from_secs(9),
            "the next is due after {after:?}"
        );
        sleep(Duration::from_millis(2));
    }
    assert_eq!(home.status("derive")?.faults, Vec::new());
    Ok(())
}

#[test]
fn entries_live_as_long_as_a_plugin_says() -> Result<()> {
    let Some(file) = plugin::find_or_skip("night-ttl")? else {
        return Ok(());
    };
    let home = Home::open()?;
    home.install("night-ttl", &file, &["settings"])?;
    home.plugins.reconcile()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    let mut options = PutOptions::default();
    runtime.block_on(home.hub.ask_for_life("weather", "today", 100, &mut options));
    let asked = home.status("night-ttl")?;
    assert_eq!((asked.asked, asked.faults), (1, Vec::new()));
    assert!(options.memory_life.is_some(), "it decides on weather/*");
    let mut options = PutOptions::default();
    runtime.block_on(home.hub.ask_for_life("images", "today", 100, &mut options));
    assert_eq!(options.memory_life, None, "and on nothing else");
    Ok(())
}
