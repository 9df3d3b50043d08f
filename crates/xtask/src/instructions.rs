//! The bench `instructions` of the core: what tests run under a counter of instructions.

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::progress::step;
use crate::workspace::{Workspace, output};

const NAME: &str = "instructions";

/// Builds it as released; gives its path.
pub(crate) fn build(workspace: &Workspace) -> Result<PathBuf> {
    let messages = step(
        "building the core natively, to count its instructions",
        || {
            output(
                workspace
                    .cargo("bench")
                    .args(["--package", "weirhouse-core", "--bench", NAME])
                    .args(["--no-run", "--message-format=json-render-diagnostics"]),
            )
        },
    )?;
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == NAME)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .context("cargo built the bench, and did not say where")
}
