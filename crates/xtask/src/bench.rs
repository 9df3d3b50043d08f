//! `cargo xtask bench`: figures of speed and size, from a release build.

use std::process::ExitCode;

use anyhow::Result;

use crate::component;
use crate::progress::step;
use crate::workspace::{Workspace, run as run_command};

/// Builds what is measured, and measures it.
pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    let component = component::build(workspace)?;
    step(
        "building weirhouse as released (the first time takes minutes)",
        || {
            run_command(
                workspace
                    .cargo("build")
                    .args(["--release", "--package", "weirhouse"]),
            )
        },
    )?;
    let program = workspace
        .target
        .join("release")
        .join(format!("weirhouse{}", std::env::consts::EXE_SUFFIX));
    run_command(
        workspace
            .cargo("bench")
            .args(["--package", "weirhouse-tests", "--bench", "figures"])
            .env("WEIRHOUSE_BIN", program)
            .env("WEIRHOUSE_CORE_CWASM", &component.cwasm),
    )?;
    Ok(ExitCode::SUCCESS)
}
