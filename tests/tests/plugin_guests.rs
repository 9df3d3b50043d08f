//! Plugins in JavaScript and Python, tested as their authors test them: without a host.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use weirhouse_tests::plugin;
use weirhouse_tests::skip::skip;

/// Runs the tests in this folder with Node.js.
fn javascript(folder: &Path) -> Result<()> {
    if !is_there("node") {
        return skip("needs Node.js");
    }
    let mut node = Command::new("node");
    node.args(["--test", "--test-reporter=tap"]);
    run(folder, &mut node, "# tests 0\n")
}

/// Runs the tests in this folder with Python, leaving no bytecode in the sources.
fn python(folder: &Path) -> Result<()> {
    if !is_there("python3") {
        return skip("needs Python");
    }
    let mut python = Command::new("python3");
    python.args(["-B", "-m", "unittest"]);
    run(folder, &mut python, "Ran 0 tests")
}

fn run(folder: &Path, command: &mut Command, ran_none: &str) -> Result<()> {
    let output = command
        .current_dir(folder)
        .output()
        .with_context(|| format!("cannot run the tests in {}", folder.display()))?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    ensure!(output.status.success(), "{}: {said}", folder.display());
    ensure!(!said.contains(ran_none), "no tests: {said}");
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
    javascript(&plugin::source("presence-pace"))
}

#[test]
fn night_ttl_decides_as_described() -> Result<()> {
    python(&plugin::source("night-ttl"))
}

#[test]
fn what_authors_start_from_in_javascript_passes_its_tests() -> Result<()> {
    javascript(&plugin::template("js"))
}

#[test]
fn what_authors_start_from_in_python_passes_its_tests() -> Result<()> {
    python(&plugin::template("python"))
}

#[test]
fn authors_start_with_the_tools_that_the_examples_are_built_with() -> Result<()> {
    for (template, example, file) in [
        ("js", "presence-pace", "package.json"),
        ("python", "night-ttl", "requirements.txt"),
    ] {
        let tool = |folder: PathBuf| -> Result<String> {
            let text = fs::read_to_string(folder.join(file))?;
            let line = text
                .lines()
                .map(str::trim)
                .find(|line| line.starts_with("\"componentize-qjs\":") || line.contains("=="));
            Ok(line.context("names no tool")?.to_owned())
        };
        assert_eq!(
            tool(plugin::template(template))?,
            tool(plugin::source(example))?
        );
    }
    Ok(())
}
