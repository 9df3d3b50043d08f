//! Refreshes with the real optimizer.

use std::cmp::Ordering;
use std::sync::Arc;
use std::time::Duration;

use weirhouse_hass::{Change, CommandError, CommandOutcome, DisconnectReason, Event, State};
use weirhouse_runner::operations::{Entities as _, Schedule as _};
use weirhouse_runner::wit::schedule::{Bounds, Budget};

use crate::hub::{Hub, Refresh, RefreshPace, Settings, tests};
use crate::store::MemoryStore;

const BOUNDS: Bounds = Bounds {
    shortest: 15_000_000,
    longest: 86_400_000_000,
};

fn open(settings: Settings) -> (Hub, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let hub = tests::open(folder.path(), Arc::new(MemoryStore::new()), settings);
    (hub, folder)
}

fn read(hub: &Hub, entity: &str, text: &str) {
    let json = format!(r#"{{"s":"{text}","a":{{}},"c":"c","lc":1.5}}"#);
    let state: State = serde_json::from_str(&json).unwrap();
    let entity_id = entity.into();
    hub.handle(Event::Changes(vec![Change::Added { entity_id, state }]));
}

fn ended(hub: &Hub, call: u64, result: Result<CommandOutcome, CommandError>) {
    hub.handle(Event::CommandResult {
        correlation: call,
        result,
    });
}

fn changes_per_day(hub: &Hub, entity: &str) -> Option<f64> {
    let mut engine = hub.lock();
    let handle = engine.entities.state_handle(entity)?;
    engine.core.changes_per_day(handle).unwrap()
}

fn interval(hub: &Hub, entity: &str) -> Duration {
    let mut engine = hub.lock();
    let handle = engine.entities.state_handle(entity).unwrap();
    let interval = engine.core.interval_of(handle).unwrap().unwrap();
    Duration::from_micros(interval.unsigned_abs())
}

/// What the optimizer makes of a call after which this happened.
fn learned(after: impl FnOnce(&Hub, u64)) -> Ordering {
    let refresh = vec![("sensor.a".to_owned(), Refresh::Measured(BOUNDS))];
    let (hub, _folder) = open(Settings {
        refresh,
        ..Settings::default()
    });
    for text in ["1", "2", "3"] {
        std::thread::sleep(Duration::from_millis(20));
        read(&hub, "sensor.a", text);
    }
    let call = hub.refreshes_asked(&["sensor.a".to_owned()]);
    let before = changes_per_day(&hub, "sensor.a").unwrap();
    after(&hub, call);
    assert!(before > 0.0, "it has changed twice since the first report");
    changes_per_day(&hub, "sensor.a")
        .unwrap()
        .total_cmp(&before)
}

#[test]
fn a_call_that_finds_nothing_new_slows_down_and_one_that_fails_says_nothing() {
    let nothing_new = |hub: &Hub, call: u64| {
        std::thread::sleep(Duration::from_millis(200));
        ended(hub, call, Ok(CommandOutcome::default()));
        ended(hub, call, Ok(CommandOutcome::default()));
    };
    assert_eq!(learned(nothing_new), Ordering::Less);
    let failed = learned(|hub, call| ended(hub, call, Err(CommandError::NotConnected)));
    assert_eq!(failed, Ordering::Equal);
    let never_sent = learned(|hub, call| {
        hub.refreshes_not_asked(call);
        ended(hub, call, Ok(CommandOutcome::default()));
    });
    assert_eq!(never_sent, Ordering::Equal);
    // What it found was told when it came.
    let found = learned(|hub, call| {
        read(hub, "sensor.a", "4");
        let told = changes_per_day(hub, "sensor.a");
        ended(hub, call, Ok(CommandOutcome::default()));
        assert_eq!(changes_per_day(hub, "sensor.a"), told);
    });
    assert_eq!(found, Ordering::Greater);
}

#[test]
fn what_was_due_while_nobody_could_be_asked_is_asked_for_once() {
    let (hub, _folder) = open(Settings {
        refresh: vec![("sensor.a".into(), Refresh::Every(Duration::from_hours(1)))],
        ..Settings::default()
    });
    let now = hub.clock.now();
    {
        let core = &mut hub.lock().core;
        core.set_shortest_interval(1).unwrap();
        let handle = core.all_handles().unwrap()[0];
        core.register(now, handle, 20_000).unwrap();
    }
    let pass = || {
        std::thread::sleep(Duration::from_millis(50));
        hub.tick().refresh
    };
    assert!(
        pass().is_empty() && pass().is_empty(),
        "there is no connection"
    );
    let due = hub.handle(Event::Connected { ha_version: None }).refresh;
    assert_eq!(due, ["sensor.a"]);
    assert_eq!(pass(), ["sensor.a"], "from here on it goes on");
    hub.handle(Event::Disconnected {
        reason: DisconnectReason::Refused {
            address: "home:8123".into(),
        },
        retry_in: Duration::from_secs(1),
    });
    assert!(pass().is_empty());
    assert_eq!(hub.stats().unwrap().schedule.refreshes, 2);
}

#[test]
fn what_changes_often_is_asked_often() {
    let refresh = vec![("sensor.a".to_owned(), Refresh::Measured(BOUNDS))];
    let (hub, _folder) = open(Settings {
        refresh,
        ..Settings::default()
    });
    read(&hub, "sensor.a", "0");
    assert!(interval(&hub, "sensor.a") > Duration::from_mins(10));
    for value in 1..30 {
        read(&hub, "sensor.a", &value.to_string());
    }
    assert_eq!(interval(&hub, "sensor.a"), Duration::from_secs(15));
}

#[test]
fn budgets_come_and_go_with_the_settings_and_stay_spent() {
    let budget = |per_day| Budget {
        per_minute: None,
        per_day: Some(per_day),
        reserve: 0.0,
        reset_minute: 0,
        night: None,
    };
    let settings = |budgets: &[(&str, u32)], refresh: &[(&str, &str)]| Settings {
        budgets: budgets
            .iter()
            .map(|(name, per_day)| ((*name).to_owned(), budget(*per_day)))
            .collect(),
        refresh: refresh
            .iter()
            .map(|(entity, budget)| {
                let planned = Refresh::Planned {
                    budget: (*budget).to_owned(),
                    bounds: BOUNDS,
                    weight: 1.0,
                };
                ((*entity).to_owned(), planned)
            })
            .collect(),
        ..Settings::default()
    };
    let members = |hub: &Hub| {
        let budgets = hub.stats().unwrap().schedule.budgets;
        let members = budgets.into_iter().map(|(name, it)| (name, it.members));
        members.collect::<Vec<_>>()
    };
    let (hub, _folder) = open(settings(
        &[("cloud", 10)],
        &[("sensor.a", "cloud"), ("sensor.b", "cloud")],
    ));
    assert_eq!(members(&hub), [("cloud".to_owned(), 2)]);
    let left = || hub.stats().unwrap().schedule.budgets["cloud"].left_today;
    assert_eq!(left(), Some(10));
    let handle = hub.lock().entities.state_handle("sensor.a").unwrap();
    let now = hub.clock.now();
    let asked = hub.lock().core.ask(now, handle, true).unwrap();
    assert_eq!((asked, left()), (None, Some(9)));

    // A plugin does not spend what is not its own.
    let before = interval(&hub, "sensor.a");
    hub.take_intervals(&[("sensor.a".into(), 15_000)]);
    assert_eq!(interval(&hub, "sensor.a"), before);

    hub.set_settings(settings(
        &[("cloud", 20), ("other", 5)],
        &[("sensor.a", "cloud"), ("sensor.b", "other")],
    ))
    .unwrap();
    let one_each = [("cloud".to_owned(), 1), ("other".to_owned(), 1)];
    assert_eq!((members(&hub), left()), (one_each.to_vec(), Some(19)));
    // The plan is made when time passes.
    hub.tick();
    let listed = hub.refreshes().unwrap();
    let told = listed.refreshes.iter();
    let told: Vec<_> = told
        .map(|it| (it.entity_id.as_str(), it.budget.as_deref(), it.pace))
        .collect();
    let planned = RefreshPace::Planned;
    let expected = [
        ("sensor.a", Some("cloud"), planned),
        ("sensor.b", Some("other"), planned),
    ];
    assert_eq!(told, expected);
    let interval = listed.refreshes[1].interval_s.unwrap();
    assert!(interval > 60.0, "{interval}: five calls are for the day");
    assert_eq!(listed.budgets["other"].left_today, Some(5));
    let refused = settings(&[("cloud", 20)], &[("sensor.a", "nowhere")]);
    assert!(hub.set_settings(refused).is_err());
    assert_eq!((members(&hub), left()), (one_each.to_vec(), Some(19)));

    hub.set_settings(settings(&[], &[])).unwrap();
    assert_eq!(members(&hub), []);
    assert_eq!(hub.deadline(), None);
    hub.set_settings(settings(&[("cloud", 10)], &[("sensor.a", "cloud")]))
        .unwrap();
    assert_eq!(left(), Some(9), "closing it gives nothing back");
}
