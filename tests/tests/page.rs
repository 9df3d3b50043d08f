//! The page in a real browser, before the simulated home and before a real Home Assistant.
//!
//! What is checked stands in `tests/page`, a file per test here.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use tempfile::TempDir;
use weirhouse::plugins::{Folder, Installed, Quarantine, RegisterLock};
use weirhouse_tests::browser::Browser;
use weirhouse_tests::home_assistant::{ConfigFolderOptions, HomeAssistant};
use weirhouse_tests::plugin;
use weirhouse_tests::program::{Program, run};
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
fn the_docs_show_every_operation() -> Result<()> {
    check("docs")
}

#[test]
fn it_works_below_a_path_in_a_frame() -> Result<()> {
    check("ingress")
}

#[test]
fn budgets_are_shown_with_what_is_left_of_them() -> Result<()> {
    let Some(browser) = Browser::find_or_skip()? else {
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    fs::create_dir(&data)?;
    let config = r#"
[[budget]]
name = "day"
per_day = 1000

[[budget]]
name = "minute"
per_minute = 5

[[refresh]]
entity = "sensor.mains_voltage"
budget = "day"
shortest = "15s"
longest = "1d"

[[refresh]]
entity = "sensor.garage_power"
budget = "day"
shortest = "15s"
longest = "1d"
"#;
    fs::write(data.join("weirhouse.toml"), config)?;
    let program = Program::start("demo", &data, &["--rate", "1"])?;
    browser.check("budgets", program.address, &program.token)
}

#[test]
fn what_other_programs_call_is_shown_once_it_failed() -> Result<()> {
    check("breakers")
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

/// Puts a plugin into the folder of a home, as its user does.
fn install(data: &Path, component: &Path, grants: &[&str]) -> Result<()> {
    let (data, component) = (data.display().to_string(), component.display().to_string());
    let mut arguments = vec!["plugin", "install", &component, "--data-dir", &data];
    let grants = grants.join(",");
    if !grants.is_empty() {
        arguments.extend(["--grant", &grants]);
    }
    let output = run(&arguments)?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{component}: {said}");
    Ok(())
}

#[test]
fn plugins_are_shown_with_what_they_do_and_why_they_do_not() -> Result<()> {
    let Some(browser) = Browser::find_or_skip()? else {
        return Ok(());
    };
    let mut components = Vec::new();
    for name in [
        "kalman-power",
        "hostile-loop",
        "hostile-greedy",
        "hostile-trap",
        "hostile-wrong-version",
    ] {
        let Some(component) = plugin::find_or_skip(name)? else {
            return Ok(());
        };
        components.push(component);
    }
    let [works, quarantined, waits, disabled, refused] = components.as_slice() else {
        unreachable!("as many as names");
    };
    let home = tempfile::tempdir()?;
    let data = home.path().join("data");
    fs::create_dir(&data)?;
    install(&data, works, &["settings", "entities"])?;
    for component in [quarantined, waits, disabled] {
        install(&data, component, &[])?;
    }
    let folder = Folder::new(data.join("plugins"));
    let installed = Installed::at(&folder.place("hostile-loop"))?;
    // As an earlier run left it: no entity of this home is one that it claims.
    RegisterLock::take(&folder)?.change(|register| {
        register.entry("hostile-trap").enabled = false;
        register.entry("hostile-loop").quarantine = Some(Quarantine {
            fault: "`judge`: it ran past its deadline".to_owned(),
            since: "2026-11-01T12:00:00+00:00".to_owned(),
            sha256: installed.sha256,
        });
    })?;
    // Put there by hand; nobody would install these.
    fs::copy(refused, folder.path().join("wrong-version.wasm"))?;
    let whole = fs::read(works)?;
    fs::write(
        folder.path().join("cut-off.wasm"),
        &whole[..whole.len() / 2],
    )?;

    let program = Program::start("demo", &data, &["--seed", "7"])?;
    let mut check = browser.start("plugins", program.address, &program.token)?;
    check.wait_until("shown")?;
    fs::write(folder.place("kalman-power"), &whole[..whole.len() / 3])?;
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
