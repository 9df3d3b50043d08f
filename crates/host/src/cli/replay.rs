//! `weirhouse replay`: what rules would have saved on a recorded trace.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::exit::{Exit, Failure};
use super::optimizer::OptimizerArgs;
use super::output;
use super::rule::{PresetArgs, RuleArgs};
use crate::trace::Reader;
use crate::trace::replay::{ReplayError, replay};

/// Show what rules would have saved on a recorded trace
///
/// Every change of the trace goes through the optimizer in virtual time, which
/// takes seconds for a day. The table says for each entity how many changes
/// came, how many would have been published, and by how much the published
/// value was off at worst. The same trace and rules always give the same table.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Replay {
    /// A trace that `weirhouse record` wrote
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print everything as JSON
    #[arg(long)]
    json: bool,
    /// Show only the entities with the most saved
    #[arg(long, value_name = "COUNT")]
    top: Option<usize>,
    #[command(flatten)]
    rule: RuleArgs,
    #[command(flatten)]
    presets: PresetArgs,
    #[command(flatten)]
    optimizer: OptimizerArgs,
}

const EXAMPLES: &str = "\
Examples:
  weirhouse replay day.trace
      the rules by device class
  weirhouse replay day.trace --no-presets --absolute 0.5 --settle 10s --top 20
      one rule for everything, and the twenty entities it helps most";

impl Replay {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let mut reader = Reader::open(&self.file).map_err(Failure::of(Exit::Usage))?;
        let (_engine, mut component) = self.optimizer.load()?;
        let bar = progress_bar(std::fs::metadata(&self.file).map_or(0, |file| file.len()));
        let options = self.rule.replay(self.presets.enabled());
        let report = replay(&mut reader, &mut component, &options, &mut |bytes| {
            bar.set_position(bytes);
        });
        bar.finish_and_clear();
        let mut report = report.map_err(|error| match error {
            ReplayError::Trace(error) => Failure::new(Exit::Usage, error),
            ReplayError::Optimizer(error) => Failure::new(Exit::Unexpected, error),
        })?;
        let text = if self.json {
            report.entities.truncate(self.top.unwrap_or(usize::MAX));
            let json = serde_json::to_string_pretty(&report);
            json.map_err(Failure::of(Exit::Unexpected))? + "\n"
        } else {
            report.table(self.top)
        };
        output::write(text.as_bytes())
    }
}

/// Bytes of the trace; hidden where standard error is no terminal.
fn progress_bar(bytes: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template(
        "replaying {wide_bar} {percent:>3} % of {total_bytes}, {eta} left",
    );
    ProgressBar::new(bytes).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
