//! Plugins in JavaScript and Python, tested as their authors test them: without a host.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use weirhouse_tests::plugin;
use weirhouse_tests::skip::skip;

/// Runs an author's tests in the folder of an example; fails if they do, or if there are none.
fn run(example: &str, command: &mut Command, ran_none: &str) -> Result<()> {
    let output = command
        .current_dir(plugin::source(example))
        .output()
        .with_context(|| format!("cannot run the tests of {example}"))?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    ensure!(output.status.success(), "{example}: {said}");
    ensure!(!said.contains(ran_none), "{example} has no tests: {said}");
    Ok(())
}

fn is_there(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success())
}

#[test]
fn presence_pace_decides_as_described() -> Result<()> {
    if !is_there("node") {
        return skip("needs Node.js");
    }
    run(
        "presence-pace",
        Command::new("node").args(["--test", "--test-reporter=tap"]),
        "# tests 0\n",
    )
}

#[test]
fn night_ttl_decides_as_described() -> Result<()> {
    if !is_there("python3") {
        return skip("needs Python");
    }
    run(
        "night-ttl",
        // No bytecode is left in the sources.
        Command::new("python3").args(["-B", "-m", "unittest"]),
        "Ran 0 tests",
    )
}
