//! Many gates, by number, and what they let through.

use alloc::format;
use alloc::vec::Vec;

use super::call_batch::{CallBatch, CallBatchSettings};
use super::debounce::{Debounce, DebounceSettings};
use super::keyed::{Call, Effects, Keyed};
use super::throttle::{Throttle, ThrottleSettings};
use super::{Item, Key};
use crate::slots::Slots;
use crate::sort::sort_by;
use crate::{Error, Now};

/// Most gates at once: one for each kind of call, not for each call.
const MOST_GATES: usize = 1_000;

/// What a gate does with calls, each key on its own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum GateSettings {
    /// Only the last call of a burst runs.
    Debounce(DebounceSettings),
    /// All run, spaced in time.
    Throttle(ThrottleSettings),
    /// All run, several at a time.
    CallBatch(CallBatchSettings),
}

/// Calls that run now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The gate they went through.
    pub gate: u32,
    /// Their key.
    pub key: Key,
    /// In the order in which they were called: several only behind
    /// [`GateSettings::CallBatch`].
    pub items: Vec<Item>,
}

#[derive(Debug, Clone)]
enum Gate {
    Debounce(Keyed<Debounce>),
    Throttle(Keyed<Throttle>),
    CallBatch(Keyed<CallBatch>),
}

/// Says the same of every kind.
macro_rules! each {
    ($gate:expr, $keyed:ident => $what:expr) => {
        match $gate {
            Gate::Debounce($keyed) => $what,
            Gate::Throttle($keyed) => $what,
            Gate::CallBatch($keyed) => $what,
        }
    };
}

impl Gate {
    fn open(settings: GateSettings) -> Result<Self, Error> {
        Ok(match settings {
            GateSettings::Debounce(settings) => {
                Self::Debounce(Keyed::new(Debounce::check(settings)?))
            }
            GateSettings::Throttle(settings) => {
                Self::Throttle(Keyed::new(Throttle::check(settings)?))
            }
            GateSettings::CallBatch(settings) => {
                Self::CallBatch(Keyed::new(CallBatch::check(settings)?))
            }
        })
    }

    fn configure(&mut self, settings: GateSettings) -> Result<(), Error> {
        match (self, settings) {
            (Self::Debounce(gate), GateSettings::Debounce(settings)) => {
                gate.configure(Debounce::check(settings)?);
            }
            (Self::Throttle(gate), GateSettings::Throttle(settings)) => {
                gate.configure(Throttle::check(settings)?);
            }
            (Self::CallBatch(gate), GateSettings::CallBatch(settings)) => {
                gate.configure(CallBatch::check(settings)?);
            }
            _ => {
                return Err(Error::InvalidArgument(
                    "a gate keeps its kind; close it and open another".into(),
                ));
            }
        }
        Ok(())
    }
}

/// All gates. Nothing of them outlives a restart: the host flushes before it
/// ends.
#[derive(Debug, Clone)]
pub struct Gates {
    slots: Slots<Gate>,
    /// Calls so far.
    calls: u64,
    outbox: Vec<Run>,
}

impl Default for Gates {
    fn default() -> Self {
        Self {
            slots: Slots::new("gates", MOST_GATES),
            calls: 0,
            outbox: Vec::new(),
        }
    }
}

impl Gates {
    /// Opens a gate.
    pub fn open(&mut self, settings: GateSettings) -> Result<u32, Error> {
        self.slots.insert(Gate::open(settings)?)
    }

    /// Changes a gate of the same kind, for the calls to come: what waits keeps
    /// its time.
    pub fn configure(&mut self, gate: u32, settings: GateSettings) -> Result<(), Error> {
        self.slots.get_mut(gate)?.configure(settings)
    }

    /// Ends a gate; its number may be given to another. Gives the calls that
    /// were not handed out yet and now never will be, in the order of calls.
    pub fn close(&mut self, gate: u32) -> Result<Vec<Item>, Error> {
        let mut closed = self.slots.remove(gate)?;
        let (mut items, mut others) = (Vec::new(), Vec::new());
        for run in core::mem::take(&mut self.outbox) {
            if run.gate == gate {
                items.extend(run.items);
            } else {
                others.push(run);
            }
        }
        self.outbox = others;
        let mut effects = Effects::default();
        each!(&mut closed, keyed => keyed.flush(0, &mut effects));
        sort_by(&mut effects.runs, |(one, ..), (other, ..)| one.cmp(other));
        items.extend(effects.runs.into_iter().flat_map(|(_, _, items)| items));
        Ok(items)
    }

    /// Calls, each with its key; no keys at all mean that all have the same, 0.
    /// What runs at once is there for [`Gates::poll`]. Gives the calls that
    /// will never run because a later one does in their place. Refused whole
    /// where more than 100,000 calls might wait in a gate, or as many keys be
    /// remembered.
    pub fn call(
        &mut self,
        now: Now,
        gate: u32,
        keys: &[Key],
        items: &[Item],
    ) -> Result<Vec<Item>, Error> {
        check_keys(keys, items)?;
        let held = self.slots.get_mut(gate)?;
        let now_us = now.mono_us;
        let keys = keys.iter().copied().chain(core::iter::repeat(0));
        let keys = keys.take(items.len());
        each!(&*held, keyed => keyed.check_room(now_us, items.len(), keys.clone()))?;
        let mut effects = Effects::default();
        for (&item, key) in items.iter().zip(keys) {
            let call = Call {
                order: self.calls,
                item,
            };
            self.calls += 1;
            each!(&mut *held, keyed => {
                // What was due before this call is not changed by it.
                keyed.tick(now_us, &mut effects);
                keyed.call(now_us, key, call, &mut effects);
            });
        }
        let superseded = core::mem::take(&mut effects.superseded);
        self.hand_out([(gate, effects)]);
        Ok(superseded)
    }

    /// How many calls wait in a gate.
    pub fn waiting(&self, gate: u32) -> Result<u32, Error> {
        let gate = self.slots.get(gate)?;
        Ok(each!(gate, keyed => keyed.waiting()) as u32)
    }

    /// When the next gate needs a tick.
    pub fn deadline_us(&self) -> Option<u64> {
        let gates = self.slots.iter();
        gates
            .filter_map(|(_, gate)| each!(gate, keyed => keyed.deadline_us()))
            .min()
    }

    /// Runs what is due.
    pub fn tick(&mut self, now_us: u64) {
        self.of_each(|gate, effects| each!(gate, keyed => keyed.tick(now_us, effects)));
    }

    /// Runs everything that waits, at once and in the order of calls. A
    /// throttle lets all of its calls through: better too fast than never.
    pub fn flush(&mut self, now_us: u64) {
        self.of_each(|gate, effects| each!(gate, keyed => keyed.flush(now_us, effects)));
    }

    /// How many calls [`Gates::poll`] would give.
    pub fn ready(&self) -> usize {
        self.outbox.len()
    }

    /// Takes what runs now, in the order in which it became due.
    pub fn poll(&mut self) -> Vec<Run> {
        core::mem::take(&mut self.outbox)
    }

    fn of_each(&mut self, mut act: impl FnMut(&mut Gate, &mut Effects)) {
        let mut all = Vec::new();
        for (number, gate) in self.slots.iter_mut() {
            let mut effects = Effects::default();
            act(gate, &mut effects);
            all.push((number, effects));
        }
        self.hand_out(all);
    }

    fn hand_out(&mut self, effects: impl IntoIterator<Item = (u32, Effects)>) {
        let mut runs: Vec<_> = effects
            .into_iter()
            .flat_map(|(gate, effects)| {
                let runs = effects.runs.into_iter();
                runs.map(move |(due, key, items)| (due, Run { gate, key, items }))
            })
            .enumerate()
            .collect();
        // By place where runs are of one moment that no call tells apart.
        sort_by(&mut runs, |(one, (due, _)), (other, (other_due, _))| {
            due.cmp(other_due).then(one.cmp(other))
        });
        self.outbox
            .extend(runs.into_iter().map(|(_, (_, run))| run));
    }
}

/// Checks that there is a key for each item, or none at all.
pub(super) fn check_keys(keys: &[Key], items: &[Item]) -> Result<(), Error> {
    if keys.is_empty() || keys.len() == items.len() {
        return Ok(());
    }
    Err(Error::InvalidArgument(format!(
        "keys must be none, or as many as items, which are {}, not {}",
        items.len(),
        keys.len()
    )))
}

#[cfg(test)]
mod tests;
