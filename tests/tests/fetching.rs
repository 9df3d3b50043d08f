//! Many programs that need the same slow thing, over real connections: one of
//! them fetches it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::Value;
use weirhouse_tests::program::Program;

const CALLERS: usize = 50;

/// What every caller does that can fetch, with a source that is slow and fails
/// the first time.
fn get_or_fetch(program: &Program, source: &AtomicUsize) -> Result<String> {
    loop {
        let path = "/v1/fetch/cloud/tariff";
        let asked = program.post(path, b"")?;
        match asked.status {
            200 => return Ok(asked.text()),
            202 => continue,
            201 => {}
            status => anyhow::bail!("{status}: {}", asked.text()),
        }
        let granted: Value = serde_json::from_str(&asked.text())?;
        let lease = &granted["lease"];
        let call = source.fetch_add(1, Ordering::Relaxed);
        thread::sleep(Duration::from_millis(100));
        if call == 0 {
            let failed = format!("{path}?lease={lease}&outcome=failed");
            ensure!(program.delete(&failed)?.status == 204);
            continue;
        }
        let value = format!("0.27 by call {call}");
        let kept = program.put(&format!("{path}?lease={lease}&ttl=600"), value.as_bytes())?;
        ensure!(kept.header("weirhouse-kept") == "true");
        return Ok(value);
    }
}

#[test]
fn fifty_programs_cost_a_source_one_call_and_one_more_after_a_failure() -> Result<()> {
    let parent = tempfile::tempdir()?;
    let data = parent.path().join("data");
    std::fs::create_dir(&data)?;
    let program = Program::start("demo", &data, &["--rate", "50"])?;
    let source = AtomicUsize::new(0);
    let values = thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS)
            .map(|_| scope.spawn(|| get_or_fetch(&program, &source)))
            .collect();
        let values = callers
            .into_iter()
            .map(|caller| caller.join().expect("no panic"));
        values.collect::<Result<Vec<String>>>()
    })?;
    assert_eq!(values, vec!["0.27 by call 1"; CALLERS]);
    assert_eq!(source.into_inner(), 2, "calls of the source");

    let stats = program.json("/v1/stats")?;
    let fetch = &stats["cache"]["fetch"];
    assert_eq!(fetch["leases"], 2);
    assert_eq!(
        (&fetch["failed"], &fetch["fulfilled"]),
        (&1.into(), &1.into())
    );
    let metrics = program.get("/metrics")?.text();
    for line in [
        "weirhouse_fetch_leases_total{why=\"missing\"} 2",
        "weirhouse_fetch_outcomes_total{outcome=\"failed\"} 1",
    ] {
        assert!(metrics.lines().any(|it| it == line), "{line}");
    }
    assert_eq!(program.stop()?, 0);
    Ok(())
}
