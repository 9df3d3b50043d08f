//! The optimizer: the parts of the core behind one clock.

mod advice;
mod batches;
mod readings;
mod refreshes;
mod restart;

use alloc::vec::Vec;

use crate::Error;
use crate::batch::Batcher;
use crate::cache::{Cache, HotKeys};
use crate::context::{Context, Offers};
use crate::delivery::Deliveries;
use crate::entities::{Entities, Facts, Series};
use crate::flow::{Gates, Queues};
use crate::metrics::Metrics;
use crate::preset;
use crate::resilience::Breakers;
use crate::rule::{Rule, RuleSettings};
use crate::schedule::Schedule;
use crate::shaping::{Changes, Shaping, Taken};
use crate::significance::Significance;
use crate::time::{Instant, Now, Timeline};

pub use advice::Opinions;
pub use readings::Override;

/// Everything the optimizer knows.
///
/// Methods come in four kinds, as in a protocol state machine: `observe_*`,
/// `mark_dirty` and `register*` report what happened; `set_*` change settings;
/// [`Optimizer::tick`] lets time pass; `poll_*` take what became due.
#[derive(Default)]
pub struct Optimizer {
    /// The two-level cache.
    pub cache: Cache,
    /// Lines for a reader of so many tokens.
    pub context: Context,
    /// What several sinks are owed.
    pub delivery: Deliveries,
    /// Timers, counters and gauges.
    pub metrics: Metrics,
    /// What holds calls back.
    pub gates: Gates,
    /// Bounded queues.
    pub queues: Queues,
    /// Circuit breakers.
    pub breakers: Breakers,
    /// Refreshes; entities are registered through the methods here.
    pub schedule: Schedule,
    /// What each client of a stream gets.
    pub shaping: Shaping,
    timeline: Timeline,
    entities: Entities,
    significance: Significance,
    batcher: Batcher,
    hot: HotKeys,
}

/// What a tick brought into the outboxes, and when the next has work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Due {
    /// The monotonic time of the next tick with work.
    pub deadline_us: Option<u64>,
    /// Publications for [`Optimizer::poll_published`].
    pub published: u32,
    /// Batches for [`Optimizer::poll_batch`].
    pub batches: u32,
    /// Refreshes for [`Schedule::poll`].
    pub refreshes: u32,
    /// Calls for [`Gates::poll`].
    pub runs: u32,
    /// Clients for [`Shaping::poll_ready`].
    pub clients: u32,
}

impl Optimizer {
    /// An optimizer with the documented defaults that knows nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The moment an instant of the host stands for, for what is never refused;
    /// see [`Optimizer::try_at`].
    pub fn moment(&mut self, now: Instant) -> Now {
        self.timeline.advance(now)
    }

    /// Runs a call that may be refused at the moment an instant of the host
    /// stands for. One that is refused leaves the clock where it was.
    pub fn try_at<T, E>(
        &mut self,
        now: Instant,
        call: impl FnOnce(&mut Self, Now) -> Result<T, E>,
    ) -> Result<T, E> {
        let before = self.timeline;
        let now = self.moment(now);
        let answer = call(self, now);
        if answer.is_err() {
            self.timeline = before;
        }
        answer
    }

    /// The monotonic time at which [`Optimizer::tick`] next has work.
    pub fn next_deadline(&self) -> Option<u64> {
        let sooner = |one: Option<u64>, other: Option<u64>| match (one, other) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        let next = sooner(self.significance.deadline_us(), self.batcher.deadline_us());
        let next = sooner(next, self.delivery.deadline_us());
        let next = sooner(next, self.schedule.deadline_us());
        let next = sooner(next, self.gates.deadline_us());
        sooner(next, self.shaping.deadline_us())
    }

    /// Brings what is due into the outboxes, and tells what is in them.
    pub fn tick(&mut self, now: Instant) -> Due {
        let now = self.moment(now);
        let now_us = now.mono_us;
        let (significance, mut outgoing) = self.publishing(now_us);
        significance.tick(now_us, &mut outgoing);
        self.batcher.tick(now_us);
        self.delivery.tick(now_us);
        self.schedule.tick(now);
        self.gates.tick(now_us);
        self.shaping.tick(now_us);
        Due {
            deadline_us: self.next_deadline(),
            published: self.significance.ready() as u32,
            batches: self.batcher.ready() as u32,
            refreshes: self.schedule.ready() as u32,
            runs: self.gates.ready() as u32,
            clients: self.shaping.ready() as u32,
        }
    }

    /// Makes everything that waits due at once: values that would settle,
    /// updates, calls in gates, rows for clients.
    pub fn flush(&mut self, now: Instant) {
        self.tick(now);
        let now_us = self.moment(now).mono_us;
        let (significance, mut outgoing) = self.publishing(now_us);
        significance.settle_all(now_us, &mut outgoing);
        self.batcher.flush();
        self.gates.flush(now_us);
        self.shaping.flush(now_us);
    }

    /// Numbers of series, in order.
    pub fn intern(&mut self, series: &[Series]) -> Result<Vec<u32>, Error> {
        self.entities.check_names(series)?;
        series
            .iter()
            .map(|series| self.intern_one(series))
            .collect()
    }

    fn intern_one(&mut self, series: &Series) -> Result<u32, Error> {
        if let Some(handle) = self.entities.number(series) {
            return Ok(handle);
        }
        let handle = self.entities.intern(series);
        self.significance.adopt(self.entities.owner(handle)?);
        self.significance.adopt(handle);
        self.significance
            .set_preset(handle, attribute_preset(series)?);
        Ok(handle)
    }

    /// What handles stand for, in order.
    pub fn names(&self, handles: &[u32]) -> Result<Vec<Series>, Error> {
        handles
            .iter()
            .map(|&handle| self.entities.name(handle).cloned())
            .collect()
    }

    /// All handles in use, ascending.
    pub fn all_handles(&self) -> Vec<u32> {
        self.entities.all().map(|(handle, _, _)| handle).collect()
    }

    /// Forgets entities with all that belongs to them; counts their series.
    pub fn release(&mut self, entities: &[u32]) -> Result<u32, Error> {
        for &entity in entities {
            self.entities.check_state(entity)?;
        }
        let mut count = 0;
        self.batcher.remove(entities);
        self.delivery.remove(entities);
        for &entity in entities {
            self.schedule.unregister(entity);
            self.context.withdraw(&[entity]);
            for handle in self.entities.release(entity) {
                self.significance.release(handle);
                count += 1;
            }
        }
        Ok(count)
    }

    /// Reports what is known of an entity, from which its preset follows.
    pub fn describe(&mut self, entity: u32, facts: &Facts) -> Result<(), Error> {
        self.entities.check_state(entity)?;
        self.significance
            .set_preset(entity, checked(preset::for_facts(facts).as_ref())?);
        Ok(())
    }

    /// Reports what the lines of entities say; see [`Context::offer`].
    pub fn offer_lines(&mut self, now: Instant, offers: &Offers<'_>) -> Result<Vec<bool>, Error> {
        for &entity in offers.entities {
            self.entities.check_state(entity)?;
        }
        self.try_at(now, |optimizer, now| optimizer.context.offer(now, offers))
    }

    /// Reports what rows are now, for all clients; see [`Shaping::offer`].
    pub fn offer_rows(&mut self, now: Instant, changes: &Changes<'_>) -> Result<Vec<u32>, Error> {
        self.try_at(now, |optimizer, now| {
            optimizer.shaping.offer(now.mono_us, changes)
        })
    }

    /// Reports rows that are gone; see [`Shaping::remove`].
    pub fn remove_rows(&mut self, now: Instant, rows: &[u32]) -> Result<Vec<u32>, Error> {
        self.try_at(now, |optimizer, now| {
            optimizer.shaping.remove(now.mono_us, rows)
        })
    }

    /// Lets a client no longer follow rows; see [`Shaping::unfollow`].
    pub fn unfollow_rows(&mut self, now: Instant, client: u32, rows: &[u32]) -> Result<(), Error> {
        self.try_at(now, |optimizer, now| {
            optimizer.shaping.unfollow(now.mono_us, client, rows)
        })
    }

    /// Makes rows wait for a client; see [`Shaping::mark`].
    pub fn mark_rows(&mut self, now: Instant, client: u32, rows: &[u32]) -> Result<(), Error> {
        self.try_at(now, |optimizer, now| {
            optimizer.shaping.mark(now.mono_us, client, rows)
        })
    }

    /// Takes what is ready for a client; see [`Shaping::take`].
    pub fn take_rows(&mut self, now: Instant, client: u32, most: u32) -> Result<Taken, Error> {
        self.try_at(now, |optimizer, now| {
            optimizer.shaping.take(now.mono_us, client, most)
        })
    }
}

/// The preset that follows from the name of an attribute.
fn attribute_preset(series: &Series) -> Result<Option<Rule>, Error> {
    let preset = series.attribute.as_deref().and_then(preset::for_attribute);
    checked(preset.as_ref())
}

/// A preset as a rule; presets are checked by test, so none is refused here.
fn checked(settings: Option<&RuleSettings>) -> Result<Option<Rule>, Error> {
    settings.map(Rule::check).transpose()
}

#[cfg(test)]
mod tests;
