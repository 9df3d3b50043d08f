//! A machine whose clock is wrong when the service starts, as small ones without a battery are: it works, and what it
//! kept is neither lost for ever nor kept for ever.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use weirhouse_tests::program::Program;
use weirhouse_tests::skip::skip;

/// The library that shows a program another time.
fn other_clock() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").ok()?;
    folders
        .flatten()
        .map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"))
        .find(|library| library.is_file())
}

/// Starts with the wall clock at `clock`; the monotonic one goes on as it does.
fn start(library: &Path, data: &Path, clock: &str) -> Result<Program> {
    let library = library.display().to_string();
    let variables = [
        ("LD_PRELOAD", library.as_str()),
        ("FAKETIME", clock),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
    ];
    let program = Program::start_in("demo", data, &["--rate", "20"], &variables)?;
    program.wait_for_stats("readings are judged", |stats| {
        stats["updates"]["observed"].as_u64() > Some(60)
    })?;
    Ok(program)
}

#[test]
fn a_clock_that_jumps_between_starts_costs_no_more_than_what_was_cached() -> Result<()> {
    let Some(library) = other_clock() else {
        return skip("needs libfaketime, of the Debian package faketime");
    };
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    fs::create_dir(&data)?;

    let unset = start(&library, &data, "@1970-01-01 00:00:10")?;
    let since = unset.json("/v1/activity?limit=1")?["since"].to_string();
    ensure!(
        since.contains("1970-01-01"),
        "the clock is another: {since}"
    );
    let old = "/v1/cache/test/old?ttl=600&wait=durable";
    assert_eq!(unset.put(old, b"old")?.status, 204);
    assert_eq!(unset.get("/v1/cache/test/old")?.body, b"old");
    assert_eq!(unset.stop()?, 0);

    // The right time: what seems decades old is not served.
    let right = start(&library, &data, "@2026-11-22 00:00:10")?;
    assert_eq!(right.get("/v1/cache/test/old")?.status, 404);
    assert_eq!(
        right
            .put("/v1/cache/test/new?ttl=600&wait=durable", b"new")?
            .status,
        204
    );
    assert_eq!(right.stop()?, 0);

    // Back again: what seems to be from the future has no longer life than it was given.
    let back = start(&library, &data, "@2020-01-01 00:00:10")?;
    let answer = back.get("/v1/cache/test/new")?;
    assert_eq!(answer.body, b"new");
    let life = answer.header("cache-control");
    let seconds = life
        .rsplit('=')
        .next()
        .and_then(|it| it.parse::<u64>().ok());
    ensure!(seconds.is_some_and(|it| it <= 600), "{life}");
    assert_eq!(back.stop()?, 0);
    Ok(())
}
