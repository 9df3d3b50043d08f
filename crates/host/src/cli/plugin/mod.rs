//! `weirhouse plugin`: for those who write plugins, and those who use them.

mod inspect;
mod installed;
mod list;
mod measure;
mod new;
mod shelf;
mod trial;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use weirhouse_runner::Engine;

use super::data_folder::{DataFolderArgs, HOME, PluginFolderArgs};
use super::exit::{Exit, Failure};
use crate::plugins::{Compiler, Folder, Made};

/// Make, try, install and watch over plugins
///
/// A plugin decides for the entities it claims which readings matter, when they
/// are asked again, how long cache entries live, or what readings become. It is
/// a WebAssembly component in a sandbox; `docs/plugins.md` starts from an empty
/// folder.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Plugin {
    #[command(subcommand)]
    action: Action,
}

const EXAMPLES: &str = "\
Examples:
  weirhouse plugin new --lang js calm-lights
      a folder with a plugin that builds
  weirhouse plugin test calm-lights.wasm --trace day.trace
      what it would have done that day, beside what happens without it
  weirhouse plugin install calm-lights.wasm --grant settings
      put it to work; a running instance takes notice";

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a folder with a plugin that builds
    New(new::New),
    /// Show what a component is and wants, without running more than its description
    Inspect(inspect::Inspect),
    /// Run it under all limits with made-up readings, and say what is wrong
    Check(trial::Check),
    /// Show what it would have made of a recorded trace
    Test(trial::Test),
    /// Measure what it costs
    Bench(measure::Bench),
    /// Put it into the folder of plugins
    Install(installed::Install),
    /// List the plugins of the folder
    List(list::List),
    /// Allow a plugin to import something
    Grant(installed::Grant),
    /// Change a setting of a plugin
    Set(installed::Set),
    /// Let a plugin work again
    Enable(installed::Enable),
    /// Let a plugin rest
    Disable(installed::Disable),
    /// Take a plugin and all that it keeps out of the folder
    Remove(installed::Remove),
    /// Plugins that failed too often
    Quarantine(installed::QuarantineArgs),
}

impl Plugin {
    pub(super) fn run(&self) -> Result<(), Failure> {
        match &self.action {
            Action::New(command) => command.run(),
            Action::Inspect(command) => command.run(),
            Action::Check(command) => command.run(),
            Action::Test(command) => command.run(),
            Action::Bench(command) => command.run(),
            Action::Install(command) => command.run(),
            Action::List(command) => command.run(),
            Action::Grant(command) => command.run(),
            Action::Set(command) => command.run(),
            Action::Enable(command) => command.run(),
            Action::Disable(command) => command.run(),
            Action::Remove(command) => command.run(),
            Action::Quarantine(command) => command.run(),
        }
    }
}

/// Which folder of plugins a command works on.
#[derive(Debug, Args)]
struct WhereArgs {
    #[command(flatten)]
    data: DataFolderArgs,
    #[command(flatten)]
    plugins: PluginFolderArgs,
}

impl WhereArgs {
    fn folder(&self) -> Result<Folder, Failure> {
        Ok(self.plugins.folder(&self.data.path(HOME)?))
    }
}

/// A component that is tried and not installed: compiled into a folder of its
/// own, which goes with the value.
struct Tried {
    made: Made,
    engine: Engine,
    _folder: TemporaryFolder,
}

struct TemporaryFolder(PathBuf);

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Tried {
    fn load(file: &Path) -> Result<Self, Failure> {
        let engine = Engine::new().map_err(Failure::of(Exit::Optimizer))?;
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(Failure::of(Exit::Unexpected))?;
        let name = format!("weirhouse-plugin-{:016x}", u64::from_le_bytes(random));
        let folder = TemporaryFolder(std::env::temp_dir().join(name));
        let compiler = Compiler::of_this_program(Folder::new(&folder.0));
        let made = compiler
            .load(&engine, file)
            .map_err(|error| Failure::new(Exit::Usage, format!("{}: {error}", file.display())))?;
        Ok(Self {
            made,
            engine,
            _folder: folder,
        })
    }
}
