//! A trace through an optimizer, in virtual time: what a configuration would
//! have saved, and what it would have cost in accuracy.
//!
//! Entries are handed over as the running host does it: collected for the
//! length of a window, then in one call. An entry counts as one write; it is
//! published when its state or one of its changed attributes is.
//! Nothing is published to anyone, and no cache is involved.

mod entity;

use std::collections::HashMap;
use std::io::BufRead;
use std::time::Duration;

use crate::plugins::{Advice, Seen};
use serde_json::Value;
use weirhouse_runner::wit::entities::Series;
use weirhouse_runner::wit::types::Instant;
use weirhouse_runner::wit::updates::{Combine, Publishing, Rule};
use weirhouse_runner::{Fault, Optimizer, PUBLISH, Reason};

use super::report::saving;
use super::{Entry, Reader, TraceError};
use entity::Entity;

pub use super::report::{EntityReport, Report, Totals};

/// How long entries are collected before they are handed over together.
const WINDOW: Duration = Duration::from_millis(100);

/// What to try on a trace.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ReplayOptions {
    /// Least absolute difference that matters.
    pub absolute: Option<f64>,
    /// Least difference that matters as a fraction of the value published.
    pub percentage: Option<f64>,
    /// Whether one of both thresholds is enough; else both must be reached.
    pub any: bool,
    /// Whether any number within the absolute threshold of a reading may be
    /// published for it.
    pub centred: bool,
    /// Publish the current value when nothing was published for this long.
    pub max_age: Option<Duration>,
    /// Publish the last suppressed value once an entity was quiet this long.
    pub settle: Option<Duration>,
    /// Whether presets by device class apply in place of these thresholds where
    /// there is one.
    pub presets: bool,
}

/// Why a replay has no report.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The trace cannot be read to its end.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// The optimizer refused an option or an entry, or failed.
    #[error("the optimizer does not take this replay: {0}")]
    Optimizer(#[from] Fault),
}

/// Replays a trace through a fresh optimizer. `progress` is told the bytes read
/// so far, once for every window.
pub fn replay<R: BufRead>(
    reader: &mut Reader<R>,
    optimizer: &mut dyn Optimizer,
    options: &ReplayOptions,
    progress: &mut dyn FnMut(u64),
) -> Result<Report, ReplayError> {
    replay_advised(reader, optimizer, options, None, progress)
}

/// Who is asked about each state before the optimizer; the time is that of the
/// trace, in milliseconds. `None` for one that is not its business.
pub type Adviser<'a> = &'a mut dyn FnMut(u64, Seen) -> Option<Advice>;

/// [`replay`] with advice on states.
pub fn replay_advised<R: BufRead>(
    reader: &mut Reader<R>,
    optimizer: &mut dyn Optimizer,
    options: &ReplayOptions,
    adviser: Option<Adviser<'_>>,
    progress: &mut dyn FnMut(u64),
) -> Result<Report, ReplayError> {
    optimizer.set_default_rule(&options.rule())?;
    optimizer.use_presets(options.presets)?;
    let mut run = Replay::new(optimizer, options.centred, adviser);
    let mut truncated_line = None;
    let mut last = Duration::ZERO;
    let mut window: Vec<Entry> = Vec::new();
    while let Some(entry) = reader.next() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(TraceError::Truncated { line, .. }) => {
                truncated_line = Some(line);
                break;
            }
            Err(error) => return Err(error.into()),
        };
        last = entry.at;
        if window
            .first()
            .is_some_and(|first| entry.at >= first.at + WINDOW)
        {
            run.take(&window)?;
            window.clear();
            progress(reader.bytes());
        }
        window.push(entry);
    }
    run.take(&window)?;
    progress(reader.bytes());
    run.finish(options.settle)?;
    let header = reader.header().clone();
    Ok(Report {
        source: header.source,
        started: header.started,
        duration_ms: last.as_micros() as f64 / 1000.0,
        truncated_line,
        totals: run.totals(),
        entities: run.entities(),
    })
}

impl ReplayOptions {
    /// The thresholds and times in the optimizer's words.
    pub fn rule(&self) -> Rule {
        let micros = |length: Duration| i64::try_from(length.as_micros()).unwrap_or(i64::MAX);
        Rule {
            absolute: self.absolute,
            percentage: self.percentage,
            combine: if self.any { Combine::Any } else { Combine::All },
            max_age: self.max_age.map(micros),
            settle: self.settle.map(micros),
            publishing: if self.centred {
                Publishing::Centred
            } else {
                Publishing::Exact
            },
            ..Rule::default()
        }
    }
}

/// A replay under way.
struct Replay<'a, 'b> {
    optimizer: &'a mut dyn Optimizer,
    adviser: Option<Adviser<'b>>,
    /// Whether what is published may be another number than what was read.
    centred: bool,
    entities: Vec<Entity>,
    by_name: HashMap<String, usize>,
    /// What a handle is: the entity's place, and whether it is its state.
    by_handle: HashMap<u32, (usize, bool)>,
    timed: u64,
    batches: u64,
    batched: u64,
    now_us: u64,
}

/// The readings of one window as the optimizer takes them.
#[derive(Default)]
struct Columns {
    series: Vec<u32>,
    text: String,
    lengths: Vec<u32>,
    /// How many readings each entry of the window gave.
    per_entry: Vec<usize>,
}

impl Columns {
    fn push(&mut self, series: u32, text: &str) {
        self.series.push(series);
        self.text.push_str(text);
        self.lengths.push(text.len() as u32);
    }
}

impl<'a, 'b> Replay<'a, 'b> {
    fn new(optimizer: &'a mut dyn Optimizer, centred: bool, adviser: Option<Adviser<'b>>) -> Self {
        Self {
            optimizer,
            adviser,
            centred,
            entities: Vec::new(),
            by_name: HashMap::new(),
            by_handle: HashMap::new(),
            timed: 0,
            batches: 0,
            batched: 0,
            now_us: 0,
        }
    }

    /// Reports the entries of one window, when it closes.
    fn take(&mut self, window: &[Entry]) -> Result<(), Fault> {
        let Some(first) = window.first() else {
            return Ok(());
        };
        self.pass((first.at + WINDOW).as_micros() as u64)?;
        // What was published in place of a reading is only known until the next.
        let together = if self.centred || self.adviser.is_some() {
            1
        } else {
            window.len()
        };
        window
            .chunks(together)
            .try_for_each(|entries| self.observe(entries))
    }

    /// Hands entries over in one call.
    fn observe(&mut self, entries: &[Entry]) -> Result<(), Fault> {
        let mut columns = Columns::default();
        for entry in entries {
            let before = columns.series.len();
            self.column(entry, &mut columns)?;
            columns.per_entry.push(columns.series.len() - before);
        }
        let advice = self.advice(entries)?;
        let Columns {
            series,
            text,
            lengths,
            per_entry,
        } = columns;
        let now = self.now();
        let verdicts = match advice {
            None => self
                .optimizer
                .observe_texts(now, &series, &text, &lengths, &[])?,
            Some(advice) => {
                // The state comes first; attributes are nobody's business.
                let mut opinions = vec![0; series.len()];
                let mut numbers = vec![f64::NAN; series.len()];
                let mut delays = vec![0; series.len()];
                if let (Some(opinion), Some(number), Some(delay)) = (
                    opinions.first_mut(),
                    numbers.first_mut(),
                    delays.first_mut(),
                ) {
                    (*opinion, *number, *delay) = (advice.opinion, advice.number, advice.delay_us);
                }
                self.optimizer
                    .observe_advised(now, &series, &text, &lengths, &opinions, &numbers, &delays)?
            }
        };
        let mut readings = series.iter().zip(verdicts);
        for (entry, count) in entries.iter().zip(per_entry) {
            self.judge(entry, readings.by_ref().take(count))?;
        }
        Ok(())
    }

    /// What is advised on the one entry of a call, if anybody is asked.
    fn advice(&mut self, entries: &[Entry]) -> Result<Option<Advice>, Fault> {
        let (Some(adviser), [entry]) = (self.adviser.as_mut(), entries) else {
            return Ok(None);
        };
        let place = self.by_name.get(&entry.entity);
        let Some(entity) = place.and_then(|place| self.entities.get(*place)) else {
            return Ok(None);
        };
        let now_ms = self.now_us / 1000;
        let mut seen = entity.seen(&entry.state, now_ms);
        seen.tolerance = self.optimizer.rule_of(entity.state)?.absolute;
        Ok(adviser(now_ms, seen))
    }

    /// Adds the state and the changed attributes of one entry.
    fn column(&mut self, entry: &Entry, columns: &mut Columns) -> Result<(), Fault> {
        let place = self.entity(&entry.entity)?;
        let Some(entity) = self.entities.get_mut(place) else {
            return Ok(());
        };
        if entity.facts_changed(&entry.attributes) {
            self.optimizer.describe(entity.state, &entity.facts)?;
        }
        columns.push(entity.state, &entry.state);
        for (name, value) in &entry.attributes {
            let handle = if let Some(handle) = entity.attributes.get(name) {
                *handle
            } else {
                let handle = intern(self.optimizer, &entity.name, Some(name))?;
                entity.attributes.insert(name.clone(), handle);
                self.by_handle.insert(handle, (place, false));
                handle
            };
            match value {
                Value::String(text) => columns.push(handle, text),
                other => columns.push(handle, &other.to_string()),
            }
        }
        Ok(())
    }

    fn entity(&mut self, name: &str) -> Result<usize, Fault> {
        if let Some(place) = self.by_name.get(name) {
            return Ok(*place);
        }
        let state = intern(self.optimizer, name, None)?;
        let place = self.entities.len();
        self.entities.push(Entity::new(name, state));
        self.by_name.insert(name.to_owned(), place);
        self.by_handle.insert(state, (place, true));
        Ok(place)
    }

    /// Accounts for one entry by the verdicts on its readings.
    fn judge<'v>(
        &mut self,
        entry: &Entry,
        readings: impl Iterator<Item = (&'v u32, u8)>,
    ) -> Result<(), Fault> {
        let place = self.by_name.get(&entry.entity);
        let Some(entity) = place.and_then(|place| self.entities.get_mut(*place)) else {
            return Ok(());
        };
        let mut published = false;
        let mut state_published = false;
        let mut chosen = self.centred;
        for (handle, verdict) in readings {
            let publish = verdict & PUBLISH != 0;
            published |= publish;
            state_published |= publish && *handle == entity.state;
            chosen |= verdict == Reason::Advised as u8;
        }
        entity.count(&entry.state, published);
        if state_published {
            entity.publish_latest(self.now_us / 1000);
            if chosen {
                let numbers = self.optimizer.published_numbers(&[entity.state])?;
                entity.publish(numbers.first().copied());
            }
        }
        entity.note_error();
        Ok(())
    }

    /// Lets time pass, with everything it causes.
    fn pass(&mut self, until_us: u64) -> Result<(), Fault> {
        while let Some(deadline) = self.optimizer.next_deadline()?
            && deadline <= until_us
        {
            // At least a microsecond on: a deadline already past means now.
            self.now_us = deadline.max(self.now_us + 1).min(until_us);
            let now = self.now();
            self.optimizer.tick(now)?;
            self.collect()?;
            if self.now_us == until_us {
                break;
            }
        }
        self.now_us = self.now_us.max(until_us);
        Ok(())
    }

    fn collect(&mut self) -> Result<(), Fault> {
        let timed = self.optimizer.poll_published()?;
        for (handle, verdict) in timed.series.into_iter().zip(timed.verdicts) {
            self.timed += 1;
            let Some((place, is_state)) = self.by_handle.get(&handle) else {
                continue;
            };
            if let Some(entity) = self.entities.get_mut(*place) {
                entity.after += 1;
                // What ended a total was published by its own verdict.
                if *is_state && verdict != Reason::Final as u8 {
                    entity.publish_latest(self.now_us / 1000);
                }
            }
        }
        loop {
            let batch = self.optimizer.poll_batch()?;
            if batch.is_empty() {
                return Ok(());
            }
            self.batches += 1;
            self.batched += batch.len() as u64;
        }
    }

    /// Lets suppressed values settle, and what waits leave.
    fn finish(&mut self, settle: Option<Duration>) -> Result<(), Fault> {
        let settled = settle.unwrap_or_default().as_micros() as u64;
        self.pass(self.now_us.saturating_add(settled))?;
        let now = self.now();
        self.optimizer.flush(now)?;
        self.collect()
    }

    fn now(&self) -> Instant {
        Instant {
            mono: self.now_us,
            wall: self.now_us.cast_signed(),
        }
    }

    fn totals(&self) -> Totals {
        let before = self.entities.iter().map(|entity| entity.before).sum();
        let after = self.entities.iter().map(|entity| entity.after).sum();
        let (saved, suppressed) = saving(before, after);
        Totals {
            before,
            after,
            timed: self.timed,
            saved,
            suppressed,
            batches: self.batches,
            batched: self.batched,
        }
    }

    fn entities(self) -> Vec<EntityReport> {
        let mut reports: Vec<_> = self.entities.into_iter().map(Entity::report).collect();
        reports.sort_by(|a, b| b.saved.cmp(&a.saved).then_with(|| a.entity.cmp(&b.entity)));
        reports
    }
}

fn intern(
    optimizer: &mut dyn Optimizer,
    entity: &str,
    attribute: Option<&str>,
) -> Result<u32, Fault> {
    let series = Series {
        entity: entity.to_owned(),
        attribute: attribute.map(str::to_owned),
    };
    let handles = optimizer.intern(&[series])?;
    match handles[..] {
        [handle] => Ok(handle),
        _ => Err(Fault::Dead(
            "interning one series gave no single handle".into(),
        )),
    }
}
