//! `cargo xtask ha`: a real Home Assistant on this machine, for a look and for tests.
//!
//! How it is made and run is the business of `tests/home_assistant` and of the tests' harness; this only
//! calls them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, ExitCode, Stdio};

use anyhow::{Context, Result, bail};
use clap::Subcommand;

use crate::progress::step;
use crate::workspace::{Workspace, run as run_command};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make one if there is none yet, and print where it is
    ///
    /// Takes the one that `WEIRHOUSE_HA` names (a venv, or a Debian root folder); else a Python that is
    /// new enough; else, as root on Debian, mmdebstrap. Kept in `~/.cache/weirhouse`, or where
    /// `WEIRHOUSE_CACHE` says.
    Provide,
    /// Start one with the demo integration and noisy sensors
    ///
    /// Prints its address, the file with an access token, and how to log in. It runs until
    /// `cargo xtask ha stop`, and keeps its state for the next start. It serves on loopback only, yet by
    /// its nature listens for multicast DNS (UDP 5353) on every address.
    Start {
        /// Port on 127.0.0.1
        #[arg(long, default_value_t = 8123)]
        port: u16,
        /// Configuration folder [default: target/weirhouse/home-assistant]
        #[arg(long)]
        dir: Option<PathBuf>,
    },
    /// Stop it
    Stop {
        /// Configuration folder [default: target/weirhouse/home-assistant]
        #[arg(long)]
        dir: Option<PathBuf>,
    },
}

pub(crate) fn run(workspace: &Workspace, command: &Command) -> Result<ExitCode> {
    match command {
        Command::Provide => println!("{}", provide(workspace)?.display()),
        Command::Start { port, dir } => {
            let home_assistant = provide(workspace)?;
            let dir = folder(workspace, dir.as_deref())?;
            let mut start = harness(workspace, "start", &dir);
            run_command(
                start
                    .arg("--port")
                    .arg(port.to_string())
                    .env("WEIRHOUSE_HA", home_assistant),
            )?;
        }
        Command::Stop { dir } => run_command(&mut harness(
            workspace,
            "stop",
            &folder(workspace, dir.as_deref())?,
        ))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Where a Home Assistant is, made now if need be; the error says what is lacking.
pub(crate) fn provide(workspace: &Workspace) -> Result<PathBuf> {
    let script = workspace.root.join("tests/home_assistant/provide");
    let output = step("providing a Home Assistant", || {
        Process::new(&script)
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
    })
    .with_context(|| format!("cannot run {}", script.display()))?;
    if !output.status.success() {
        bail!("no Home Assistant can be provided here (`cargo xtask ha provide` says why)");
    }
    let text =
        String::from_utf8(output.stdout).context("tests/home_assistant/provide wrote no UTF-8")?;
    Ok(PathBuf::from(text.trim_end()))
}

/// The harness as a program of its own.
fn harness(workspace: &Workspace, action: &str, dir: &Path) -> Process {
    let mut command = workspace.cargo("run");
    command.args([
        "--quiet",
        "--package",
        "weirhouse-tests",
        "--example",
        "home_assistant",
        "--",
        action,
        "--dir",
    ]);
    command.arg(dir);
    command
}

fn folder(workspace: &Workspace, dir: Option<&Path>) -> Result<PathBuf> {
    let dir = match dir {
        Some(dir) => std::path::absolute(dir)?,
        None => workspace.out_dir()?.join("home-assistant"),
    };
    fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
    Ok(dir)
}
