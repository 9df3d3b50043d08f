//! `cargo xtask bench`: figures of speed and size from a release build, and
//! policies against their rivals.

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::architecture::Programs;
use crate::component;
use crate::dist;
use crate::home_assistant;
use crate::workspace::{Workspace, run as run_command};

/// The bench of speed and size; every other one is a policy's.
pub(crate) const FIGURES: &str = "figures";

/// The bench of reads and streams before a real Home Assistant.
const READER: &str = "reader";

/// Builds what is measured, and measures it.
pub(crate) fn run(workspace: &Workspace, name: &str, arguments: &[String]) -> Result<ExitCode> {
    if name == FIGURES {
        figures(workspace)?;
    } else if name == READER {
        reader(workspace, arguments)?;
    } else {
        policy(workspace, name)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn figures(workspace: &Workspace) -> Result<()> {
    let component = component::build(workspace)?;
    let program = dist::program(workspace, &Programs::Own)?;
    run_command(
        workspace
            .cargo("bench")
            .args(["--package", "weirhouse-tests"])
            .args(["--bench", FIGURES, "--bench", "memory"])
            .env("WEIRHOUSE_BIN", program)
            .env("WEIRHOUSE_CORE_CWASM", &component.cwasm),
    )
}

fn reader(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let home_assistant = home_assistant::provide(workspace)?;
    let component = component::build(workspace)?;
    let program = dist::program(workspace, &Programs::Own)?;
    run_command(
        workspace
            .cargo("bench")
            .args(["--package", "weirhouse-tests", "--bench", READER, "--"])
            .args(arguments)
            .env("WEIRHOUSE_HA", home_assistant)
            .env("WEIRHOUSE_BIN", program)
            .env("WEIRHOUSE_COMPILE", &component.compiler)
            .env("WEIRHOUSE_CORE_WASM", &component.wasm)
            .env("WEIRHOUSE_CORE_CWASM", &component.cwasm),
    )
}

/// A policy needs the core alone, natively.
fn policy(workspace: &Workspace, name: &str) -> Result<()> {
    let folder = workspace.root.join("crates/core/benches");
    let mut known = vec![FIGURES.to_owned(), READER.to_owned()];
    for entry in
        fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?
    {
        known.push(entry?.file_name().to_string_lossy().into_owned());
    }
    known.sort();
    if !known.iter().any(|other| other == name) {
        bail!(
            "there is no bench `{name}`; there are: {}",
            known.join(", ")
        );
    }
    run_command(
        workspace
            .cargo("bench")
            .args(["--package", "weirhouse-core", "--bench", name]),
    )
}
