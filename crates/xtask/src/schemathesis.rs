//! Schemathesis, which holds the API against its own description: provided
//! before the tests, while there is a network.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::progress::step;
use crate::workspace::Workspace;

/// Where the program is, installed now if need be; the error says what is lacking.
pub(crate) fn provide(workspace: &Workspace) -> Result<PathBuf> {
    let script = workspace.root.join("tests/schemathesis/provide");
    let output = step("providing schemathesis", || {
        Command::new(&script)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .output()
    })
    .with_context(|| format!("cannot run {}", script.display()))?;
    if !output.status.success() {
        let reason = String::from_utf8_lossy(&output.stderr);
        let last = reason.trim_end().lines().last().unwrap_or_default();
        bail!("{}", last.trim_start_matches("schemathesis: "));
    }
    let text =
        String::from_utf8(output.stdout).context("tests/schemathesis/provide wrote no UTF-8")?;
    Ok(PathBuf::from(text.trim_end()))
}
