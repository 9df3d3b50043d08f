//! The same readings in plain Python: `reference.py`, as far as there is a
//! Python to run it.

use std::io::Write as _;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use weirhouse_runner::wit::updates::{Combine, Rule};
use weirhouse_tests::load::{Home, Readings};

const ROUNDS: usize = 5;

/// Nanoseconds of one reading, and how many were published in a round; `None`
/// without Python.
pub(crate) fn each_ns(
    home: &Home,
    readings: &Readings,
    batch: usize,
    window_us: u64,
) -> Result<Option<(f64, u64)>> {
    let started = Command::new("python3")
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/benches/figures/reference.py"
        ))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut python) = started else {
        return Ok(None);
    };
    let rules: Vec<_> = home.rules().iter().map(rule).collect();
    let told = json!({
        "rules": rules,
        "series": readings.series,
        "values": readings.numbers,
        "batch": batch,
        "spacing_us": home.spacing_us(),
        "window_us": window_us,
        "rounds": ROUNDS,
    });
    let mut input = python.stdin.take().context("Python has no input")?;
    input.write_all(&serde_json::to_vec(&told)?)?;
    drop(input);
    let output = python.wait_with_output()?;
    ensure!(output.status.success(), "reference.py failed");
    let answer = String::from_utf8(output.stdout)?;
    let (each_ns, published) = answer
        .trim()
        .split_once(' ')
        .context("reference.py printed something else")?;
    Ok(Some((each_ns.parse()?, published.parse()?)))
}

fn rule(rule: &Rule) -> serde_json::Value {
    json!({
        "absolute": rule.absolute,
        "percentage": rule.percentage,
        "any": matches!(rule.combine, Combine::Any),
        "max_age_us": rule.max_age,
        "settle_us": rule.settle,
        "zero_crossing": rule.zero_crossing,
        "levels": rule.levels,
    })
}
