//! Gates, queues and filters.
//!
//! The optimizer knows calls and items by number; what they carry is
//! remembered here.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;
use weirhouse_runner::wit::filter::{Mode, Rules};
use weirhouse_runner::wit::flow::GateSettings;
use weirhouse_runner::{Fault, Optimizer};

use super::Halt;
use super::flow_arguments::{Call, Filter, Push, Take};
use super::output::{Outcome, Problem, answer, ok};
use super::session::Session;
use super::settings::{Settings, whole};

/// What calls or items carry, and the numbers they and their keys go by.
#[derive(Debug, Default)]
struct Carried {
    values: BTreeMap<u64, Box<RawValue>>,
    last: u64,
    /// From 1 on; 0 stands for no key.
    keys: BTreeMap<String, u64>,
}

impl Carried {
    fn insert(&mut self, value: Box<RawValue>) -> u64 {
        self.last += 1;
        self.values.insert(self.last, value);
        self.last
    }

    fn key(&mut self, name: Option<String>) -> Option<u64> {
        let next = self.keys.len() as u64 + 1;
        name.map(|name| *self.keys.entry(name).or_insert(next))
    }

    fn forget(&mut self, numbers: &[u64]) {
        for number in numbers {
            self.values.remove(number);
        }
    }

    fn take(&mut self, numbers: &[u64]) -> Vec<Box<RawValue>> {
        let values = numbers.iter();
        values
            .filter_map(|number| self.values.remove(number))
            .collect()
    }
}

/// The gate and the queue of a run.
#[derive(Debug, Default)]
pub(super) struct Flow {
    gate: Option<u32>,
    queue: Option<u32>,
    calls: Carried,
    items: Carried,
}

#[derive(Serialize)]
struct Pending<'a> {
    items: Vec<&'a RawValue>,
    dropped: u64,
}

impl Flow {
    /// Opens what is configured in a fresh optimizer.
    pub(super) fn open(optimizer: &mut dyn Optimizer, settings: &Settings) -> Result<Self, Fault> {
        Ok(Self {
            gate: settings
                .gate
                .map(|gate| optimizer.gate_open(gate))
                .transpose()?,
            queue: Some(optimizer.queue_open(settings.bounds())?),
            ..Self::default()
        })
    }
}

impl Session<'_> {
    pub(super) fn call(&mut self, arguments: Call) -> Outcome {
        let Some(gate) = self.flow.gate else {
            return Err(Problem::invalid(
                "there is no gate to call through; give one in `configure.gate`",
            ));
        };
        let key = self.flow.calls.key(arguments.key).unwrap_or(0);
        let item = self.flow.calls.insert(arguments.value);
        let now = self.now();
        match self.optimizer.gate_call(now, gate, &[key], &[item]) {
            Ok(superseded) => self.flow.calls.forget(&superseded),
            Err(fault) => {
                self.flow.calls.forget(&[item]);
                return Err(fault.into());
            }
        }
        ok()
    }

    /// Prints what runs now.
    pub(super) fn print_runs(&mut self) -> Result<(), Halt> {
        let runs = self.optimizer.poll_runs()?;
        let mut rest = runs.items.as_slice();
        for count in runs.counts {
            let (items, others) = rest.split_at_checked(count as usize).unwrap_or((rest, &[]));
            rest = others;
            self.print_run(items)?;
        }
        Ok(())
    }

    /// A run of a call batch is a list of values, any other a single value.
    fn print_run(&mut self, items: &[u64]) -> Result<(), Halt> {
        let values = self.flow.calls.take(items);
        let at = self.moment();
        match (self.settings.gate, values.as_slice()) {
            (Some(GateSettings::CallBatch(_)), values) => self.printer.run(at, &values),
            (_, [value]) => self.printer.run(at, value),
            (_, values) => self.printer.run(at, &values),
        }
    }

    /// Opens, changes or replaces the gate; an old one of another kind lets
    /// through what waits in it.
    pub(super) fn set_gate(&mut self, settings: GateSettings) -> Result<(), Problem> {
        let same_kind = self.settings.gate.is_some_and(|before| {
            std::mem::discriminant(&before) == std::mem::discriminant(&settings)
        });
        match self.flow.gate {
            Some(gate) if same_kind => self.optimizer.gate_configure(gate, settings)?,
            before => {
                let opened = self.optimizer.gate_open(settings)?;
                if let Some(before) = before {
                    let waited = self.optimizer.gate_close(before)?;
                    if matches!(self.settings.gate, Some(GateSettings::CallBatch(_)))
                        && !waited.is_empty()
                    {
                        self.print_run(&waited)?;
                    } else {
                        for item in waited {
                            self.print_run(&[item])?;
                        }
                    }
                }
                self.flow.gate = Some(opened);
            }
        }
        Ok(())
    }

    pub(super) fn push(&mut self, arguments: Push) -> Outcome {
        let queue = self.queue()?;
        let keys: Vec<u64> = self.flow.items.key(arguments.key).into_iter().collect();
        let item = self.flow.items.insert(arguments.item);
        let gone = self.optimizer.queue_push(queue, &keys, &[item])?;
        self.flow.items.forget(&gone.coalesced);
        self.flow.items.forget(&gone.dropped);
        ok()
    }

    /// What waits, oldest first, and how many were dropped so far.
    pub(super) fn pending(&mut self) -> Outcome {
        let queue = self.queue()?;
        let items = self.optimizer.queue_pending(queue)?;
        let values = &self.flow.items.values;
        answer(&Pending {
            items: items
                .iter()
                .filter_map(|item| values.get(item).map(AsRef::as_ref))
                .collect(),
            dropped: self.optimizer.queue_totals(queue)?.dropped,
        })
    }

    pub(super) fn take(&mut self, arguments: &Take) -> Outcome {
        let queue = self.queue()?;
        let most = arguments
            .most
            .map_or(Ok(u32::MAX), |most| whole("most", most))?;
        let items = self.optimizer.queue_take(queue, most)?;
        answer(&self.flow.items.take(&items))
    }

    /// Tells the queue its bounds; what no longer fits is dropped.
    pub(super) fn set_queue(&mut self) -> Result<(), Problem> {
        let queue = self.queue()?;
        let bounds = self.settings.bounds();
        let dropped = self.optimizer.queue_configure(queue, bounds)?;
        self.flow.items.forget(&dropped);
        Ok(())
    }

    fn queue(&self) -> Result<u32, Problem> {
        let queue = self.flow.queue;
        queue.ok_or_else(|| Halt::optimizer("the queue was never opened").into())
    }

    pub(super) fn filter(&mut self, arguments: Filter) -> Outcome {
        let rules = Rules {
            mode: match arguments.mode.as_str() {
                "include" => Mode::Include,
                "exclude" => Mode::Exclude,
                other => {
                    return Err(Problem::invalid(format!(
                        "`mode` is \"{other}\"; it is \"include\" or \"exclude\""
                    )));
                }
            },
            patterns: arguments.patterns,
            exceptions: arguments.exceptions,
        };
        let kept = self.optimizer.filter_kept(&rules, &[arguments.entity])?;
        answer(&kept.first().is_some_and(|kept| *kept != 0))
    }
}
