//! `cargo xtask bench`: figures of speed and size, from a release build.

use std::process::ExitCode;

use anyhow::Result;

use crate::component;
use crate::release;
use crate::workspace::{Workspace, run as run_command};

/// Builds what is measured, and measures it.
pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    let component = component::build(workspace)?;
    let program = release::build(workspace)?;
    run_command(
        workspace
            .cargo("bench")
            .args(["--package", "weirhouse-tests", "--bench", "figures"])
            .env("WEIRHOUSE_BIN", program)
            .env("WEIRHOUSE_CORE_CWASM", &component.cwasm),
    )?;
    Ok(ExitCode::SUCCESS)
}
