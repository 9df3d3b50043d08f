//! The app under a limit on memory.
//!
//! It is a limit on the private memory of each process (`RLIMIT_DATA`): heap, stacks and memory of WebAssembly, whether in
//! use or not, and no pages of files. It is not that of a control group, which would count what is resident of the whole
//! container, and which cannot be set on every machine where this runs.

use std::net::Ipv4Addr;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use weirhouse_tests::container::Image;
use weirhouse_tests::home_assistant::HomeAssistant;

use super::{
    PATIENCE, STOP_LIMIT, ask, installed, quiet, refusal_of, supervisor, turn, visit_now, wait_for,
};

/// What has to be enough.
const LIMIT: u64 = 64 << 20;

/// Entities that change, and how often each does.
const ENTITIES: usize = 100;
const ROUNDS: usize = 30;

#[test]
fn it_works_within_64_mib() -> Result<()> {
    let _turn = turn();
    let Some(image) = Image::build_or_skip()? else {
        return Ok(());
    };
    let Some(home) = HomeAssistant::start_or_skip(&quiet())? else {
        return Ok(());
    };
    let _supervisor = supervisor(&home)?;
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    installed(&data)?;
    let app = image.start_limited(&data, LIMIT)?;
    app.wait_until_healthy(PATIENCE)?;
    let limits = app.about("limits")?;
    let limit = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max data size"));
    let limit = limit.and_then(|line| line.split_whitespace().next());
    assert_eq!(limit, Some(LIMIT.to_string().as_str()), "{limits}");
    wait_for(&data, "the first snapshot", |stats| {
        stats["home"]["connected"] == true && stats["home"]["stale"] == false
    })?;

    let attributes = json!({ "unit_of_measurement": "W", "device_class": "power" });
    for round in 0..ROUNDS {
        for number in 0..ENTITIES {
            let state = (100 + 10 * round + number).to_string();
            home.set_state(&format!("sensor.meter_{number:03}"), &state, &attributes)?;
        }
        for path in [
            "/v1/context",
            "/v1/context?tokenizer=cl100k_base&budget=8000",
            "/v1/states",
        ] {
            let (status, body) = ask(&data, "GET", path, b"")?;
            ensure!(status == 200 && !body.is_empty(), "{path}: {status}");
        }
        for path in ["/", "/v1/activity", "/v1/history"] {
            let page = visit_now(Ipv4Addr::LOCALHOST, path)?;
            ensure!(page.starts_with("HTTP/1.1 200"), "{path}: {page}");
        }
    }
    let changes = (ENTITIES * ROUNDS) as u64;
    wait_for(&data, "everything is judged", |stats| {
        stats["updates"]["observed"].as_u64() >= Some(changes)
    })?;
    app.wait_until_healthy(PATIENCE)?;
    let status = app.about("status")?;
    let private = status
        .lines()
        .find_map(|line| line.strip_prefix("VmData:"))
        .context("no such line")?;
    println!(
        "after {changes} changes: {} of private memory of {} kB",
        private.trim(),
        LIMIT >> 10
    );
    assert_eq!(app.stop(STOP_LIMIT)?, 0);
    let log = app.log()?;
    ensure!(!log.contains("panicked"), "{log}");
    Ok(())
}

#[test]
fn with_far_too_little_it_says_how_much_it_needs() -> Result<()> {
    let _turn = turn();
    let Some(image) = Image::build_or_skip()? else {
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    installed(&data)?;
    let log = refusal_of(&image.start_limited(&data, 8 << 20)?)?;
    ensure!(
        log.contains("this process may have 8 MiB of memory and needs 56 MiB"),
        "{log}"
    );
    Ok(())
}
