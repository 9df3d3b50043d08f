//! `weirhouse config`: what is configured, and whether it can be.

use std::path::PathBuf;

use clap::{ArgMatches, Args, Subcommand};

use super::data_folder::{DataFolderArgs, HOME};
use super::exit::Failure;
use super::home_assistant::{self, HomeAssistantArgs};
use super::log::LogArgs;
use super::optimizer::OptimizerArgs;
use super::output::{self, tell};
use super::settings::{SettingsArgs, Sources, read_alone, refused};
use crate::config::Faults;

/// Check or show the configuration
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Configuration {
    #[command(subcommand)]
    action: Action,
}

const EXAMPLES: &str = "\
Examples:
  weirhouse config check weirhouse.toml
      names file, line and key of everything that is wrong, and what is accepted
  weirhouse config show --absolute 0.5
      what would be in force with this option, and where each value comes from";

#[derive(Debug, Subcommand)]
enum Action {
    /// Say everything that is wrong with a configuration
    ///
    /// The optimizer is asked about rules, too. Nothing is started.
    Check {
        /// The file; if not given, all that an instance would read
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
        #[command(flatten)]
        all: Everything,
        #[command(flatten)]
        optimizer: OptimizerArgs,
    },
    /// Print the values in force, each with where it came from
    ///
    /// The result is a configuration file itself. It names files of tokens,
    /// and holds no token.
    Show {
        #[command(flatten)]
        all: Everything,
    },
}

/// Where values can come from.
#[derive(Debug, Clone, Args)]
struct Everything {
    #[command(flatten)]
    folder: DataFolderArgs,
    #[command(flatten)]
    settings: SettingsArgs,
    #[command(flatten)]
    home_assistant: HomeAssistantArgs,
}

impl Everything {
    fn sources(&self, log: &LogArgs, matches: &ArgMatches) -> Result<Sources, Failure> {
        Ok(Sources {
            settings: self.settings.clone(),
            home_assistant: Some(self.home_assistant.clone()),
            log: log.clone(),
            matches: matches.clone(),
            folder: self.folder.path(HOME)?,
            noted: None,
        })
    }
}

impl Configuration {
    pub(super) fn run(&self, log: &LogArgs, matches: &ArgMatches) -> Result<(), Failure> {
        // Those of the action, which has the options.
        let matches = matches.subcommand().map_or(matches, |(_, inner)| inner);
        match &self.action {
            Action::Show { all } => {
                let config = all.sources(log, matches)?.read();
                let config = config.map_err(|faults| refused(&faults))?;
                output::write(config.show().as_bytes())
            }
            Action::Check {
                file,
                all,
                optimizer,
            } => {
                let config = if let Some(path) = file {
                    read_alone(path)?
                } else {
                    let config = all.sources(log, matches)?.read();
                    config.map_err(|faults| refused(&faults))?
                };
                let (_engine, mut core) = optimizer.load()?;
                let verdicts = [
                    config.verify(&mut core),
                    home_assistant::check(&config, file.is_none()),
                ];
                let faults = verdicts.into_iter().filter_map(Result::err);
                if let Some(faults) = faults.reduce(Faults::and) {
                    return Err(refused(&faults));
                }
                tell("the configuration can be used");
                Ok(())
            }
        }
    }
}
