//! An optimizer under fuzz, and what must hold whatever it is told.
//!
//! Nothing panics; what is refused changed nothing; totals add up; a snapshot
//! is always taken by a fresh optimizer, which then gives the same again.
//!
//! That a refused call changed nothing is seen from a second optimizer, which is
//! told the same except for those calls: the two must be equal in all they hold
//! and in all they do from then on.

mod cache;
mod calls;
mod sight;
mod updates;

use weirhouse_core::resilience::Permit;
use weirhouse_core::{Error, Instant, Now, Optimizer};

use crate::argument::Passing;
use crate::operation::{Operation, Step, Time};

/// What a call came to: all that matters here is whether it was refused.
type Outcome = Result<(), Error>;

/// An optimizer, the clocks, and what it handed out to be given back.
pub struct Machine {
    optimizer: Optimizer,
    clock: Instant,
    deliveries: Vec<(u32, u64)>,
    leases: Vec<u64>,
    permits: Vec<Permit>,
    removals: Vec<u64>,
}

impl Default for Machine {
    fn default() -> Self {
        Self {
            optimizer: Optimizer::new(),
            clock: Instant {
                mono_us: 1_000_000,
                wall_us: 1_750_000_000_000_000,
            },
            deliveries: Vec::new(),
            leases: Vec::new(),
            permits: Vec::new(),
            removals: Vec::new(),
        }
    }
}

impl Machine {
    /// Takes an optimizer through these steps, and checks what must hold.
    ///
    /// # Panics
    ///
    /// Where something does not hold that must.
    pub fn follow(steps: &[Step]) {
        let mut machine = Self::default();
        let outcomes: Vec<Outcome> = steps.iter().map(|step| machine.step(step)).collect();
        machine.check_snapshot();
        let refused: Vec<_> = outcomes.iter().filter_map(|it| it.as_ref().err()).collect();
        if refused.is_empty() {
            return;
        }
        let mut spared = Self::default();
        for (step, outcome) in steps.iter().zip(&outcomes) {
            if outcome.is_ok() {
                let again = spared.step(step);
                assert!(again.is_ok(), "{again:?} without what was refused before");
            } else {
                spared.pass(step.passing);
            }
        }
        let because = format!("refused, yet something changed: {refused:?}");
        machine.look().assert_same(&spared.look(), &because);
    }

    /// Lets time pass, makes the call, and checks the totals after it.
    fn step(&mut self, step: &Step) -> Outcome {
        self.pass(step.passing);
        let outcome = self.call(&step.operation);
        if let Err(error) = &outcome {
            assert!(!error.to_string().is_empty());
        }
        self.check_totals();
        outcome
    }

    /// Checks that what was learned survives a restart.
    fn check_snapshot(&mut self) {
        let bytes = self.optimizer.snapshot(self.clock);
        let once = restored(self.clock, &bytes).snapshot(self.clock);
        let twice = restored(self.clock, &once).snapshot(self.clock);
        assert_eq!(once, twice, "a snapshot restored gives another");
    }

    fn now(&mut self) -> Now {
        self.optimizer.moment(self.clock)
    }

    fn pass(&mut self, passing: Passing) {
        const SECOND: u64 = 1_000_000;
        let on = match passing {
            Passing::Nothing => 0,
            Passing::Short(micros) => u64::from(micros),
            Passing::Seconds(seconds) => u64::from(seconds) * SECOND,
            Passing::Hours(hours) => u64::from(hours) * 3600 * SECOND,
            Passing::Jump(to_us) => {
                self.clock.mono_us = to_us;
                0
            }
            Passing::WallJump(to_us) => {
                self.clock.wall_us = to_us;
                0
            }
            Passing::Back(seconds) => {
                let back = u64::from(seconds) * SECOND;
                self.clock.mono_us = self.clock.mono_us.saturating_sub(back);
                self.clock.wall_us = self.clock.wall_us.saturating_sub_unsigned(back);
                0
            }
        };
        self.clock.mono_us = self.clock.mono_us.saturating_add(on);
        self.clock.wall_us = self.clock.wall_us.saturating_add_unsigned(on);
        // Seen by every call, a refused one included.
        self.now();
    }

    fn call(&mut self, operation: &Operation) -> Outcome {
        match operation {
            Operation::Entities(call) => self.entities(call),
            Operation::Updates(call) => self.updates(call),
            Operation::Time(call) => self.time(call),
            Operation::Batching(call) => self.batching(call),
            Operation::Delivery(call) => self.delivery(call),
            Operation::Schedule(call) => self.schedule(call),
            Operation::Cache(call) => self.cache(call),
            Operation::Fetch(call) => self.fetch(call),
            Operation::Removals(call) => self.removals(call),
            Operation::Flow(call) => self.flow(call),
            Operation::Resilience(call) => self.resilience(call),
            Operation::Context(call) => self.context(call),
            Operation::Metrics(call) => self.metrics(call),
        }
    }

    fn time(&mut self, call: &Time) -> Outcome {
        let clock = self.clock;
        match call {
            Time::Tick => {
                self.optimizer.tick(clock);
            }
            Time::Flush => self.optimizer.flush(clock),
            Time::Snapshot => self.check_snapshot(),
            Time::Restart => {
                let bytes = self.optimizer.snapshot(clock);
                *self = Self {
                    optimizer: restored(clock, &bytes),
                    clock,
                    ..Self::default()
                };
            }
            Time::RestoreOver => {
                let bytes = self.optimizer.snapshot(clock);
                let fresh = self.optimizer.all_handles().is_empty();
                let outcome = self.optimizer.restore(clock, &bytes);
                assert_eq!(fresh, outcome.is_ok(), "{outcome:?}");
                outcome?;
            }
        }
        Ok(())
    }

    fn check_totals(&self) {
        let updates = self.optimizer.update_totals();
        assert_eq!(updates.observed, updates.published + updates.suppressed);
        assert!(updates.late <= updates.suppressed);
        let batches = self.optimizer.batch_totals();
        assert_eq!(
            batches.updates,
            batches.coalesced
                + batches.dropped
                + batches.removed
                + batches.sent
                + u64::from(batches.pending)
        );
        for sink in self.optimizer.delivery.status() {
            let totals = sink.totals;
            assert_eq!(
                totals.offered,
                totals.coalesced
                    + totals.dropped
                    + totals.removed
                    + totals.delivered
                    + totals.lost
                    + u64::from(totals.pending)
            );
        }
    }
}

fn restored(clock: Instant, bytes: &[u8]) -> Optimizer {
    let mut fresh = Optimizer::new();
    let outcome = fresh.restore(clock, bytes);
    assert!(outcome.is_ok(), "a snapshot is refused: {outcome:?}");
    fresh
}

/// One of what was handed out, the latest first.
fn pick<T: Copy>(list: &[T], back: u8) -> Option<T> {
    list.iter().rev().nth(usize::from(back % 8)).copied()
}
