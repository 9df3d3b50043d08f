//! A hub with the real optimizer and no link.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use weirhouse_hass::{Change, Event, Registry, State};
use weirhouse_runner::operations::Removals as _;
use weirhouse_runner::wit::selection::Conditions;
use weirhouse_runner::wit::updates::{Publishing, Rule};
use weirhouse_runner::{Component, Engine};

use super::context::{Lines, Wanted};
use super::operations::SAMPLES;
use super::{Hub, Notice, PutOptions, Refresh, RuleFor, Settings};
use crate::plugins::Waiting;
use crate::store::{Blobs, L2Store, MemoryStore, Record, Stamp};

/// A hub on this store, with its files in `folder`.
pub(crate) fn open(folder: &Path, store: Arc<dyn L2Store>, settings: Settings) -> Hub {
    Hub::open(optimizer(), store, Blobs::new(folder), settings).unwrap()
}

/// The real one.
pub(crate) fn optimizer() -> Component {
    let core = std::env::var_os("WEIRHOUSE_CORE_CWASM").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/weirhouse/core.cwasm"),
        PathBuf::from,
    );
    let engine = Engine::new().unwrap();
    Component::load(&engine, &core)
        .unwrap_or_else(|error| panic!("{error}; `cargo xtask test` does all this"))
}

fn open_in_memory(settings: Settings) -> (Hub, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let hub = open(folder.path(), Arc::new(MemoryStore::new()), settings);
    (hub, folder)
}

fn state(text: &str) -> State {
    serde_json::from_str(&format!(r#"{{"s":"{text}","a":{{}},"c":"c","lc":1.5}}"#)).unwrap()
}

fn added(text: &str) -> Change {
    Change::Added {
        entity_id: "sensor.a".into(),
        state: state(text),
    }
}

fn removed() -> Change {
    Change::Removed {
        entity_id: "sensor.a".into(),
    }
}

/// A record no version of the optimizer stamped so.
fn stamped_for_ever() -> Record {
    Record {
        value: b"old".to_vec(),
        content_type: String::new(),
        tags: Vec::new(),
        stamp: Stamp {
            put_at_us: 0,
            life_us: u64::MAX,
            memory_life_us: 1,
            while_revalidate_us: 0,
            if_error_us: 0,
        },
    }
}

/// Lets the open window close.
fn send_batch(hub: &Hub) {
    std::thread::sleep(Duration::from_millis(150));
    hub.tick();
}

#[test]
fn an_entity_that_comes_back_is_refreshed_again() {
    let (hub, _folder) = open_in_memory(Settings {
        refresh: vec![("sensor.a".into(), Refresh::Every(Duration::from_mins(1)))],
        ..Settings::default()
    });
    for changes in [vec![added("1")], vec![removed()], vec![added("2")]] {
        hub.handle(Event::Changes(changes));
        send_batch(&hub);
    }
    let next = hub.deadline().expect("a refresh is due some time");
    assert!(next > Duration::from_secs(50), "{next:?}");
}

#[test]
fn an_entity_that_changed_and_went_in_one_frame_is_gone() {
    let (hub, _folder) = open_in_memory(Settings::default());
    hub.handle(Event::Changes(vec![added("1")]));
    send_batch(&hub);
    let mut notices = hub.subscribe();
    hub.handle(Event::Changes(vec![added("2"), removed()]));
    send_batch(&hub);
    let mut states = Vec::new();
    while let Ok(notice) = notices.try_recv() {
        if let Notice::Update(update) = &*notice {
            states.push(update.state.clone());
        }
    }
    assert_eq!(states, [None]);
}

#[test]
fn a_centred_rule_sends_the_number_it_chose() {
    let (hub, _folder) = open_in_memory(Settings {
        default_rule: Rule {
            absolute: Some(1.0),
            publishing: Publishing::Centred,
            ..Rule::default()
        },
        presets: false,
        ..Settings::default()
    });
    let mut notices = hub.subscribe();
    let reading = |step: u32| 20.0 + f64::from(step) * 0.8;
    // A rise, until it is met ahead.
    for (steps, expected) in [(0..12, "29.8"), (12..15, "32.2")] {
        let last = reading(steps.end - 1);
        let changes = steps.map(|step| added(&format!("{:.2}", reading(step))));
        hub.handle(Event::Changes(changes.collect()));
        send_batch(&hub);
        let mut state = None;
        while let Ok(notice) = notices.try_recv() {
            if let Notice::Update(update) = &*notice {
                state.clone_from(&update.state);
            }
        }
        let state = state.unwrap();
        assert_eq!(state, expected);
        let distance = (state.parse::<f64>().unwrap() - last).abs();
        assert!(distance < 1.000_001, "{state} for {last}");
    }
}

#[test]
fn durations_do_not_pile_up_while_nothing_else_happens() {
    let (hub, _folder) = open_in_memory(Settings::default());
    for _ in 0..3 * SAMPLES {
        hub.cache_get("ns", "key").unwrap();
    }
    assert!(hub.lock().operations.len() <= SAMPLES);
    let stats = hub.stats().unwrap();
    assert_eq!(stats.operations["cache_get"].count, 3 * SAMPLES as u64);
}

#[test]
fn a_record_the_optimizer_refuses_is_a_miss_and_leaves() {
    let store = Arc::new(MemoryStore::new());
    store.put("ns", "key", stamped_for_ever()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let hub = open(folder.path(), store.clone(), Settings::default());
    assert_eq!(hub.cache_get("ns", "key").unwrap(), None);
    assert_eq!(store.get("ns", "key").unwrap(), None);
    assert_eq!(hub.cache_get("ns", "key").unwrap(), None);
}

#[test]
fn a_record_the_optimizer_refuses_does_not_keep_others_cold() {
    let store = Arc::new(MemoryStore::new());
    let folder = tempfile::tempdir().unwrap();
    let hub = open(folder.path(), store.clone(), Settings::default());
    for key in ["refused", "kept"] {
        hub.cache_put("ns", key, b"value".to_vec(), PutOptions::default())
            .unwrap();
        hub.cache_get("ns", key).unwrap();
    }
    // Warmed up first, being used less.
    hub.cache_get("ns", "kept").unwrap();
    hub.stop().unwrap();
    store.put("ns", "refused", stamped_for_ever()).unwrap();
    let hub = open(folder.path(), store, Settings::default());
    let hit = hub.cache_get("ns", "kept").unwrap().unwrap();
    assert_eq!(hit.level, "l1");
}

#[test]
fn a_removal_is_acknowledged_once_the_store_has_made_it_durable() {
    let (hub, _folder) = open_in_memory(Settings::default());
    let put = |key: &str| {
        hub.cache_put("ns", key, b"value".to_vec(), PutOptions::default())
            .unwrap()
    };
    put("kept");
    put("gone");
    assert!(hub.cache_delete("ns", "gone").unwrap().existed);
    assert!(!hub.cache_delete("ns", "gone").unwrap().existed);
    let pending = || hub.lock().core.removal_totals().unwrap().pending;
    assert_eq!(pending(), 1);
    hub.tidy().unwrap();
    assert_eq!(pending(), 0);
    assert_eq!(hub.cache_get("ns", "gone").unwrap(), None);
    assert!(hub.cache_get("ns", "kept").unwrap().is_some());
}

#[test]
fn a_removal_the_store_never_made_durable_is_performed_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(MemoryStore::new());
    let hub = open(folder.path(), store.clone(), Settings::default());
    hub.cache_put("ns", "gone", b"old".to_vec(), PutOptions::default())
        .unwrap();
    let record = store.get("ns", "gone").unwrap().unwrap();
    hub.cache_delete("ns", "gone").unwrap();
    hub.save().unwrap();
    drop(hub);
    // What a crash would have left on disk.
    store.put("ns", "gone", record).unwrap();
    let hub = open(folder.path(), store.clone(), Settings::default());
    assert_eq!(store.get("ns", "gone").unwrap(), None);
    assert_eq!(hub.cache_get("ns", "gone").unwrap(), None);
}

#[test]
fn a_changed_registry_drops_what_was_cached_of_it() {
    let (hub, _folder) = open_in_memory(Settings::default());
    for namespace in ["areas", "devices", "services"] {
        hub.cache_put(namespace, "key", b"old".to_vec(), PutOptions::default())
            .unwrap();
    }
    hub.handle(Event::Registry(Registry::Areas(Vec::new())));
    hub.handle(Event::Registry(Registry::Floors(Vec::new())));
    let cached = |namespace| hub.cache_get(namespace, "key").unwrap().is_some();
    assert_eq!(
        ["areas", "devices", "services"].map(cached),
        [false, true, true]
    );
}

/// A sensor of this class with a number.
fn sensor(entity: &str, class: &str, number: &str) -> Change {
    let json = format!(r#"{{"s":"{number}","a":{{"device_class":"{class}"}},"c":"c","lc":1.5}}"#);
    Change::Added {
        entity_id: entity.into(),
        state: serde_json::from_str(&json).unwrap(),
    }
}

/// What was published of an entity last.
fn published(hub: &Hub, entity: &str) -> String {
    let engine = hub.lock();
    let published = &engine.entities.get(entity).unwrap().published;
    published.as_ref().unwrap().state.clone()
}

#[test]
fn the_first_rule_that_is_for_a_series_counts_until_others_are_set() {
    let rule = |absolute| Rule {
        absolute: Some(absolute),
        ..Rule::default()
    };
    let settings = |rules| Settings {
        rules,
        presets: false,
        ..Settings::default()
    };
    let (hub, _folder) = open_in_memory(settings(vec![
        RuleFor {
            conditions: Conditions {
                entities: vec!["sensor.power_*".into(), "*.never".into()],
                ..Conditions::default()
            },
            rule: rule(5.0),
        },
        RuleFor {
            conditions: Conditions {
                domains: vec!["sensor".into()],
                device_classes: vec!["temperature".into()],
                ..Conditions::default()
            },
            rule: rule(2.0),
        },
    ]));
    let entities = [
        ("sensor.power_a", "temperature"),
        ("sensor.room", "temperature"),
        ("sensor.other", "humidity"),
        ("number.room", "temperature"),
    ];
    let read = |number: &str| {
        // The attribute stays, so it is an addition each time.
        let changes = entities.map(|(entity, class)| sensor(entity, class, number));
        hub.handle(Event::Changes(changes.into()));
    };
    let now = || entities.map(|(entity, _)| published(&hub, entity));
    read("10");
    read("11");
    assert_eq!(now(), ["10", "10", "11", "11"]);
    read("12.5");
    assert_eq!(now(), ["10", "12.5", "12.5", "12.5"]);

    // What is refused changes nothing.
    let broken = RuleFor {
        conditions: Conditions {
            entities: vec!["[".into()],
            ..Conditions::default()
        },
        rule: rule(1.0),
    };
    assert!(hub.set_settings(settings(vec![broken])).is_err());
    read("13");
    assert_eq!(now(), ["10", "12.5", "13", "13"]);

    hub.set_settings(settings(Vec::new())).unwrap();
    read("13.1");
    assert_eq!(now(), ["13.1"; 4]);
}

#[test]
fn refreshes_come_and_go_with_the_settings() {
    let settings = |refresh: &[&str]| Settings {
        refresh: refresh
            .iter()
            .map(|entity| ((*entity).to_owned(), Refresh::Every(Duration::from_mins(1))))
            .collect(),
        ..Settings::default()
    };
    let (hub, _folder) = open_in_memory(settings(&["sensor.a"]));
    assert!(hub.deadline().is_some());
    hub.set_settings(settings(&["sensor.b"])).unwrap();
    assert!(hub.deadline().is_some());
    hub.set_settings(settings(&[])).unwrap();
    assert_eq!(hub.deadline(), None);
    let short = Settings {
        refresh: vec![("sensor.a".into(), Refresh::Every(Duration::from_secs(1)))],
        ..Settings::default()
    };
    assert!(hub.set_settings(short).is_err());
    assert_eq!(hub.deadline(), None);
}

#[test]
fn an_interval_that_a_plugin_wants_is_kept_to_what_home_assistant_takes() {
    let (hub, _folder) = open_in_memory(Settings {
        refresh: vec![("sensor.a".into(), Refresh::Every(Duration::from_mins(1)))],
        ..Settings::default()
    });
    hub.handle(Event::Changes(vec![added("1")]));
    let interval = || {
        let refreshed = hub.look_refreshed(&["sensor.a".into(), "sensor.none".into()]);
        assert_eq!(refreshed.len(), 1, "of the other nothing is known");
        refreshed[0].1
    };
    assert_eq!(interval(), 60_000);
    hub.take_intervals(&[("sensor.a".into(), 30_000), ("sensor.none".into(), 30_000)]);
    assert_eq!(interval(), 30_000);
    hub.take_intervals(&[("sensor.a".into(), 1)]);
    assert_eq!(interval(), 15_000);
}

#[test]
fn lines_whose_tokens_are_not_known_are_told_from_those_that_do_not_fit() {
    let (hub, _folder) = open_in_memory(Settings::default());
    hub.handle(Event::Changes(vec![added("1")]));
    let lines = Lines {
        entities: vec!["sensor.a"],
        digests: vec![7],
        sections: vec![0],
        areas: vec![0],
        importance: vec![0.5],
        ..Lines::default()
    };
    let wanted = |most| Wanted {
        most,
        sections: vec![(most, 0)],
        ..Wanted::default()
    };
    assert_eq!(hub.offer_lines(&lines).unwrap(), [true]);
    let lost = hub.choose_lines(&lines, &[], &wanted(10)).unwrap();
    assert_eq!((lost.lines.len(), lost.omitted, lost.uncounted), (0, 0, 1));
    let long = hub.choose_lines(&lines, &[(0, 11)], &wanted(10)).unwrap();
    assert_eq!((long.lines.len(), long.omitted, long.uncounted), (0, 1, 0));
    let fits = hub.choose_lines(&lines, &[], &wanted(11)).unwrap();
    assert_eq!((fits.lines, fits.omitted, fits.uncounted), (vec![0], 0, 0));
}

#[test]
fn readings_are_counted_since_what_was_published_by_time() {
    let (hub, _folder) = open_in_memory(Settings {
        default_rule: Rule {
            absolute: Some(10.0),
            settle: Some(200_000),
            ..Rule::default()
        },
        presets: false,
        ..Settings::default()
    });
    let seen = || {
        let waiting = Waiting {
            entity_id: "sensor.a".into(),
            text: "4".to_owned(),
            at_ms: 0,
        };
        let seen = hub.look(&[waiting]).remove(0);
        (seen.published.unwrap().0, seen.readings)
    };
    for text in ["1", "2", "3"] {
        hub.handle(Event::Changes(vec![added(text)]));
    }
    assert_eq!(seen(), ("1".to_owned(), 3));
    std::thread::sleep(Duration::from_millis(250));
    hub.tick();
    assert_eq!(seen(), ("3".to_owned(), 1), "it has settled");
}
