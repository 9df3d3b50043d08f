//! What the hub makes of the home's events, with the real optimizer.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;
use weirhouse::hub::{Hub, Notice, Settings, Update};
use weirhouse::store::{Blobs, MemoryStore};
use weirhouse_hass::{Event, State};
use weirhouse_runner::wit::updates::Rule;
use weirhouse_runner::{Component, Engine};
use weirhouse_tests::component;
use weirhouse_tests::reading::entity;

fn hub(folder: &std::path::Path) -> Result<Hub> {
    hub_with(folder, Settings::default())
}

fn hub_with(folder: &std::path::Path, settings: Settings) -> Result<Hub> {
    let core = Component::load(&Engine::new()?, &component::path()?)?;
    let store = Arc::new(MemoryStore::new());
    Ok(Hub::open(core, store, Blobs::new(folder), settings)?)
}

/// A snapshot of one entity, written at `seconds` by the home's clock.
fn snapshot(state: &str, attributes: &Value, seconds: f64) -> Result<Event> {
    let state: State =
        serde_json::from_value(json!({"s": state, "a": attributes, "c": "x", "lc": seconds}))?;
    Ok(Event::Snapshot(vec![("sensor.a".to_owned(), state)]))
}

/// The updates of the window that is open.
fn published(hub: &Hub, notices: &mut Receiver<Arc<Notice>>) -> Vec<Update> {
    std::thread::sleep(Duration::from_millis(150));
    hub.tick();
    std::iter::from_fn(|| notices.try_recv().ok())
        .filter_map(|notice| match &*notice {
            Notice::Update(update) => Some(update.clone()),
            Notice::Refresh(_) => None,
        })
        .collect()
}

#[test]
fn a_clock_set_back_at_home_makes_no_reading_late() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let hub = hub(folder.path())?;
    let mut notices = hub.subscribe();
    hub.handle(snapshot("1", &json!({}), 2_000_000_000.0)?);
    published(&hub, &mut notices);
    hub.handle(snapshot("2", &json!({}), 1_700_000_000.0)?);
    let updates = published(&hub, &mut notices);
    assert_eq!(updates.len(), 1);
    assert_eq!(updates[0].state.as_deref(), Some("2"));
    assert_eq!(hub.stats()?.updates.late, 0);
    Ok(())
}

#[test]
fn the_first_update_carries_all_attributes_and_later_ones_what_changed() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let hub = hub(folder.path())?;
    let mut notices = hub.subscribe();
    hub.handle(snapshot(
        "on",
        &json!({"brightness": 1.50, "note": "é"}),
        1.0,
    )?);
    let first = published(&hub, &mut notices);
    assert_eq!(first[0].reason, "first");
    let texts: Vec<_> = first[0]
        .attributes
        .iter()
        .map(|(name, json)| (&**name, json.get()))
        .collect();
    assert_eq!(texts, [("brightness", "1.5"), ("note", "\"é\"")]);

    hub.handle(snapshot("on", &json!({"brightness": 2, "note": "é"}), 2.0)?);
    let later = published(&hub, &mut notices);
    assert_eq!(later.len(), 1);
    assert_eq!(
        later[0].state.as_deref(),
        Some("on"),
        "the state goes along"
    );
    let names: Vec<_> = later[0].attributes.keys().map(|name| &**name).collect();
    assert_eq!(names, ["brightness"]);

    hub.handle(Event::Snapshot(Vec::new()));
    let gone = published(&hub, &mut notices);
    assert_eq!(
        (gone.len(), gone[0].state.as_deref(), gone[0].reason),
        (1, None, "removed")
    );
    Ok(())
}

#[test]
fn the_last_value_of_a_total_leaves_before_its_reset() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let settings = Settings {
        default_rule: Rule {
            absolute: Some(10.0),
            total: true,
            ..Rule::default()
        },
        ..Settings::default()
    };
    let hub = hub_with(folder.path(), settings)?;
    let mut notices = hub.subscribe();
    hub.handle(snapshot("90", &json!({"today": 5}), 1.0)?);
    published(&hub, &mut notices);
    // An attribute becomes a series when it first changes.
    hub.handle(snapshot("90", &json!({"today": 6}), 2.0)?);
    published(&hub, &mut notices);
    hub.handle(snapshot("95", &json!({"today": 9}), 3.0)?);
    assert_eq!(published(&hub, &mut notices).len(), 0);

    hub.handle(snapshot("1", &json!({"today": 0}), 4.0)?);
    let mut said = Vec::new();
    for update in published(&hub, &mut notices) {
        let today = update.attributes.get("today").map(|it| it.get().to_owned());
        said.push((update.reason, update.state.unwrap_or_default(), today));
    }
    let said: Vec<_> = said
        .iter()
        .map(|(reason, state, today)| (*reason, &**state, today.as_deref()))
        .collect();
    assert_eq!(
        said,
        [
            ("final", "95", None),
            ("final", "1", Some("9")),
            ("reset", "1", Some("0")),
        ]
    );
    Ok(())
}

#[test]
fn an_attribute_nested_however_deeply_is_served() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let hub = hub(folder.path())?;
    let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    let text = format!(r#"{{"s":"1","a":{{"deep":{deep}}},"c":"x","lc":1.0}}"#);
    let states = vec![("sensor.a".to_owned(), serde_json::from_str::<State>(&text)?)];
    hub.handle(Event::Snapshot(states));
    let view = entity(&hub, "sensor.a")?;
    assert!(
        view.contains(&deep) && view.contains("\"stale\":false"),
        "{} bytes",
        view.len()
    );
    Ok(())
}
