//! What calls cost, in instructions: no clock is involved, so a limit that is
//! exceeded is exceeded on every machine.
//!
//! The component is compiled to count WebAssembly instructions; the native core
//! runs under valgrind. Each limit is about a tenth over what was measured:
//! whoever makes a call dearer learns it here, and decides.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use weirhouse_runner::operations::{Cache as _, Clock as _, Updates as _};
use weirhouse_runner::wit::cache::{Lookup, Options};
use weirhouse_runner::wit::types::Instant;
use weirhouse_runner::{Component, Engine};
use weirhouse_tests::load::{Home, Readings, VALUE_BYTES, keys, still};
use weirhouse_tests::{component, skip};

const ENTITIES: u32 = 2_000;
const READINGS: usize = 16_384;
const BATCH: usize = 1_024;

/// A call, and the most instructions it may take in the component and natively
/// for each reading, entity, key or call.
const LIMITS: [(&str, f64, f64); 7] = [
    ("observe numbers", 185.0, 102.0),
    ("observe texts", 516.0, 238.0),
    ("suppress numbers", 79.0, 36.0),
    ("batch", 163.0, 60.0),
    ("cache get", 1_590.0, 622.0),
    ("cache put", 2_590.0, 1_158.0),
    ("next deadline", 150.0, 85.0),
];

#[test]
fn in_the_component() -> Result<()> {
    let engine = Engine::counting()?;
    let path = component::counting_path()?;
    check(
        |call| {
            let mut core = Component::load(&engine, &path)?;
            Home::new(ENTITIES).introduce(&mut core)?;
            cache_put(&mut core)?;
            let mut now_us = 0;
            // The first round meets an empty heap and first readings.
            perform(&mut core, call, &mut now_us)?;
            let before = core.instructions().context("the engine does not count")?;
            let items = perform(&mut core, call, &mut now_us)?;
            let after = core.instructions().context("the engine does not count")?;
            Ok((after - before) as f64 / items as f64)
        },
        |limits| limits.1,
    )
}

#[test]
fn natively() -> Result<()> {
    if !Command::new("valgrind")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
    {
        return skip::skip("valgrind is not installed");
    }
    check(
        |call| {
            let (few, few_items) = count(call, 1)?;
            let (many, many_items) = count(call, 3)?;
            Ok((many - few) as f64 / (many_items - few_items) as f64)
        },
        |limits| limits.2,
    )
}

/// Compares what every call takes with its limit, and tells all of them.
fn check(
    measure: impl Fn(&str) -> Result<f64>,
    limit: impl Fn(&(&str, f64, f64)) -> f64,
) -> Result<()> {
    let mut exceeded = Vec::new();
    for limits in &LIMITS {
        let (call, most) = (limits.0, limit(limits));
        let taken = measure(call).with_context(|| call.to_owned())?;
        println!("{call}: {taken:.1} of {most} instructions");
        if taken > most {
            exceeded.push(format!(
                "{call} takes {taken:.1} instructions, and {most} is the limit"
            ));
        }
    }
    assert!(exceeded.is_empty(), "{}", exceeded.join("\n"));
    Ok(())
}

/// Instructions of the native bench making a call so often, and the items that
/// were.
fn count(call: &str, times: u32) -> Result<(u64, u64)> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(component::instructions_path()?)
        .args([call, &times.to_string()])
        .output()?;
    let told = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("valgrind failed: {told}");
    }
    let counted = told
        .lines()
        .find_map(|line| line.split_once("Collected :"))
        .context("valgrind told no count")?;
    let items = String::from_utf8(output.stdout)?;
    Ok((counted.1.trim().parse()?, items.trim().parse()?))
}

/// Makes one kind of call for a while, as the native bench does; counts items.
fn perform(core: &mut Component, call: &str, now_us: &mut u64) -> Result<usize> {
    match call {
        "observe numbers" => observe(core, now_us, false),
        "observe texts" => observe(core, now_us, true),
        "suppress numbers" => suppress(core),
        "batch" => batch(core, now_us),
        "cache get" => cache_get(core),
        "cache put" => cache_put(core),
        "next deadline" => {
            core.next_deadline()?;
            Ok(1)
        }
        other => bail!("there is no call `{other}`"),
    }
}

const NOW: Instant = Instant { mono: 0, wall: 0 };

fn observe(core: &mut Component, now_us: &mut u64, words: bool) -> Result<usize> {
    let readings = Readings::of(ENTITIES, READINGS, words);
    let spacing_us = Home::new(ENTITIES).spacing_us();
    for batch in readings.batches(BATCH) {
        *now_us += BATCH as u64 * spacing_us;
        let now = Instant {
            mono: *now_us,
            wall: 0,
        };
        let verdicts = if words {
            core.observe_texts(now, batch.series, batch.text, batch.lengths, &[])?
        } else {
            core.observe_numbers(now, batch.series, batch.numbers, &[])?
        };
        assert_eq!(verdicts.len(), BATCH);
        let due = core.tick(now)?;
        if due.published > 0 {
            core.poll_published()?;
        }
        for _ in 0..due.batches {
            core.poll_batch()?;
        }
    }
    Ok(READINGS)
}

fn suppress(core: &mut Component) -> Result<usize> {
    let mut count = 0;
    for (series, numbers) in still(ENTITIES) {
        count += core.observe_numbers(NOW, &series, &numbers, &[])?.len();
    }
    Ok(count)
}

fn batch(core: &mut Component, now_us: &mut u64) -> Result<usize> {
    let entities: Vec<u32> = (0..1_000).collect();
    let now = Instant {
        mono: *now_us,
        wall: 0,
    };
    core.mark_dirty(now, &entities)?;
    *now_us += 100_000;
    core.tick(Instant {
        mono: *now_us,
        ..now
    })?;
    *now_us += 100_000;
    Ok(core.poll_batch()?.len())
}

fn cache_get(core: &mut Component) -> Result<usize> {
    let keys = keys();
    for key in &keys {
        let found = core.cache_get(NOW, "load", key)?;
        assert!(matches!(found, Lookup::Hit(_)));
    }
    Ok(keys.len())
}

fn cache_put(core: &mut Component) -> Result<usize> {
    let keys = keys();
    let options = Options {
        media_type: 0,
        memory_life: None,
        disk_life: None,
        stale: None,
    };
    for key in &keys {
        core.cache_put(NOW, "load", key, &[7; VALUE_BYTES], options)?;
    }
    Ok(keys.len())
}
