//! What others wrote and tests need: provided before the tests, while there is a network.

use std::env;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::home_assistant;
use crate::progress::step;
use crate::workspace::Workspace;

/// Whether a check that lacks something on this machine is a failure: `WEIRHOUSE_REQUIRE_ALL=1`.
pub(crate) fn requires_all() -> bool {
    env::var_os("WEIRHOUSE_REQUIRE_ALL").is_some_and(|value| value == "1")
}

/// Where everything is; each by itself, for what lacks one may still run.
pub(crate) struct Provided {
    pub(crate) home_assistant: Result<PathBuf>,
    pub(crate) schemathesis: Result<PathBuf>,
    pub(crate) clients: Result<PathBuf>,
    pub(crate) containers: Result<PathBuf>,
    pub(crate) browser: Result<PathBuf>,
    pub(crate) plugins: Result<PathBuf>,
}

impl Provided {
    /// Installs whatever is not there yet: minutes of waiting for a network, where nothing is.
    pub(crate) fn all(workspace: &Workspace) -> Self {
        Self {
            home_assistant: home_assistant::provide(workspace),
            schemathesis: schemathesis(workspace),
            clients: clients(workspace),
            containers: containers(workspace),
            browser: browser(workspace),
            plugins: plugins(workspace),
        }
    }
}

/// Where schemathesis is, which holds the API against its own description; installed now if need be. The error says
/// what is lacking.
fn schemathesis(workspace: &Workspace) -> Result<PathBuf> {
    provide(workspace, "schemathesis")
}

/// Where clients of Home Assistant are that others wrote; installed now if need be. The error says what is lacking.
fn clients(workspace: &Workspace) -> Result<PathBuf> {
    provide(workspace, "clients")
}

/// Where the app's image can be built and run; made now if need be. The error says what is lacking.
fn containers(workspace: &Workspace) -> Result<PathBuf> {
    provide(workspace, "container")
}

/// Where is what drives a browser; installed now if need be. The error says what is lacking.
fn browser(workspace: &Workspace) -> Result<PathBuf> {
    provide(workspace, "page")
}

/// Where is what makes components of plugins in JavaScript and Python; installed now if need be. The error says what is
/// lacking.
pub(crate) fn plugins(workspace: &Workspace) -> Result<PathBuf> {
    provide(workspace, "plugins")
}

/// Runs `provide` of a folder of tests.
fn provide(workspace: &Workspace, name: &str) -> Result<PathBuf> {
    let script = workspace.root.join("tests").join(name).join("provide");
    let output = step(&format!("providing {name}"), || {
        Command::new(&script)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .output()
    })
    .with_context(|| format!("cannot run {}", script.display()))?;
    if !output.status.success() {
        let reason = String::from_utf8_lossy(&output.stderr);
        let last = reason.trim_end().lines().last().unwrap_or_default();
        bail!("{}", last.trim_start_matches(&format!("{name}: ")));
    }
    let text = String::from_utf8(output.stdout)
        .with_context(|| format!("{} wrote no UTF-8", script.display()))?;
    Ok(PathBuf::from(text.trim_end()))
}
