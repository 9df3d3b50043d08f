//! Scenarios: the optimizer driven in virtual time by a JSON Lines file.
//!
//! Line 1 may be `{"configure": {…}}`; every other line is `{"at": MS, OP:
//! ARGS}` and is answered by one `{"at": MS, OP: RESULT}` or `{"at": MS,
//! "error": {"code": …, "message": …}}`. Before a line is applied, everything
//! due at or before its `at` happens and is printed: within one moment first
//! `publish` events, then `flush`, then `deliver`, then `refresh`, then `ready`, then `run`.
//! What runs because of a line follows its answer; what `stop` and `restart` let
//! go precedes it. After the last line everything due at its `at` happens too.
//!
//! `at` is the monotonic clock. `{"at": MS, "wall": MS}` makes the wall clock
//! read another time, counted from the same zero, and is the only line whose
//! `at` may fall; the monotonic clock then stands until `at` has caught up.
//!
//! Keys are printed in a fixed order: `at` first, then the operation or event;
//! within it the order of the format's description. Values are printed as they
//! were written.
//!
//! `fetch`, `fulfil`, `nothing`, `fail`, `ahead`, `event` and `fetch_stats` drive
//! the fetching of what the cache has not; `tests/scenarios/README.md` describes
//! them. Leases are numbered in the order in which they are given, from 1.
//!
//! Nothing here reads a clock, opens a file or reaches a network: the same
//! lines give the same bytes everywhere.

mod arguments;
mod cache_arguments;
mod caching;
mod context;
mod delivering;
mod fetching;
mod flow;
mod flow_arguments;
mod learning;
mod line;
mod metrics;
pub(crate) mod micros;
mod operations;
mod output;
mod planning;
mod resilience;
mod scheduling;
mod series;
mod session;
mod settings;
mod shaping;
mod updates;

use std::error::Error;
use std::io::{BufRead, Write};

use weirhouse_runner::Optimizer;

use session::Session;

/// Makes an optimizer that knows nothing yet. Called once at the start and
/// once for every `restart`.
pub type Fresh<'a> = dyn FnMut() -> Result<Box<dyn Optimizer>, Box<dyn Error + Send + Sync>> + 'a;

/// What ended a scenario before its last line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct ScenarioError {
    /// The line in question, counted from 1.
    pub line: u64,
    /// What is wrong with it and, where that helps, what was meant.
    pub message: String,
    /// Whose fault it is.
    pub kind: ScenarioErrorKind,
}

/// Whose fault the end of a scenario is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScenarioErrorKind {
    /// The line is malformed.
    Malformed,
    /// The lines cannot be read or the answers not be written.
    Io,
    /// The optimizer could not be started, or trapped.
    Optimizer,
}

/// Runs a scenario to its end or to its first malformed line. What was printed
/// before an error is flushed and stays valid.
pub fn run(
    mut lines: impl BufRead,
    mut output: impl Write,
    fresh: &mut Fresh<'_>,
) -> Result<(), ScenarioError> {
    let mut number = 0;
    let outcome = apply_all(&mut lines, &mut output, fresh, &mut number);
    let flushed = output.flush().map_err(|error| Halt::write(&error));
    outcome.and(flushed).map_err(|halt| ScenarioError {
        line: number,
        message: halt.message,
        kind: halt.kind,
    })
}

/// Why a run cannot go on.
#[derive(Debug)]
struct Halt {
    kind: ScenarioErrorKind,
    message: String,
}

impl Halt {
    fn malformed(message: impl Into<String>) -> Self {
        Self {
            kind: ScenarioErrorKind::Malformed,
            message: message.into(),
        }
    }

    fn optimizer(message: impl Into<String>) -> Self {
        Self {
            kind: ScenarioErrorKind::Optimizer,
            message: message.into(),
        }
    }

    fn write(error: &std::io::Error) -> Self {
        Self {
            kind: ScenarioErrorKind::Io,
            message: format!("the answers cannot be written: {error}"),
        }
    }
}

fn apply_all(
    lines: &mut dyn BufRead,
    output: &mut dyn Write,
    fresh: &mut Fresh<'_>,
    number: &mut u64,
) -> Result<(), Halt> {
    let mut session = Session::start(fresh, output)?;
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        let read = lines.read_until(b'\n', &mut bytes).map_err(|error| Halt {
            kind: ScenarioErrorKind::Io,
            message: format!("the scenario cannot be read: {error}"),
        })?;
        if read == 0 {
            return session.finish();
        }
        *number += 1;
        let text = std::str::from_utf8(&bytes)
            .map_err(|error| Halt::malformed(format!("not UTF-8 text: {error}")))?
            .trim_ascii();
        // An empty line says nothing, wherever it stands.
        if text.is_empty() {
            continue;
        }
        let line = line::Line::parse(text).map_err(Halt::malformed)?;
        session.apply(line, *number == 1)?;
    }
}
