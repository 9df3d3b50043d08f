//! `cargo xtask fuzz`: the fuzz targets of `tests/fuzz`, each for some time.
//!
//! Built directly rather than by cargo-fuzz, whose address sanitizer needs a
//! nightly compiler; coverage counters do not, and there is no unsafe code to
//! watch over. The corpus in the repository is read, never written to: finds of
//! a run lie under `target/fuzz`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::workspace::{Workspace, output, run as run_command};

/// The targets, in the order in which they run.
const TARGETS: [&str; 3] = ["observe", "restore", "scenario"];

/// Counters on every edge, and the operands of comparisons.
const INSTRUMENTATION: [&str; 7] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "--cfg",
    "fuzzing",
];

/// What to fuzz, and for how long.
#[derive(Args)]
pub(crate) struct Options {
    /// Time for each target, in seconds
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    /// Where chance starts; the same number makes the same run, as far as it gets. Without it, anywhere
    #[arg(long)]
    seed: Option<std::num::NonZeroU32>,
    /// Only these, of `observe`, `restore` and `scenario`; by default all
    #[arg(value_name = "TARGET", value_parser = TARGETS)]
    targets: Vec<String>,
}

/// Builds the targets and runs each; the first crash fails.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let targets: Vec<&str> = if options.targets.is_empty() {
        TARGETS.to_vec()
    } else {
        options.targets.iter().map(String::as_str).collect()
    };
    let built = build(workspace, &targets)?;
    for target in targets {
        run_target(workspace, &built, target, options)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Gives the folder of the programs.
fn build(workspace: &Workspace, targets: &[&str]) -> Result<PathBuf> {
    let folder = workspace.target.join("fuzz");
    let machine = host()?;
    let mut cargo = workspace.cargo("build");
    cargo
        .current_dir(workspace.root.join("tests/fuzz"))
        .arg("--locked")
        // Named, so that build scripts and macros stay without counters.
        .args(["--target", &machine])
        .arg("--target-dir")
        .arg(&folder)
        .env("CARGO_ENCODED_RUSTFLAGS", INSTRUMENTATION.join("\u{1f}"));
    if targets.contains(&"scenario") {
        cargo.args(["--features", "scenario"]);
    }
    for target in targets {
        cargo.args(["--bin", target]);
    }
    run_command(&mut cargo)?;
    Ok(folder.join(machine).join("debug"))
}

/// The target triple of this machine.
fn host() -> Result<String> {
    let version = output(Command::new("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc names no host")?.to_owned())
}

fn run_target(workspace: &Workspace, built: &Path, target: &str, options: &Options) -> Result<()> {
    let seconds = options.seconds;
    eprintln!("==> fuzzing {target} for {seconds} s");
    let scratch = workspace.target.join("fuzz");
    let found = scratch.join("found").join(target);
    let crashes = scratch.join("crashes").join(target);
    for folder in [&found, &crashes] {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let corpus = workspace.root.join("tests/fuzz/corpus").join(target);
    let dictionary = workspace
        .root
        .join("tests/fuzz/dictionaries")
        .join(format!("{target}.dict"));
    let program = built.join(target);
    let mut fuzzer = Command::new(&program);
    // New inputs go to the first folder; the others are only read.
    fuzzer
        .arg(&found)
        .arg(&corpus)
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-artifact_prefix={}/", crashes.display()))
        .args([
            "-timeout=120",
            "-rss_limit_mb=2048",
            "-max_len=4096",
            "-print_final_stats=1",
        ]);
    if dictionary.exists() {
        fuzzer.arg(format!("-dict={}", dictionary.display()));
    }
    if let Some(seed) = options.seed {
        fuzzer.arg(format!("-seed={seed}"));
    }
    if run_command(&mut fuzzer).is_err() {
        bail!(
            "{target} failed; the input lies in {}, the newest there. To repeat it: {} INPUT",
            crashes.display(),
            program.display()
        );
    }
    Ok(())
}
