//! The program as it is released.

use std::path::PathBuf;

use anyhow::Result;

use crate::progress::step;
use crate::workspace::{Workspace, run};

/// Builds it; gives its path.
pub(crate) fn build(workspace: &Workspace) -> Result<PathBuf> {
    step(
        "building weirhouse as released (the first time takes minutes)",
        || {
            run(workspace
                .cargo("build")
                .args(["--release", "--package", "weirhouse"]))
        },
    )?;
    let name = format!("weirhouse{}", std::env::consts::EXE_SUFFIX);
    Ok(workspace.target.join("release").join(name))
}
