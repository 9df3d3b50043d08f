//! A small trace, counted by hand, through the component and natively.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use weirhouse::plugins::Advice;
use weirhouse::trace::Reader;
use weirhouse::trace::replay::{ReplayOptions, Report, replay, replay_advised};
use weirhouse_runner::{Component, Engine, Optimizer};
use weirhouse_tests::component;
use weirhouse_tests::native::Native;

/// A temperature that drifts, a lamp that is dimmed, and a recording that was
/// killed.
const TRACE: &str = r#"{"weirhouse_trace":1,"source":"by hand","started":"2026-01-01T00:00:00+00:00"}
{"t":0,"e":"sensor.a","s":"20","a":{"device_class":"temperature","unit_of_measurement":"°C"}}
{"t":0,"e":"light.l","s":"on"}
{"t":1000,"e":"sensor.a","s":"20.4"}
{"t":2000,"e":"sensor.a","s":"20.8"}
{"t":3000,"e":"sensor.a","s":"21.0"}
{"t":3050,"e":"sensor.a","s":"20.5"}
{"t":4000,"e":"light.l","s":"on","a":{"brightness":10}}
{"t":5000,"e":"light.l","s":"on","a":{"brightness":10.5}}
{"t":6000,"e":"light.l","s":"o"#;

fn run(optimizer: &mut dyn Optimizer, options: &ReplayOptions) -> Result<Report> {
    let mut reader = Reader::new(TRACE.as_bytes(), Path::new("by_hand.jsonl"))?;
    let mut progress = Vec::new();
    let report = replay(&mut reader, optimizer, options, &mut |bytes| {
        progress.push(bytes);
    })?;
    assert!(progress.is_sorted(), "{progress:?}");
    assert_eq!(progress.last(), Some(&(TRACE.len() as u64)));
    Ok(report)
}

/// Per entity: name, writes before and after, largest error.
type Row = (&'static str, u64, u64, Option<f64>);

/// What is expected: rows, publications by time, batches, writes in them.
fn check(options: &ReplayOptions, rows: &[Row], timed: u64, batches: (u64, u64)) -> Result<()> {
    let report = run(&mut Native::new(), options)?;
    let engine = Engine::new()?;
    let component = run(&mut Component::load(&engine, &component::path()?)?, options)?;
    assert_eq!(report, component, "{options:?}");

    let told: Vec<_> = report
        .entities
        .iter()
        .map(|e| (e.entity.as_str(), e.before, e.after, e.largest_error))
        .collect();
    // Errors are differences of decimals: equal to a billionth.
    let rounded = |error: Option<f64>| error.map(|error| (error * 1e9).round() / 1e9);
    let told: Vec<Row> = told
        .into_iter()
        .zip(rows)
        .map(|((name, before, after, error), row)| {
            assert_eq!(name, row.0, "{options:?}");
            (row.0, before, after, rounded(error))
        })
        .collect();
    assert_eq!(told, rows, "{options:?}");
    let after: u64 = rows.iter().map(|row| row.2).sum();
    let totals = report.totals;
    assert_eq!(
        (totals.before, totals.after, totals.timed),
        (8, after, timed),
        "{options:?}"
    );
    assert_eq!((totals.batches, totals.batched), batches, "{options:?}");
    assert_eq!(totals.saved, 8 - after.cast_signed());
    assert_eq!(report.truncated_line, Some(10));
    assert!((report.duration_ms - 5000.0).abs() < f64::EPSILON);
    Ok(())
}

#[test]
fn writes_errors_and_batches_are_counted() -> Result<()> {
    let absolute = ReplayOptions {
        absolute: Some(1.0),
        ..ReplayOptions::default()
    };
    // Without a threshold only the lamp's repeated state is nothing new, and
    // each time its brightness is.
    check(
        &ReplayOptions::default(),
        &[("light.l", 3, 3, None), ("sensor.a", 5, 5, Some(0.0))],
        0,
        // Batches close at 200, 1200, 2200, 3200, 4200 and 5200 ms.
        (6, 7),
    )?;
    check(
        &absolute,
        &[("sensor.a", 5, 2, Some(0.8)), ("light.l", 3, 2, None)],
        0,
        (3, 4),
    )?;
    // 20.5 and the brightness 10.5 come out once all is quiet.
    check(
        &ReplayOptions {
            settle: Some(Duration::from_secs(10)),
            ..absolute.clone()
        },
        &[("sensor.a", 5, 3, Some(0.8)), ("light.l", 3, 3, None)],
        2,
        (5, 6),
    )?;
    // A reading 0.4 away is within: 20, 20.8 and the brightness 10.5 go out.
    check(
        &ReplayOptions {
            absolute: Some(0.4),
            centred: true,
            ..ReplayOptions::default()
        },
        &[("sensor.a", 5, 2, Some(0.4)), ("light.l", 3, 3, None)],
        0,
        (4, 5),
    )?;
    // 2 % of 20 are 0.4, and of 20.4 a little more.
    check(
        &ReplayOptions {
            percentage: Some(0.02),
            any: true,
            ..absolute
        },
        &[("sensor.a", 5, 4, Some(0.4)), ("light.l", 3, 3, None)],
        0,
        // Close at 200, 1200, 3200 (twice the sensor, once sent), 4200 and 5200 ms.
        (5, 6),
    )
}

#[test]
fn a_preset_applies_by_what_the_attributes_say() -> Result<()> {
    let options = ReplayOptions {
        presets: true,
        ..ReplayOptions::default()
    };
    // Half a degree: 20 and 20.8; 20.5 is 0.3 from that and comes out at the end,
    // with the lamp.
    check(
        &options,
        &[("sensor.a", 5, 3, Some(0.4)), ("light.l", 3, 3, None)],
        1,
        (4, 6),
    )
}

#[test]
fn options_out_of_range_are_refused_by_name() {
    let options = ReplayOptions {
        absolute: Some(-1.0),
        ..ReplayOptions::default()
    };
    let error = run(&mut Native::new(), &options).unwrap_err().to_string();
    assert!(
        error.contains("absolute must be a finite number"),
        "{error}"
    );
}

#[test]
fn an_adviser_knows_what_was_published_by_time() -> Result<()> {
    const PUT_OFF: &str = r#"{"weirhouse_trace":1,"source":"by hand","started":"2026-01-01T00:00:00+00:00"}
{"t":0,"e":"sensor.a","s":"1"}
{"t":1000,"e":"sensor.a","s":"2"}
{"t":1500,"e":"sensor.a","s":"3"}
{"t":20000,"e":"sensor.a","s":"4"}
{"t":60000,"e":"sensor.b","s":"1"}"#;
    let mut reader = Reader::new(PUT_OFF.as_bytes(), Path::new("by_hand.jsonl"))?;
    let mut told = Vec::new();
    let mut defer = |_, seen: weirhouse::plugins::Seen| {
        let (shown, at_ms) = seen.published?;
        told.push((seen.text, shown, at_ms, seen.readings));
        Some(Advice {
            opinion: 4,
            delay_us: 10_000_000,
            ..Advice::default()
        })
    };
    let report = replay_advised(
        &mut reader,
        &mut Native::new(),
        &ReplayOptions::default(),
        Some(&mut defer),
        &mut |_| {},
    )?;
    // 3 was passed on ten seconds after it was put off.
    let expected = [
        ("2", "1", 100, 1),
        ("3", "1", 100, 2),
        ("4", "3", 11_600, 1),
    ];
    let told: Vec<_> = told
        .iter()
        .map(|(text, shown, at_ms, readings)| (text.as_str(), shown.as_str(), *at_ms, *readings))
        .collect();
    assert_eq!(told, expected);
    assert_eq!((report.totals.after, report.totals.timed), (4, 2));
    Ok(())
}
