//! `weirhouse scenario`: the optimizer driven by a file, in virtual time.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use weirhouse_runner::{Component, Engine};

use super::exit::{Exit, Failure};
use super::optimizer::OptimizerArgs;
use super::output::Pipe;
use crate::scenario::{self, ScenarioErrorKind};

/// Drive the optimizer with JSON Lines in virtual time
///
/// Every file is fed to a fresh optimizer; the answers are printed as JSON
/// Lines. The same file gives the same bytes on every machine, which makes it
/// a good attachment to a bug report.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Scenario {
    /// Scenario files; - is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    optimizer: OptimizerArgs,
}

const EXAMPLES: &str = r#"Example:
  $ weirhouse scenario - <<'END'
  {"configure": {"significance": {"absolute": 0.5}}}
  {"at": 0, "observe": {"entity": "sensor.porch", "value": "20.0"}}
  {"at": 1000, "observe": {"entity": "sensor.porch", "value": "20.3"}}
  END

A malformed line ends the run with exit status 2 and a message that names it."#;

impl Scenario {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let engine = Engine::new().map_err(Failure::of(Exit::Optimizer))?;
        let core = self.optimizer.path();
        // A component that cannot be loaded at all is no fault of the scenario.
        Component::load(&engine, &core).map_err(Failure::of(Exit::Optimizer))?;
        let mut output = BufWriter::new(Pipe::new(io::stdout().lock()));
        for file in &self.files {
            run_file(file, &engine, &core, &mut output)?;
        }
        Ok(())
    }
}

fn run_file(
    file: &Path,
    engine: &Engine,
    core: &Path,
    output: &mut impl Write,
) -> Result<(), Failure> {
    let mut fresh = || {
        let component = Component::load(engine, core)?;
        Ok(Box::new(component) as Box<dyn weirhouse_runner::Optimizer>)
    };
    let (name, outcome) = if file == Path::new("-") {
        let name = "standard input".to_owned();
        (name, scenario::run(io::stdin().lock(), output, &mut fresh))
    } else {
        let name = file.display().to_string();
        let lines = File::open(file).map_err(|error| {
            Failure::new(
                Exit::Usage,
                format!("cannot read the scenario {name}: {error}"),
            )
        })?;
        (
            name,
            scenario::run(BufReader::new(lines), output, &mut fresh),
        )
    };
    outcome.map_err(|error| {
        let exit = match error.kind {
            ScenarioErrorKind::Malformed => Exit::Usage,
            ScenarioErrorKind::Io => Exit::Unexpected,
            ScenarioErrorKind::Optimizer => Exit::Optimizer,
        };
        Failure::new(exit, format!("{name}: {error}"))
    })
}
