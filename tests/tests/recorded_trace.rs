//! The recorded trace of a real Home Assistant, through both builds of the core.

use std::path::PathBuf;

use anyhow::Result;
use weirhouse::trace::Reader;
use weirhouse::trace::replay::{ReplayOptions, Report, replay};
use weirhouse_runner::{Component, Engine, Optimizer};
use weirhouse_tests::component;
use weirhouse_tests::native::Native;

/// Lines of the trace below its header.
const WRITES: u64 = 3_932;

fn run(optimizer: &mut dyn Optimizer, options: &ReplayOptions) -> Result<Report> {
    let path: PathBuf = [
        env!("CARGO_MANIFEST_DIR"),
        "traces/demo_and_noisy_sensors.jsonl",
    ]
    .iter()
    .collect();
    Ok(replay(
        &mut Reader::open(&path)?,
        optimizer,
        options,
        &mut |_| {},
    )?)
}

fn both(options: &ReplayOptions) -> Result<Report> {
    let report = run(&mut Native::new(), options)?;
    let mut component = Component::load(&Engine::new()?, &component::path()?)?;
    assert_eq!(report, run(&mut component, options)?, "{options:?}");
    assert_eq!(report.totals.before, WRITES);
    Ok(report)
}

#[test]
fn without_a_rule_every_write_is_published() -> Result<()> {
    let report = both(&ReplayOptions::default())?;
    assert_eq!(report.totals.after, WRITES);
    Ok(())
}

#[test]
fn no_reading_is_further_from_what_was_published_than_the_threshold() -> Result<()> {
    for threshold in [0.1, 0.5, 2.0] {
        let report = both(&ReplayOptions {
            absolute: Some(threshold),
            ..ReplayOptions::default()
        })?;
        assert!(report.totals.after < WRITES, "{threshold}");
        for entity in &report.entities {
            let error = entity.largest_error.unwrap_or_default();
            assert!(
                error < threshold,
                "{}: {error} at {threshold}",
                entity.entity
            );
        }
    }
    Ok(())
}

#[test]
fn presets_hold_back_noise_and_nothing_of_lights_and_switches() -> Result<()> {
    let report = both(&ReplayOptions {
        presets: true,
        ..ReplayOptions::default()
    })?;
    for entity in &report.entities {
        let domain = entity.entity.split('.').next().unwrap_or_default();
        if ["light", "switch", "lock", "cover", "person"].contains(&domain) {
            assert_eq!(entity.before, entity.after, "{}", entity.entity);
        }
    }
    assert!(
        report.totals.after * 4 < report.totals.before * 3,
        "{:?}",
        report.totals
    );
    Ok(())
}
