//! The page in a real browser, before the simulated home and before a real Home Assistant.
//!
//! What is checked stands in `tests/page`, a file per test here.

use std::fs;

use anyhow::{Context as _, Result};
use serde_json::json;
use tempfile::TempDir;
use weirhouse_tests::browser::Browser;
use weirhouse_tests::home_assistant::{ConfigFolderOptions, HomeAssistant};
use weirhouse_tests::program::Program;
use weirhouse_tests::proxy::Proxy;

/// The simulated home, and the folder it keeps its data in.
fn demo() -> Result<(TempDir, Program)> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    fs::create_dir(&data)?;
    let program = Program::start("demo", &data, &["--seed", "7"])?;
    Ok((folder, program))
}

/// A check that needs nothing but the page of the simulated home.
fn check(name: &str) -> Result<()> {
    let Some(browser) = Browser::find_or_skip()? else {
        return Ok(());
    };
    let (_folder, program) = demo()?;
    browser.check(name, program.address, &program.token)
}

#[test]
fn figures_appear_and_move() -> Result<()> {
    check("figures")
}

#[test]
fn thousands_of_entities_are_sorted_searched_and_reached_by_keyboard() -> Result<()> {
    check("entities")
}

#[test]
fn schemes_widths_and_languages_are_accessible() -> Result<()> {
    check("looks")
}

#[test]
fn a_token_is_asked_for_and_kept_in_the_tab() -> Result<()> {
    check("token")
}

#[test]
fn it_works_below_a_path_in_a_frame() -> Result<()> {
    check("ingress")
}

#[test]
fn silence_is_said_and_outlived() -> Result<()> {
    let Some(browser) = Browser::find_or_skip()? else {
        return Ok(());
    };
    let (_folder, program) = demo()?;
    let between = Proxy::start(program.address.port())?;
    let mut check = browser.start("silence", between.address(), &program.token)?;
    check.wait_until("shown")?;
    between.close();
    check.go_on()?;
    check.wait_until("silent")?;
    between.open();
    check.go_on()?;
    check.finish()
}

#[test]
fn a_real_home_assistant_is_told_of() -> Result<()> {
    let Some(browser) = Browser::find_or_skip()? else {
        return Ok(());
    };
    let Some(mut home) = HomeAssistant::start_or_skip(&ConfigFolderOptions::default())? else {
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    fs::create_dir(&data)?;
    let arguments = [
        "--ha-url".to_owned(),
        format!("http://127.0.0.1:{}", home.port()),
        "--ha-token-file".to_owned(),
        home.token_file().display().to_string(),
        "--absolute".to_owned(),
        "0.5".to_owned(),
    ];
    let program = Program::start("serve", &data, &arguments)?;
    program.wait_for_stats("the first snapshot", |stats| {
        stats["home"]["connected"] == true && stats["home"]["stale"] == false
    })?;
    for tenths in 200..205 {
        let state = format!("{}.{}", tenths / 10, tenths % 10);
        home.set_state("sensor.noisy", &state, &json!({}))
            .context("cannot report a reading")?;
    }
    let mut check = browser.start("home", program.address, &program.token)?;
    check.wait_until("connected")?;
    home.stop()?;
    check.go_on()?;
    check.finish()
}
