//! Where the precompiled optimizer lies, and loading it.

use std::path::{Path, PathBuf};

use clap::Args;
use weirhouse_runner::{Component, Engine};

use super::exit::{Exit, Failure};

/// Its name in an installation.
const INSTALLED: &str = "weirhouse-core.cwasm";

/// Its place below the target folder of a build tree.
const BUILT: &str = "weirhouse/core.cwasm";

#[derive(Debug, Args)]
#[command(next_help_heading = "Optimizer")]
pub(super) struct OptimizerArgs {
    /// The precompiled optimizer component
    ///
    /// By default weirhouse-core.cwasm beside this program, or the one of the
    /// build tree. It is machine code: name only a file you trust.
    #[arg(
        long,
        value_name = "FILE",
        env = "WEIRHOUSE_CORE",
        hide_env_values = true
    )]
    core: Option<PathBuf>,
}

impl OptimizerArgs {
    /// The file to load.
    pub(super) fn path(&self) -> PathBuf {
        if let Some(path) = &self.core {
            return path.clone();
        }
        let program = std::env::current_exe().unwrap_or_default();
        let beside = program.with_file_name(INSTALLED);
        if beside.exists() {
            return beside;
        }
        in_build_tree(&program).unwrap_or(beside)
    }

    /// A running instance and the engine it runs on.
    pub(super) fn load(&self) -> Result<(Engine, Component), Failure> {
        let engine = Engine::new().map_err(Failure::of(Exit::Optimizer))?;
        let component =
            Component::load(&engine, &self.path()).map_err(Failure::of(Exit::Optimizer))?;
        Ok((engine, component))
    }
}

/// The component built in the target folder this program lies in.
fn in_build_tree(program: &Path) -> Option<PathBuf> {
    program
        .ancestors()
        .find(|folder| folder.file_name().is_some_and(|name| name == "target"))
        .map(|target| target.join(BUILT))
        .filter(|path| path.exists())
}
