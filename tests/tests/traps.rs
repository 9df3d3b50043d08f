//! Traps of a real instance: it is replaced, and at most one reading is lost.
//!
//! The component here is the core built to commit faults on demand.

use std::sync::Arc;

use anyhow::Result;
use serde_json::{Value, json};
use weirhouse::hub::{Hub, Notice, Report, Settings, Verdict};
use weirhouse::store::{Blobs, MemoryStore};
use weirhouse_hass::{Event, State};
use weirhouse_runner::operations::{Entities as _, Updates as _};
use weirhouse_runner::wit::entities::Series;
use weirhouse_runner::wit::types::Instant;
use weirhouse_runner::{Component, Engine, Fault, TrapCause};
use weirhouse_tests::component;
use weirhouse_tests::reading::entity;

const REPEAT: u8 = 0x00;
const FIRST: u8 = 0x80;
const CHANGED: u8 = 0x81;

fn at(ms: u64) -> Instant {
    Instant {
        mono: ms * 1_000,
        wall: 0,
    }
}

fn faulty() -> Result<Component> {
    Ok(Component::load(
        &Engine::new()?,
        &component::faulty_path()?,
    )?)
}

#[test]
fn every_kind_of_fault_costs_the_instance_and_nothing_else() -> Result<()> {
    let mut core = faulty()?;
    let series = Series {
        entity: "sensor.a".into(),
        attribute: None,
    };
    let handles = core.intern(std::slice::from_ref(&series))?;
    assert_eq!(
        core.observe_texts(at(0), &handles, "20", &[2], &[])?,
        [FIRST]
    );
    core.checkpoint(at(0))?;
    assert_eq!(
        core.observe_texts(at(1), &handles, "21", &[2], &[])?,
        [CHANGED]
    );

    let faults = [
        ("fault:panic", TrapCause::Panic),
        ("fault:memory", TrapCause::Panic),
        ("fault:loop", TrapCause::Deadline),
    ];
    for (generation, (text, expected)) in (1..).zip(faults) {
        let outcome = core.observe_texts(at(2), &handles, text, &[text.len() as u32], &[]);
        match outcome {
            Err(Fault::Trapped {
                cause, restored, ..
            }) => assert_eq!((cause, restored), (expected, true)),
            other => panic!("{text}: {other:?}"),
        }
        assert_eq!(core.generation(), generation);
        // The checkpoint is back: the number and the baseline of before.
        assert_eq!(core.names(&handles)?, std::slice::from_ref(&series));
        assert_eq!(
            core.observe_texts(at(3), &handles, "20", &[2], &[])?,
            [REPEAT]
        );
    }
    let deep = core.observe_texts(at(4), &handles, "fault:recursion", &[15], &[]);
    assert!(matches!(deep, Err(Fault::Trapped { .. })), "{deep:?}");
    assert_eq!(
        core.observe_texts(at(5), &handles, "20", &[2], &[])?,
        [REPEAT]
    );
    Ok(())
}

#[test]
fn a_trap_before_any_checkpoint_starts_afresh() -> Result<()> {
    let mut core = faulty()?;
    let series = [Series {
        entity: "sensor.a".into(),
        attribute: None,
    }];
    let handles = core.intern(&series)?;
    let outcome = core.observe_texts(at(0), &handles, "fault:panic", &[11], &[]);
    assert!(
        matches!(
            outcome,
            Err(Fault::Trapped {
                restored: false,
                ..
            })
        ),
        "{outcome:?}"
    );
    assert!(core.all_handles()?.is_empty());
    assert_eq!(core.intern(&series)?, [0]);
    Ok(())
}

fn state(text: &str) -> Result<State> {
    Ok(serde_json::from_value(
        json!({"s": text, "a": {}, "c": "x", "lc": 1.0}),
    )?)
}

#[test]
fn a_trap_loses_neither_presets_nor_updates_that_waited() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let hub = Hub::open(
        faulty()?,
        Arc::new(MemoryStore::new()),
        Blobs::new(folder.path()),
        Settings::default(),
    )?;
    let mut updates = hub.subscribe();
    let home = |temperature: &str, other: &str| -> Result<Event> {
        let temperature = serde_json::from_value(json!({
            "s": temperature, "a": {"device_class": "temperature"}, "c": "x", "lc": 1.0
        }))?;
        Ok(Event::Snapshot(
            [
                ("sensor.porch".to_owned(), temperature),
                ("sensor.other".to_owned(), state(other)?),
            ]
            .into_iter()
            .collect(),
        ))
    };
    hub.handle(home("20.0", "1")?);
    // The first updates wait for their window now, and the checkpoint already
    // counts them as published.
    hub.checkpoint();
    hub.handle(home("20.0", "fault:panic")?);
    assert!(hub.stats()?.optimizer.traps > 0);

    std::thread::sleep(std::time::Duration::from_millis(150));
    hub.tick();
    let mut published = Vec::new();
    while let Ok(update) = updates.try_recv() {
        published.push(update.entity_id().to_owned());
    }
    published.sort();
    assert_eq!(published, ["sensor.other", "sensor.porch"]);

    hub.handle(home("20.2", "2")?);
    let porch: Value = serde_json::from_str(&entity(&hub, "sensor.porch")?)?;
    assert_eq!(
        porch["published"]["state"], "20.0",
        "0.2 degrees are within the preset"
    );
    Ok(())
}

#[test]
fn what_programs_report_survives_a_trap_but_for_the_reading_that_caused_it() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let hub = Hub::open(
        faulty()?,
        Arc::new(MemoryStore::new()),
        Blobs::new(folder.path()),
        Settings::default(),
    )?;
    let report = |readings: &[(&str, &str)]| {
        let reports = readings.iter().map(|(entity, state)| Report {
            entity_id: (*entity).to_owned(),
            state: (*state).to_owned(),
            attributes: serde_json::from_str(r#"{"device_class": "temperature"}"#).ok(),
            time: None,
        });
        let judgements = hub.report(reports.collect()).into_iter();
        let told = judgements.map(|it| (it.verdict, it.reason.unwrap_or_default()));
        told.collect::<Vec<_>>()
    };
    let published = (Verdict::Published, "first");
    assert_eq!(
        report(&[("sensor.a", "20"), ("sensor.b", "20")]),
        [published; 2]
    );
    hub.checkpoint();
    let judged = report(&[
        ("sensor.a", "20.1"),
        ("sensor.b", "fault:panic"),
        ("sensor.c", "1"),
    ]);
    assert_eq!(
        judged[..2],
        [
            (Verdict::Suppressed, "within"),
            (Verdict::Refused, "set-aside")
        ]
    );
    let published = hub.reported().into_iter().map(|it| it.published);
    let published: Vec<_> = published.flatten().map(|it| it.state).collect();
    assert_eq!(published, ["20", "20", "1"]);
    assert!(hub.stats()?.optimizer.traps > 0);
    // Of the instance that came after it nothing is new.
    assert_eq!(
        report(&[("sensor.a", "20.2"), ("sensor.b", "20.1")]),
        [(Verdict::Suppressed, "within"); 2]
    );
    Ok(())
}

#[test]
fn the_hub_sets_one_reading_aside_and_judges_all_others() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let hub = Hub::open(
        faulty()?,
        Arc::new(MemoryStore::new()),
        Blobs::new(folder.path()),
        Settings::default(),
    )?;
    let mut updates = hub.subscribe();
    let snapshot = |poison: &str, others: &str| -> Result<Event> {
        let states = (0..50).map(|number| {
            let text = if number == 20 { poison } else { others };
            Ok((format!("sensor.s{number:02}"), state(text)?))
        });
        Ok(Event::Snapshot(states.collect::<Result<_>>()?))
    };
    hub.handle(Event::Connected { ha_version: None });
    hub.handle(snapshot("fault:panic", "1")?);
    let stats = hub.stats()?;
    assert_eq!(stats.optimizer.set_aside, 1);
    assert!(stats.optimizer.traps > 0);

    std::thread::sleep(std::time::Duration::from_millis(150));
    hub.tick();
    let mut published = Vec::new();
    while let Ok(update) = updates.try_recv() {
        published.push(update.entity_id().to_owned());
    }
    published.sort();
    published.dedup();
    assert_eq!(published.len(), 49, "all but the poisoned one");
    assert!(!published.contains(&"sensor.s20".to_owned()));

    // The same poison again costs nothing; another value of the series is judged.
    let traps = hub.stats()?.optimizer.traps;
    hub.handle(snapshot("fault:panic", "2")?);
    assert_eq!(hub.stats()?.optimizer.traps, traps);
    hub.handle(snapshot("3", "2")?);
    std::thread::sleep(std::time::Duration::from_millis(150));
    hub.tick();
    let mut cured = false;
    while let Ok(update) = updates.try_recv() {
        cured |= matches!(&*update, Notice::Update(update)
            if update.entity_id == "sensor.s20" && update.state.as_deref() == Some("3"));
    }
    assert!(cured);
    Ok(())
}
