//! Which data folder a command works on.

use std::path::{Path, PathBuf};

use crate::plugins::Folder;
use clap::Args;

use super::exit::{Exit, Failure};

/// The default folder's name among the user's data.
pub(super) const HOME: &str = "weirhouse";

/// The same for a simulation, which must not mix with a home.
pub(super) const DEMO: &str = "weirhouse-demo";

#[derive(Debug, Clone, Args)]
pub(super) struct DataFolderArgs {
    /// Folder for the disk cache, what was learned, and the API tokens
    ///
    /// One instance at a time uses it. Created when missing; only its owner
    /// can read it.
    #[arg(
        long,
        value_name = "DIR",
        env = "WEIRHOUSE_DATA_DIR",
        hide_env_values = true
    )]
    data_dir: Option<PathBuf>,
}

impl DataFolderArgs {
    /// The folder; by default one of this name among the user's data.
    pub(super) fn path(&self, name: &str) -> Result<PathBuf, Failure> {
        if let Some(path) = &self.data_dir {
            return Ok(path.clone());
        }
        // The Supervisor gives an app one folder of its own.
        if std::env::var_os("SUPERVISOR_TOKEN").is_some() {
            return Ok(PathBuf::from("/data"));
        }
        let absolute = |variable| {
            std::env::var_os(variable)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        absolute("XDG_DATA_HOME")
            .or_else(|| absolute("HOME").map(|home| home.join(".local/share")))
            .map(|data| data.join(name))
            .ok_or_else(|| {
                Failure::new(
                    Exit::Usage,
                    "neither XDG_DATA_HOME nor HOME is set: name a data folder with --data-dir",
                )
            })
    }
}

/// Which folder plugins are in.
#[derive(Debug, Clone, Args)]
pub(super) struct PluginFolderArgs {
    /// Folder of the plugins, `plugins` in the data folder by default
    ///
    /// Every .wasm file in it is a plugin.
    #[arg(
        long,
        value_name = "DIR",
        env = "WEIRHOUSE_PLUGINS_DIR",
        hide_env_values = true
    )]
    plugins_dir: Option<PathBuf>,
}

impl PluginFolderArgs {
    /// The folder, for an instance that uses this data folder.
    pub(super) fn folder(&self, data: &Path) -> Folder {
        let kept = data.join("plugins");
        match &self.plugins_dir {
            Some(path) => Folder::new(path).keeping_in(kept),
            None => Folder::new(kept),
        }
    }
}
