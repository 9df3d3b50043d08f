//! A plugin against a recorded trace.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::{HOUR_MS, Harness, Timed};
use crate::Plugin;

/// What became of one entity of a trace.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Row {
    /// Readings.
    pub readings: u64,
    /// Publications: of readings, and at moments of their own.
    pub published: u64,
    /// How far what was published was ever away from a reading.
    pub largest_error: f64,
}

/// What is wrong with a trace.
#[derive(Debug)]
pub enum TraceError {
    /// It cannot be read.
    Read(PathBuf, std::io::Error),
    /// A line is no entry.
    Malformed(PathBuf, usize),
}

impl std::fmt::Display for TraceError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Read(path, error) => write!(formatter, "cannot read {}: {error}", path.display()),
            Self::Malformed(path, line) => write!(
                formatter,
                "{}:{line}: expected {{\"t\":MS,\"e\":\"entity\",\"s\":\"state\"}}",
                path.display()
            ),
        }
    }
}

impl std::error::Error for TraceError {}

impl<P: Plugin> Harness<P> {
    /// Gives the plugin every state of a trace of `weirhouse record`, whatever
    /// it claims; says what became of each entity.
    ///
    /// # Errors
    /// When the file cannot be read, or a line is no entry.
    pub fn trace(&mut self, path: impl AsRef<Path>) -> Result<BTreeMap<String, Row>, TraceError> {
        let path = path.as_ref();
        let unreadable = |error| TraceError::Read(path.to_owned(), error);
        let lines = BufReader::new(File::open(path).map_err(unreadable)?).lines();
        let mut rows = BTreeMap::<String, Row>::new();
        let mut shown = BTreeMap::<String, f64>::new();
        let mut last_ms = HOUR_MS;
        // The first line is the header.
        for (number, line) in lines.enumerate().skip(1) {
            let line = line.map_err(unreadable)?;
            let entry: Option<Json> = serde_json::from_str(&line).ok();
            let entry = entry.as_ref().and_then(|it| {
                let state = it["s"].as_str()?;
                Some((it["t"].as_f64()?, it["e"].as_str()?, state))
            });
            let Some((at_ms, entity, state)) = entry else {
                return Err(TraceError::Malformed(path.to_owned(), number + 1));
            };
            // An hour after the epoch, so that nothing is before it.
            last_ms = HOUR_MS + at_ms as u64;
            for timed in self.pass(last_ms) {
                timed.count(&mut rows, &mut shown);
            }
            let outcome = self.read(last_ms, entity, state);
            let row = rows.entry(entity.to_owned()).or_default();
            row.readings += 1;
            row.published += u64::from(outcome.published.is_some());
            if let Some(published) = &outcome.published {
                show(&mut shown, entity, published);
            }
            if let (Some(shown), Ok(number)) = (shown.get(entity), state.parse::<f64>()) {
                row.largest_error = row.largest_error.max((shown - number).abs());
            }
        }
        // What is suppressed settles after the last reading, too.
        let settle_us = self.rule.settle_us.unwrap_or_default();
        for timed in self.pass(last_ms + settle_us.unsigned_abs() / 1000) {
            timed.count(&mut rows, &mut shown);
        }
        Ok(rows)
    }
}

impl Timed {
    fn count(&self, rows: &mut BTreeMap<String, Row>, shown: &mut BTreeMap<String, f64>) {
        rows.entry(self.entity_id.clone()).or_default().published += 1;
        // The last value of a total was followed by what ended it.
        if self.reason != "final" {
            show(shown, &self.entity_id, &self.published);
        }
    }
}

/// Notes what an entity is shown as, if that is a number.
fn show(shown: &mut BTreeMap<String, f64>, entity: &str, published: &str) {
    match published.parse() {
        Ok(number) => shown.insert(entity.to_owned(), number),
        Err(_) => shown.remove(entity),
    };
}
