//! `cargo xtask test`: every test, package by package, and an honest account of them.
//!
//! Tests find what is built by the environment, all absolute paths:
//!
//! | Variable | What it names |
//! |---|---|
//! | `WEIRHOUSE_BIN` | the program `weirhouse`, built for debugging |
//! | `WEIRHOUSE_COMPILE` | the program `weirhouse-compile` |
//! | `WEIRHOUSE_CORE_WASM` | the core as a component |
//! | `WEIRHOUSE_CORE_CWASM` | its machine code for this machine |
//! | `WEIRHOUSE_FAULTY_CWASM` | machine code of a core that commits faults on demand |
//! | `WEIRHOUSE_COUNTING_CWASM` | machine code of the core that counts its instructions |
//! | `WEIRHOUSE_INSTRUCTIONS` | the bench `instructions` of the core, as released |
//! | `WEIRHOUSE_HA` | a Home Assistant: a venv, or a Debian root folder |
//! | `WEIRHOUSE_HA_MISSING` | instead of it, why there is none |
//! | `WEIRHOUSE_SCHEMATHESIS` | the program `schemathesis` |
//! | `WEIRHOUSE_SCHEMATHESIS_MISSING` | instead of it, why there is none |
//! | `WEIRHOUSE_CLIENTS` | clients of Home Assistant that others wrote: a folder of modules and a venv |
//! | `WEIRHOUSE_CLIENTS_MISSING` | instead of it, why there are none |
//! | `WEIRHOUSE_CONTAINERS` | a store of images with a base for the app's |
//! | `WEIRHOUSE_CONTAINERS_MISSING` | instead of it, why there is none |
//! | `WEIRHOUSE_BROWSER` | what drives Chromium: a folder of modules |
//! | `WEIRHOUSE_BROWSER_MISSING` | instead of it, why there is none |
//! | `WEIRHOUSE_PLUGINS` | a folder of plugins, each `NAME.wasm` |
//! | `WEIRHOUSE_PLUGINS_MISSING` | why those in JavaScript and Python are not in it, if they are not |
//!
//! `WEIRHOUSE_REQUIRE_ALL=1` is read, and passed on: a test that lacks something then fails instead of skipping.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::{env, io, thread};

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;

use crate::component::{self, Component};
use crate::instructions;
use crate::network_namespace::NetworkNamespace;
use crate::no_std;
use crate::plugins::{self, Plugins};
use crate::progress::{note, step};
use crate::provided::{self, Provided};
use crate::test_output::{Reader, Suite};
use crate::workspace::{Workspace, run as run_command};

/// Packages whose tests start whole programs and a Home Assistant: they get a network of their own.
const WHOLE_PATHS: &str = "weirhouse-tests";

/// What to test; by default everything.
#[derive(Args)]
pub(crate) struct Options {
    /// Test only this package (may be repeated)
    #[arg(short, long = "package", value_name = "NAME")]
    packages: Vec<String>,
    /// Passed on to the test programs: a part of a test's name, or their options
    #[arg(last = true)]
    arguments: Vec<String>,
}

/// Runs the tests; fails if one of them does, or if one was skipped that had to run.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let packages = chosen(workspace, options)?;
    let whole_paths = packages.contains(&WHOLE_PATHS);
    let mut suites = Vec::new();
    // One waits for the network, the other for the processor.
    let (provided, component) = thread::scope(|scope| -> Result<_> {
        let provided = whole_paths.then(|| scope.spawn(|| Provided::all(workspace)));
        let component = component::build(workspace)?;
        suites.extend(step("building weirhouse for debugging", || {
            build_weirhouse(workspace)
        }));
        if packages.contains(&"weirhouse-core") {
            suites.push(core_without_std(workspace, &component));
        }
        let provided = provided.map(|it| it.join().map_err(|_| anyhow!("providing panicked")));
        Ok((provided.transpose()?, component))
    })?;
    let plugins = provided
        .as_ref()
        .map(|it| plugins::build(workspace, &component.target, &it.plugins));
    let plugins = match plugins {
        Some(Ok(plugins)) => Some(plugins),
        Some(Err(error)) => {
            suites.push(unbuilt("the plugins", &error));
            None
        }
        None => None,
    };
    let namespace = if whole_paths {
        NetworkNamespace::find()
    } else {
        None
    };
    if whole_paths && namespace.is_none() {
        note("no network namespace is to be had here: the tests see this machine's network");
    }

    let variants = if whole_paths {
        vec![
            (
                "WEIRHOUSE_FAULTY_CWASM",
                component::build_faulty(workspace, &component)?,
            ),
            (
                "WEIRHOUSE_COUNTING_CWASM",
                component::build_counting(&component)?,
            ),
            ("WEIRHOUSE_INSTRUCTIONS", instructions::build(workspace)?),
        ]
    } else {
        Vec::new()
    };

    for package in packages {
        let mut tests = workspace.cargo("test");
        tests.args(["--no-fail-fast", "--package", package]);
        set_paths(&mut tests, workspace, &component);
        tests.envs(variants.iter().map(|(name, path)| (name, path)));
        if let Some(provided) = &provided {
            set_provided(&mut tests, "WEIRHOUSE_HA", &provided.home_assistant);
            set_provided(&mut tests, "WEIRHOUSE_SCHEMATHESIS", &provided.schemathesis);
            set_provided(&mut tests, "WEIRHOUSE_CLIENTS", &provided.clients);
            set_provided(&mut tests, "WEIRHOUSE_CONTAINERS", &provided.containers);
            set_provided(&mut tests, "WEIRHOUSE_BROWSER", &provided.browser);
        }
        if let Some(plugins) = &plugins {
            set_plugins(&mut tests, plugins);
        }
        let namespace = namespace.filter(|_| package == WHOLE_PATHS);
        suites.extend(test_package(package, tests, namespace, &options.arguments)?);
    }

    if whole_paths {
        for source in plugins::with_tests(workspace)? {
            let mut tests = workspace.cargo("test");
            tests
                .current_dir(&source)
                .arg("--no-fail-fast")
                .args(plugins::lock(&source))
                .arg("--target-dir")
                .arg(plugins::target_dir(workspace));
            let name = plugins::name(&source);
            suites.extend(test_package(&name, tests, None, &options.arguments)?);
        }
    }

    Ok(report(
        &suites,
        provided::requires_all(),
        &mut io::stdout().lock(),
    )?)
}

/// The packages to test: those named, or all that can run natively.
fn chosen<'a>(workspace: &'a Workspace, options: &Options) -> Result<Vec<&'a str>> {
    let native = || {
        workspace
            .packages
            .iter()
            .filter(|package| !package.only_for_wasm())
            .map(|package| &*package.name)
    };
    if let Some(unknown) = options
        .packages
        .iter()
        .find(|wanted| !native().any(|name| name == *wanted))
    {
        bail!(
            "there is no package `{unknown}` with native tests; there are: {}",
            native().collect::<Vec<_>>().join(", ")
        );
    }
    Ok(native()
        .filter(|name| options.packages.is_empty() || options.packages.iter().any(|p| p == name))
        .collect())
}

fn set_paths(tests: &mut Command, workspace: &Workspace, component: &Component) {
    let weirhouse = workspace
        .target
        .join("debug")
        .join(format!("weirhouse{}", env::consts::EXE_SUFFIX));
    tests
        .env("WEIRHOUSE_BIN", weirhouse)
        .env("WEIRHOUSE_COMPILE", &component.compiler)
        .env("WEIRHOUSE_CORE_WASM", &component.wasm)
        .env("WEIRHOUSE_CORE_CWASM", &component.cwasm);
}

/// Tells tests where something is, or why it is not there.
fn set_provided(tests: &mut Command, name: &str, provided: &Result<PathBuf>) {
    match provided {
        Ok(path) => {
            tests.env(name, path);
        }
        Err(error) => {
            tests
                .env_remove(name)
                .env(format!("{name}_MISSING"), format!("{error:#}"));
        }
    }
}

fn set_plugins(tests: &mut Command, plugins: &Plugins) {
    tests.env("WEIRHOUSE_PLUGINS", &plugins.folder);
    if let Some(lacking) = &plugins.lacking {
        tests.env("WEIRHOUSE_PLUGINS_MISSING", lacking);
    }
}

fn build_weirhouse(workspace: &Workspace) -> Option<Suite> {
    let error = run_command(workspace.cargo("build").args(["--package", "weirhouse"])).err()?;
    Some(unbuilt("the program weirhouse", &error))
}

/// What does not build is one failure among the others, which are of interest all the more.
fn unbuilt(what: &str, error: &anyhow::Error) -> Suite {
    Suite {
        name: what.to_owned(),
        failed: vec![format!("{error:#}")],
        ..Suite::default()
    }
}

fn core_without_std(workspace: &Workspace, component: &Component) -> Suite {
    let name = "needs no standard library".to_owned();
    let mut suite = Suite {
        name: "weirhouse-core for WebAssembly".to_owned(),
        ..Suite::default()
    };
    match step("checking that the core needs no standard library", || {
        no_std::check(workspace, &component.target)
    }) {
        Ok(()) => suite.passed = 1,
        Err(error) => {
            note(&format!("{error:#}"));
            suite.failed.push(name);
        }
    }
    suite
}

/// Runs one package's tests, showing their output as it comes.
fn test_package(
    package: &str,
    mut tests: Command,
    namespace: Option<NetworkNamespace>,
    arguments: &[String],
) -> Result<Vec<Suite>> {
    eprintln!("==> testing {package}");
    // Colour would have to be taken out again to read the results.
    tests.env("CARGO_TERM_COLOR", "never");
    if let Some(namespace) = namespace {
        // Fetches and builds while there is still a network.
        let mut build = Command::new(tests.get_program());
        build.args(tests.get_args()).arg("--no-run");
        // In another environment it would build what the tests then build once more.
        for (name, value) in tests.get_envs() {
            match value {
                Some(value) => build.env(name, value),
                None => build.env_remove(name),
            };
        }
        if let Some(dir) = tests.get_current_dir() {
            build.current_dir(dir);
        }
        if run_command(&mut build).is_err() {
            return Ok(Reader::new(package).finish(true));
        }
        tests.arg("--offline");
        tests.arg("--").args(arguments);
        return follow(package, namespace.wrap(&tests));
    }
    tests.arg("--").args(arguments);
    follow(package, tests)
}

fn follow(package: &str, mut tests: Command) -> Result<Vec<Suite>> {
    // One pipe for both streams: cargo names the suite on one, the suite reports on the other.
    let (reader, writer) = io::pipe().context("cannot make a pipe")?;
    tests
        .stdout(writer.try_clone().context("cannot make a pipe")?)
        .stderr(writer);
    let mut child = tests
        .spawn()
        .with_context(|| format!("cannot run the tests of {package}"))?;
    drop(tests); // It holds the pipe's writing end, which would never close.
    let mut suites = Reader::new(package);
    let mut stdout = io::stdout();
    let mut lines = BufReader::new(reader);
    let mut line = Vec::new();
    while lines
        .read_until(b'\n', &mut line)
        .context("cannot read the tests' output")?
        > 0
    {
        stdout.write_all(&line)?;
        suites.handle_line(String::from_utf8_lossy(&line).trim_end());
        line.clear();
    }
    let status = child
        .wait()
        .with_context(|| format!("cannot wait for the tests of {package}"))?;
    Ok(suites.finish(!status.success()))
}

/// Writes the account: a table, what was skipped and what failed, and the totals alone on the last line.
fn report(suites: &[Suite], require_all: bool, out: &mut dyn io::Write) -> io::Result<ExitCode> {
    let width = suites
        .iter()
        .map(|suite| suite.name.len())
        .max()
        .unwrap_or(0)
        .max("suite".len());
    writeln!(out, "\n{:width$}  passed  failed  skipped", "suite")?;
    for suite in suites {
        let (failed, skipped) = (suite.failed.len(), suite.skipped.len());
        writeln!(
            out,
            "{:width$}  {:6}  {failed:6}  {skipped:7}",
            suite.name, suite.passed
        )?;
    }
    let skipped: usize = suites.iter().map(|suite| suite.skipped.len()).sum();
    let failed: usize = suites.iter().map(|suite| suite.failed.len()).sum();
    let passed: usize = suites.iter().map(|suite| suite.passed).sum();
    if skipped > 0 {
        writeln!(out, "\nskipped:")?;
        for suite in suites {
            for (test, reason) in &suite.skipped {
                writeln!(out, "  {}: {test}: {reason}", suite.name)?;
            }
        }
    }
    if failed > 0 {
        writeln!(out, "\nfailed:")?;
        for suite in suites {
            for test in &suite.failed {
                writeln!(out, "  {}: {test}", suite.name)?;
            }
        }
    }
    let short = require_all && skipped > 0;
    if short {
        writeln!(
            out,
            "\nWEIRHOUSE_REQUIRE_ALL=1 is set: a skipped test is a failure"
        )?;
    }
    let nothing = passed + failed + skipped == 0;
    if nothing {
        writeln!(out, "\nno test matched")?;
    }
    writeln!(out, "\n{passed} passed, {failed} failed, {skipped} skipped")?;
    Ok(if failed > 0 || short || nothing {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suite(passed: usize, failed: &[&str], skipped: &[&str]) -> Suite {
        Suite {
            name: "p tests/a.rs".to_owned(),
            passed,
            failed: failed.iter().map(ToString::to_string).collect(),
            skipped: skipped
                .iter()
                .map(|test| ((*test).to_owned(), "lacks it".to_owned()))
                .collect(),
        }
    }

    #[test]
    fn last_line_and_status_tell_the_outcome() {
        let cases = [
            (
                suite(2, &[], &[]),
                false,
                ExitCode::SUCCESS,
                "2 passed, 0 failed, 0 skipped",
            ),
            (
                suite(2, &[], &["x"]),
                false,
                ExitCode::SUCCESS,
                "2 passed, 0 failed, 1 skipped",
            ),
            (
                suite(2, &[], &["x"]),
                true,
                ExitCode::FAILURE,
                "2 passed, 0 failed, 1 skipped",
            ),
            (
                suite(2, &["y"], &[]),
                false,
                ExitCode::FAILURE,
                "2 passed, 1 failed, 0 skipped",
            ),
            (
                suite(0, &[], &[]),
                false,
                ExitCode::FAILURE,
                "0 passed, 0 failed, 0 skipped",
            ),
        ];
        for (suite, require_all, status, last_line) in cases {
            let mut out = Vec::new();
            let outcome = report(&[suite], require_all, &mut out).unwrap();
            let text = String::from_utf8(out).unwrap();
            assert_eq!(text.lines().last(), Some(last_line));
            assert_eq!(outcome, status, "{text}");
        }
    }
}
