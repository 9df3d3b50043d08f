//! `weirhouse plan`: how a day of refreshes would go.

use std::path::PathBuf;

use clap::Args;

use super::data_folder::{DataFolderArgs, HOME};
use super::exit::{Exit, Failure};
use super::optimizer::OptimizerArgs;
use super::output;
use super::settings::refused;
use crate::config::Config;
use crate::trace::plan::plan;
use crate::trace::{ChangeRates, Reader};

/// Show how a day of refreshes would go, before a budget is switched on
///
/// The trace says how often each entity changes, and the configuration which
/// are refreshed and what budgets there are. A day is simulated with the very
/// policy: how often each would be refreshed, and how long its changes would
/// stay unseen. What changed between two refreshes while the trace was
/// written, it does not know either.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Plan {
    /// A trace that `weirhouse record` wrote, best of a whole day or more
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The configuration with [[refresh]] and [[budget]]; by default that of the data folder
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print everything as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    folder: DataFolderArgs,
    #[command(flatten)]
    optimizer: OptimizerArgs,
}

const EXAMPLES: &str = "\
Examples:
  weirhouse plan day.trace
      with the refreshes and budgets of this machine's configuration
  weirhouse plan day.trace --config trial.toml
      with those of another file";

impl Plan {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let files = match &self.config {
            Some(file) => vec![file.clone()],
            None => Config::files(None, &self.folder.path(HOME)?),
        };
        let config = Config::read(&files).map_err(|faults| refused(&faults))?;
        let settings = &config.hub;
        if settings.refresh.is_empty() {
            return Err(Failure::new(
                Exit::Usage,
                "nothing is refreshed by this configuration; name entities by [[refresh]] (see docs/configuration.md), or the file that does with --config",
            ));
        }
        let mut reader = Reader::open(&self.file).map_err(Failure::of(Exit::Usage))?;
        let rates = ChangeRates::count(&mut reader).map_err(Failure::of(Exit::Usage))?;
        let (_engine, mut component) = self.optimizer.load()?;
        let plan = plan(&mut component, &settings.refresh, &settings.budgets, &rates);
        let plan = plan.map_err(|fault| {
            let refused = format!("this day cannot be simulated: {fault}");
            Failure::new(Exit::Usage, refused)
        })?;
        if plan.entities.is_empty() {
            let nothing = format!(
                "{} tells nothing of what this configuration refreshes ({}); record the entities for some time",
                self.file.display(),
                plan.unknown.join(", ")
            );
            return Err(Failure::new(Exit::Usage, nothing));
        }
        let text = if self.json {
            let json = serde_json::to_string_pretty(&plan);
            json.map_err(Failure::of(Exit::Unexpected))? + "\n"
        } else {
            plan.table()
        };
        output::write(text.as_bytes())
    }
}
