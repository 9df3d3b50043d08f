//! One run: an optimizer, its store, virtual time, and everything the host
//! must remember between lines.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use serde_json::value::RawValue;
use weirhouse_runner::wit::types::Instant;
use weirhouse_runner::wit::updates::{BatchTotals, Rule};
use weirhouse_runner::{Optimizer, Reason};

use crate::store::MemoryStore;

use super::arguments::Configure;
use super::context::Numbers;
use super::delivering::Registered;
use super::flow::Flow;
use super::line::Line;
use super::micros::Micros;
use super::operations::{Kind, Operation};
use super::output::{Outcome, Printer, Problem, Publication, ok};
use super::planning::Group;
use super::resilience::UnderWay;
use super::scheduling::Pace;
use super::series::Table;
use super::settings::Settings;
use super::shaping::Shaped;
use super::{Fresh, Halt};

/// The wall clock's reading at the zero of `at`: 2026-01-01T00:00:00Z.
const WALL_AT_ZERO_US: i64 = 1_767_225_600_000_000;

/// Ticks in a row at one moment that may do nothing before the optimizer counts as stuck.
const MOST_IDLE_TICKS: u32 = 1_000;

/// Ticks that one line may let happen, so that every line is answered soon: a
/// day of something every second, a century of something every ten hours.
const MOST_TICKS: u32 = 100_000;

/// Everything of one run.
pub(super) struct Session<'a> {
    pub(super) optimizer: Box<dyn Optimizer>,
    fresh: &'a mut Fresh<'a>,
    pub(super) store: MemoryStore,
    /// Leases by their numbers here, less one.
    pub(super) leases: Vec<u64>,
    pub(super) printer: Printer<'a>,
    /// The monotonic clock, in microseconds.
    mono: i64,
    /// The `at` of the line before.
    line_at: Micros,
    /// What the wall clock is ahead of its start plus the monotonic clock.
    wall_shift: i64,
    pub(super) settings: Settings,
    /// Rules of single series, by name.
    pub(super) rules: BTreeMap<(String, Option<String>), Rule>,
    /// Whether any rule lets the optimizer choose the published number.
    pub(super) centred: bool,
    /// Whether series without a rule that learns are studied.
    pub(super) learns: bool,
    /// Entities that are refreshed, as registered.
    pub(super) schedule: Vec<(String, Pace)>,
    /// Groups of them.
    pub(super) groups: Vec<Group>,
    pub(super) series: Table,
    /// Numbers of the sections and areas of lines.
    pub(super) sections: Numbers,
    pub(super) areas: Numbers,
    /// Sinks as they were registered.
    pub(super) sinks: Vec<Registered>,
    /// Clients of a stream.
    pub(super) shaped: Shaped,
    /// What waiting entities carry, by handle.
    pub(super) carried: BTreeMap<u32, Box<RawValue>>,
    /// Entities that `dirty` put into the batcher.
    pub(super) marked: BTreeSet<u32>,
    /// Updates and coalesced ones that were no business of the batcher's.
    pub(super) uncounted: (u64, u64),
    pub(super) flow: Flow,
    /// Calls under way through a breaker.
    pub(super) under_way: UnderWay,
    stopped: bool,
}

impl<'a> Session<'a> {
    pub(super) fn start(fresh: &'a mut Fresh<'a>, output: &'a mut dyn Write) -> Result<Self, Halt> {
        let settings = Settings::default();
        let mut optimizer = fresh().map_err(|error| Halt::optimizer(error.to_string()))?;
        settings.tell(0, &mut *optimizer)?;
        let flow = Flow::open(&mut *optimizer, &settings)?;
        Ok(Self {
            optimizer,
            fresh,
            store: MemoryStore::new(),
            leases: Vec::new(),
            printer: Printer::new(output),
            mono: 0,
            line_at: Micros(0),
            wall_shift: 0,
            settings,
            rules: BTreeMap::new(),
            centred: false,
            learns: false,
            schedule: Vec::new(),
            groups: Vec::new(),
            series: Table::default(),
            sections: Numbers::default(),
            areas: Numbers::default(),
            sinks: Vec::new(),
            shaped: Shaped::default(),
            carried: BTreeMap::new(),
            marked: BTreeSet::new(),
            uncounted: (0, 0),
            flow,
            under_way: UnderWay::new(),
            stopped: false,
        })
    }

    /// Lets time pass up to a line, applies it and prints its answer.
    pub(super) fn apply(&mut self, line: Line, first: bool) -> Result<(), Halt> {
        let at = match line.at {
            Some(at) => at,
            None if first => Micros(0),
            None => return Err(Halt::malformed("only the first line may leave out `at`")),
        };
        if at < self.line_at && line.operation.kind != Kind::Clock {
            return Err(Halt::malformed(format!(
                "`at` falls from {} to {at}; to set the clock back, write {{\"at\": {}, \"wall\": {at}}}",
                self.line_at, self.line_at
            )));
        }
        self.pass(at.0)?;
        self.mono = self.mono.max(at.0);
        self.line_at = at;
        let name = line.operation.name;
        match self.perform(line.operation) {
            Ok(result) => {
                self.printer.result(at, name, &result)?;
                self.print_runs()
            }
            Err(Problem::Refused { code, message }) => self.printer.error(at, code, &message),
            Err(Problem::Halt(halt)) => Err(halt),
        }
    }

    /// What is due at the moment of the last line still happens.
    pub(super) fn finish(&mut self) -> Result<(), Halt> {
        self.pass(self.mono)
    }

    pub(super) fn now(&self) -> Instant {
        Instant {
            mono: self.mono as u64,
            wall: WALL_AT_ZERO_US + self.mono + self.wall_shift,
        }
    }

    /// The moment that has come, as it is printed.
    pub(super) fn moment(&self) -> Micros {
        Micros(self.mono)
    }

    fn perform(&mut self, operation: Operation) -> Outcome {
        let Operation { name, kind, deed } = operation;
        if self.stopped && matches!(kind, Kind::Act | Kind::Setting) {
            return Err(Problem::Refused {
                code: "stopped",
                message: format!("`{name}` came after `stop`; `restart` starts anew"),
            });
        }
        deed(self)
    }

    /// Makes the wall clock read this from now on, counted from the zero of `at`.
    pub(super) fn set_wall(&mut self, reading: Micros) -> Outcome {
        self.wall_shift = reading.0.clamp(-MOST_WALL_US, MOST_WALL_US) - self.mono;
        ok()
    }

    /// All of a line takes effect, or nothing of it.
    pub(super) fn configure(&mut self, arguments: &Configure) -> Outcome {
        let settings = self.settings.with(arguments)?;
        let mono = self.now().mono;
        let told = settings
            .tell(mono, &mut *self.optimizer)
            .map_err(Problem::from)
            .and_then(|()| match settings.gate {
                Some(gate) if arguments.gate.is_some() => self.set_gate(gate),
                _ => Ok(()),
            });
        if let Err(problem) = told {
            self.settings.tell(mono, &mut *self.optimizer)?;
            return Err(problem);
        }
        self.centred |= arguments
            .significance
            .as_ref()
            .is_some_and(|rule| rule.centred);
        self.settings = settings;
        self.set_queue()?;
        ok()
    }

    /// Performs and prints everything due at or before `until`.
    fn pass(&mut self, until: i64) -> Result<(), Halt> {
        let mut idle = 0;
        let mut ticks = 0;
        while !self.stopped
            && let Some(deadline) = self.optimizer.next_deadline()?
            && deadline <= until as u64
        {
            ticks += 1;
            if ticks > MOST_TICKS {
                return Err(Halt::malformed(format!(
                    "more than {MOST_TICKS} moments at which something is due lie before this line, the next at {} ms; let less time pass at once, or make it rarer",
                    Micros(deadline.cast_signed())
                )));
            }
            let printed = self.printer.lines();
            let later = deadline.cast_signed() > self.mono;
            self.mono = self.mono.max(deadline.cast_signed());
            let now = self.now();
            self.aside_from_batcher(|session| Ok(session.optimizer.tick(now)?))?;
            self.print_due()?;
            // Ticks that find nothing to do are fine while time moves on.
            idle = if later || self.printer.lines() > printed {
                0
            } else {
                idle + 1
            };
            if idle > MOST_IDLE_TICKS {
                return Err(Halt::optimizer(format!(
                    "the optimizer asks for a tick at {} ms again and again and does nothing in it",
                    Micros(self.mono)
                )));
            }
        }
        Ok(())
    }

    /// Takes everything that became due and prints it.
    pub(super) fn print_due(&mut self) -> Result<(), Halt> {
        let at = Micros(self.mono);
        self.print_published()?;
        loop {
            let batch = self.optimizer.poll_batch()?;
            if batch.is_empty() {
                break;
            }
            let values: Vec<_> = batch
                .iter()
                .map(|handle| self.carried.remove(handle))
                .collect();
            let entities: Vec<_> = batch
                .iter()
                .map(|handle| self.series.name(*handle).0)
                .collect();
            self.printer.flush(at, &entities, &values)?;
            self.marked.retain(|handle| !batch.contains(handle));
        }
        self.print_deliveries()?;
        for handle in self.optimizer.poll_refresh()? {
            self.printer.refresh(at, self.series.name(handle).0)?;
        }
        self.print_ready()?;
        self.print_runs()
    }

    /// Prints what is published beside verdicts.
    pub(super) fn print_published(&mut self) -> Result<(), Halt> {
        let at = Micros(self.mono);
        let timed = self.optimizer.poll_published()?;
        let published = timed.series.into_iter().zip(timed.verdicts);
        for ((handle, verdict), number) in published.zip(timed.values) {
            let value = if verdict == Reason::Final as u8 {
                // A newer reading is what the series published.
                super::output::answer(&super::output::Number(number)).ok()
            } else {
                let latest = self
                    .series
                    .values(handle)
                    .and_then(|values| values.latest.clone());
                self.published(handle, latest)?;
                self.series
                    .values(handle)
                    .and_then(|values| values.published.clone())
            };
            let (entity, attribute) = self.series.name(handle);
            self.printer.publish(
                at,
                &Publication {
                    entity,
                    attribute,
                    value: value.as_deref(),
                    reason: &reason(verdict),
                },
            )?;
        }
        Ok(())
    }

    /// Runs what may put published series into the batcher. Where `batch` is
    /// not configured they are not for it: what got in is not counted, and
    /// [`Session::published`] takes it out again.
    pub(super) fn aside_from_batcher<T>(
        &mut self,
        call: impl FnOnce(&mut Self) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        if self.settings.batched {
            return call(self);
        }
        let BatchTotals {
            updates, coalesced, ..
        } = self.optimizer.batch_totals()?;
        let outcome = call(self);
        let after = self.optimizer.batch_totals()?;
        self.uncounted.0 += after.updates - updates;
        self.uncounted.1 += after.coalesced - coalesced;
        outcome
    }

    /// Notes that a series was published with this value.
    pub(super) fn published(
        &mut self,
        handle: u32,
        value: Option<Box<RawValue>>,
    ) -> Result<(), Halt> {
        let value = self.chosen(handle, value)?;
        if let Some(values) = self.series.values_mut(handle) {
            values.published.clone_from(&value);
        }
        let (entity, attribute) = self.series.name(handle);
        let (Some(state), is_state) = (self.series.entity(entity), attribute.is_none()) else {
            return Ok(());
        };
        if !self.settings.batched {
            if !self.marked.contains(&state) {
                self.optimizer.drop_pending(&[state])?;
            }
        } else if is_state && let Some(value) = value {
            self.carried.insert(state, value);
        }
        Ok(())
    }

    /// The value published: the reading itself, unless a centred rule chose
    /// another number within its threshold.
    fn chosen(
        &mut self,
        handle: u32,
        reading: Option<Box<RawValue>>,
    ) -> Result<Option<Box<RawValue>>, Halt> {
        if !self.centred {
            return Ok(reading);
        }
        let number = self
            .optimizer
            .published_numbers(&[handle])?
            .first()
            .copied();
        let read = reading
            .as_deref()
            .and_then(|raw| raw.get().trim_matches('"').parse::<f64>().ok());
        match number {
            Some(number) if number.is_finite() && read != Some(number) => {
                Ok(super::output::answer(&super::output::Number(number)).ok())
            }
            _ => Ok(reading),
        }
    }

    pub(super) fn stop(&mut self) -> Outcome {
        self.flush()?;
        for (entity, _) in std::mem::take(&mut self.schedule) {
            if let Some(handle) = self.series.entity(&entity) {
                self.optimizer.unregister(handle)?;
            }
        }
        self.stopped = true;
        ok()
    }

    fn flush(&mut self) -> Result<(), Problem> {
        let now = self.now();
        self.aside_from_batcher(|session| Ok(session.optimizer.flush(now)?))?;
        Ok(self.print_due()?)
    }

    /// Stops, and starts a fresh optimizer with what the old one had learned
    /// and with the settings, rules and schedules of the host.
    pub(super) fn restart(&mut self) -> Outcome {
        if !self.stopped {
            self.flush()?;
        }
        let now = self.now();
        let snapshot = self.optimizer.snapshot(now)?;
        self.optimizer = (self.fresh)().map_err(|error| Halt::optimizer(error.to_string()))?;
        let restored = self.optimizer.restore(now, &snapshot);
        self.settings.tell(now.mono, &mut *self.optimizer)?;
        self.optimizer.set_learning(self.learns)?;
        self.series
            .reintern(&mut *self.optimizer, restored.is_ok())?;
        for ((entity, attribute), rule) in &self.rules {
            let handles = self
                .series
                .intern(&mut *self.optimizer, entity, attribute.as_deref())?;
            self.optimizer.set_rule(&[handles.series], Some(rule))?;
        }
        self.reopen_groups()?;
        for (entity, pace) in &self.schedule {
            let handles = self.series.intern(&mut *self.optimizer, entity, None)?;
            pace.register(&mut *self.optimizer, now, handles.entity)?;
        }
        self.register_sinks()?;
        self.perform_removals()?;
        self.shaped = Shaped::default();
        self.carried.clear();
        self.marked.clear();
        self.uncounted = (0, 0);
        self.flow = Flow::open(&mut *self.optimizer, &self.settings)?;
        self.under_way.clear();
        self.stopped = false;
        restored?;
        ok()
    }
}

/// Farthest reading of the wall clock from its start: 285 years either way.
const MOST_WALL_US: i64 = 1 << 53;

/// The word for a verdict, or its code where this program has none.
pub(super) fn reason(verdict: u8) -> String {
    Reason::from_code(verdict).map_or_else(
        || format!("code-{verdict:#04x}"),
        |reason| reason.name().to_owned(),
    )
}

impl From<Problem> for Halt {
    /// Where no answer is due, a refusal is a fault of the optimizer's.
    fn from(problem: Problem) -> Self {
        match problem {
            Problem::Refused { message, .. } => Self::optimizer(message),
            Problem::Halt(halt) => halt,
        }
    }
}
