//! The optimizer: the parts of the core behind one clock.

mod advice;
mod restart;

use alloc::format;
use alloc::vec::Vec;
use core::iter::repeat;

use crate::Error;
use crate::batch::{BatchTotals, Batcher, Batching};
use crate::cache::{Cache, HotKeys};
use crate::context::{Context, Offers};
use crate::delivery::{Deliveries, Failure};
use crate::entities::{Entities, Facts, Series};
use crate::flow::{Gates, Queues};
use crate::metrics::Metrics;
use crate::preset;
use crate::reading::Reading;
use crate::resilience::Breakers;
use crate::rule::{Combine, Rule, RuleSettings, Thresholds};
use crate::schedule::{self, Bounds, Class, Schedule, Volatility};
use crate::shaping::{Changes, Shaping, Taken};
use crate::significance::{Outgoing, Proposal, Publication, Reason, Significance, UpdateTotals};
use crate::time::{self, Instant, Now, Timeline};

pub use advice::Opinions;

/// Thresholds for one call, in place of the rule's.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Override {
    /// Least absolute difference; 0 means any change.
    pub absolute: Option<f64>,
    /// Least difference as a fraction; 0 means any change.
    pub percentage: Option<f64>,
}

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

/// Puts the owners of published series into the batcher.
struct Owners<'optimizer> {
    now_us: u64,
    entities: &'optimizer Entities,
    batcher: &'optimizer mut Batcher,
    delivery: &'optimizer Deliveries,
}

impl Outgoing for Owners<'_> {
    fn publish(&mut self, handle: u32) {
        if let Ok(owner) = self.entities.owner(handle) {
            self.batcher.mark(self.now_us, owner);
        }
    }

    fn waits(&self, handle: u32) -> bool {
        self.entities
            .owner(handle)
            .is_ok_and(|owner| self.batcher.holds(owner) || self.delivery.holds(owner))
    }
}

impl Optimizer {
    /// An optimizer with the documented defaults that knows nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The moment an instant of the host stands for.
    pub fn moment(&mut self, now: Instant) -> Now {
        self.timeline.advance(now)
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

    /// Sets the rule of series without one.
    pub fn set_default_rule(&mut self, rule: &RuleSettings) -> Result<(), Error> {
        self.significance.set_default_rule(Rule::check(rule)?);
        Ok(())
    }

    /// Replaces or removes the rule of series.
    pub fn set_rule(&mut self, series: &[u32], rule: Option<&RuleSettings>) -> Result<(), Error> {
        self.entities.check(series)?;
        let rule = rule.map(Rule::check).transpose()?;
        self.significance.set_rule(series, rule);
        Ok(())
    }

    /// The rule a series is judged by now.
    pub fn rule_of(&self, series: u32) -> Result<RuleSettings, Error> {
        self.entities.check(&[series])?;
        Ok(self.significance.rule_of(series).settings())
    }

    /// Whether presets apply.
    pub fn use_presets(&mut self, enabled: bool) {
        self.significance.use_presets(enabled);
    }

    /// Whether series are studied for their noise whose rule does not ask for
    /// it.
    pub fn set_learning(&mut self, enabled: bool) {
        self.significance.set_learning(enabled);
    }

    /// The thresholds that would hide the noise of series, in order.
    pub fn proposals(&self, series: &[u32]) -> Result<Vec<Option<Proposal>>, Error> {
        self.entities.check(series)?;
        let proposal = |&handle| self.significance.proposal(handle);
        Ok(series.iter().map(proposal).collect())
    }

    /// Forgets the baselines of series, and what was learned of their noise;
    /// counts those that had a baseline.
    pub fn reset(&mut self, series: &[u32]) -> Result<u32, Error> {
        self.entities.check(series)?;
        Ok(series
            .iter()
            .map(|&handle| u32::from(self.significance.reset(handle)))
            .sum())
    }

    /// Reports numbers; one reason for each, in order.
    pub fn observe_numbers(
        &mut self,
        now: Instant,
        series: &[u32],
        values: &[f64],
        times: &[i64],
    ) -> Result<Vec<Reason>, Error> {
        same_length("values", values.len(), series.len())?;
        check_times(times, series.len())?;
        self.entities.check(series)?;
        let now_us = self.moment(now).mono_us;
        let (significance, mut outgoing) = self.publishing(now_us);
        Ok(if times.is_empty() {
            significance.observe_numbers(now_us, series, values, repeat(None), &mut outgoing)
        } else {
            let times = times.iter().copied().map(Some);
            significance.observe_numbers(now_us, series, values, times, &mut outgoing)
        })
    }

    /// Reports values as Home Assistant writes them, joined into one text.
    pub fn observe_texts(
        &mut self,
        now: Instant,
        series: &[u32],
        text: &str,
        lengths: &[u32],
        times: &[i64],
    ) -> Result<Vec<Reason>, Error> {
        same_length("lengths", lengths.len(), series.len())?;
        check_times(times, series.len())?;
        self.entities.check(series)?;
        check_pieces(text, lengths)?;
        let now_us = self.moment(now).mono_us;
        let mut rest = text.as_bytes();
        let readings = lengths.iter().map(|&length| {
            let (piece, tail) = rest
                .split_at_checked(length as usize)
                .unwrap_or((rest, &[]));
            rest = tail;
            Reading::of_bytes(piece)
        });
        let (significance, mut outgoing) = self.publishing(now_us);
        Ok(if times.is_empty() {
            significance.observe_all(now_us, series, readings, repeat(None), &mut outgoing)
        } else {
            let times = times.iter().copied().map(Some);
            significance.observe_all(now_us, series, readings, times, &mut outgoing)
        })
    }

    /// Reports one value under other thresholds.
    pub fn observe_with(
        &mut self,
        now: Instant,
        series: u32,
        text: &str,
        time: Option<i64>,
        thresholds: Override,
    ) -> Result<Reason, Error> {
        self.entities.check(&[series])?;
        let thresholds =
            Thresholds::check(thresholds.absolute, thresholds.percentage, Combine::All)?;
        let now_us = self.moment(now).mono_us;
        let reading = Reading::of_text(text);
        let (significance, mut outgoing) = self.publishing(now_us);
        Ok(significance.observe_with(now_us, series, reading, time, &thresholds, &mut outgoing))
    }

    /// What judges, and where published series go.
    fn publishing(&mut self, now_us: u64) -> (&mut Significance, Owners<'_>) {
        let owners = Owners {
            now_us,
            entities: &self.entities,
            batcher: &mut self.batcher,
            delivery: &self.delivery,
        };
        (&mut self.significance, owners)
    }

    /// The number published for each series; NaN where that is none.
    pub fn published_numbers(&self, series: &[u32]) -> Result<Vec<f64>, Error> {
        self.entities.check(series)?;
        Ok(series
            .iter()
            .map(
                |&handle| match self.significance.history(handle).map(|h| h.published) {
                    Some(Reading::Number(number)) => number,
                    _ => f64::NAN,
                },
            )
            .collect())
    }

    /// Takes the publications that time caused, and the last values of totals.
    pub fn poll_published(&mut self) -> Vec<Publication> {
        self.significance.poll()
    }

    /// What happened to readings so far.
    pub fn update_totals(&self) -> UpdateTotals {
        self.significance.totals()
    }

    /// Changes how updates are grouped.
    pub fn set_batching(&mut self, settings: Batching) -> Result<(), Error> {
        self.batcher.configure(settings)
    }

    /// Puts entities into the batcher.
    pub fn mark_dirty(&mut self, now: Instant, entities: &[u32]) -> Result<(), Error> {
        for &entity in entities {
            self.entities.check_state(entity)?;
        }
        let now_us = self.moment(now).mono_us;
        for &entity in entities {
            self.batcher.mark(now_us, entity);
        }
        Ok(())
    }

    /// Takes entities out of the batcher; counts those that were in it.
    pub fn drop_pending(&mut self, entities: &[u32]) -> Result<u32, Error> {
        for &entity in entities {
            self.entities.check_state(entity)?;
        }
        Ok(self.batcher.remove(entities))
    }

    /// Takes the next batch that is due, which every sink is owed from then on;
    /// empty when none is.
    pub fn poll_batch(&mut self) -> Vec<u32> {
        let Some(batch) = self.batcher.poll() else {
            return Vec::new();
        };
        self.delivery.offer(&batch);
        batch
    }

    /// A delivery to a sink succeeded and took this long, which window and size
    /// of batches may follow.
    pub fn delivery_succeeded(
        &mut self,
        now: Instant,
        sink: u32,
        number: u64,
        latency_us: i64,
    ) -> Result<(), Error> {
        let latency_us = time::length("latency", latency_us, true)?;
        let batch = self.delivery.succeeded(sink, number)?;
        self.moment(now);
        self.batcher.report_latency(batch, latency_us);
        Ok(())
    }

    /// A delivery to a sink failed; gives when it is tried again, in monotonic
    /// microseconds, or `None` once it is given up.
    pub fn delivery_failed(
        &mut self,
        now: Instant,
        sink: u32,
        number: u64,
        failure: Failure,
    ) -> Result<Option<u64>, Error> {
        let now_us = self.moment(now).mono_us;
        self.delivery.failed(now_us, sink, number, failure)
    }

    /// What happened to updates so far.
    pub fn batch_totals(&self) -> BatchTotals {
        self.batcher.totals()
    }

    /// Asks for a refresh of an entity every `interval_us`.
    pub fn register(&mut self, now: Instant, entity: u32, interval_us: i64) -> Result<(), Error> {
        self.entities.check_state(entity)?;
        let now = self.moment(now);
        self.schedule.register(now, entity, interval_us)
    }

    /// Registers with the interval of a class; gives it, in microseconds.
    pub fn register_class(
        &mut self,
        now: Instant,
        entity: u32,
        class: Class,
        volatility: Volatility,
    ) -> Result<u64, Error> {
        let interval_us = schedule::interval_us(class, volatility);
        self.register(now, entity, interval_us.cast_signed())?;
        Ok(interval_us)
    }

    /// Registers with an interval that follows the changes reported; gives the
    /// one it starts with.
    pub fn register_measured(
        &mut self,
        now: Instant,
        entity: u32,
        bounds: Bounds,
    ) -> Result<u64, Error> {
        self.entities.check_state(entity)?;
        let now = self.moment(now);
        self.schedule.register_measured(now, entity, bounds)
    }

    /// Registers as member of a group of the schedule.
    pub fn register_planned(
        &mut self,
        now: Instant,
        entity: u32,
        group: &str,
        bounds: Bounds,
        weight: f64,
    ) -> Result<(), Error> {
        self.entities.check_state(entity)?;
        let now = self.moment(now);
        self.schedule
            .register_planned(now, entity, group, bounds, weight)
    }

    /// Reports what the lines of entities say; see [`Context::offer`].
    pub fn offer_lines(&mut self, now: Instant, offers: &Offers<'_>) -> Result<Vec<bool>, Error> {
        for &entity in offers.entities {
            self.entities.check_state(entity)?;
        }
        let now = self.moment(now);
        self.context.offer(now, offers)
    }

    /// Reports what rows are now, for all clients; see [`Shaping::offer`].
    pub fn offer_rows(&mut self, now: Instant, changes: &Changes<'_>) -> Result<Vec<u32>, Error> {
        let now_us = self.moment(now).mono_us;
        self.shaping.offer(now_us, changes)
    }

    /// Reports rows that are gone; see [`Shaping::remove`].
    pub fn remove_rows(&mut self, now: Instant, rows: &[u32]) -> Result<Vec<u32>, Error> {
        let now_us = self.moment(now).mono_us;
        self.shaping.remove(now_us, rows)
    }

    /// Lets a client no longer follow rows; see [`Shaping::unfollow`].
    pub fn unfollow_rows(&mut self, now: Instant, client: u32, rows: &[u32]) -> Result<(), Error> {
        let now_us = self.moment(now).mono_us;
        self.shaping.unfollow(now_us, client, rows)
    }

    /// Makes rows wait for a client; see [`Shaping::mark`].
    pub fn mark_rows(&mut self, now: Instant, client: u32, rows: &[u32]) -> Result<(), Error> {
        let now_us = self.moment(now).mono_us;
        self.shaping.mark(now_us, client, rows)
    }

    /// Takes what is ready for a client; see [`Shaping::take`].
    pub fn take_rows(&mut self, now: Instant, client: u32, most: u32) -> Result<Taken, Error> {
        let now_us = self.moment(now).mono_us;
        self.shaping.take(now_us, client, most)
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

fn same_length(name: &str, length: usize, expected: usize) -> Result<(), Error> {
    if length == expected {
        return Ok(());
    }
    Err(Error::InvalidArgument(format!(
        "{name} must be as many as series, which are {expected}, not {length}"
    )))
}

fn check_times(times: &[i64], expected: usize) -> Result<(), Error> {
    if times.is_empty() {
        Ok(())
    } else {
        same_length("times", times.len(), expected)
    }
}

/// Checks that the pieces make up the text and end between its characters.
fn check_pieces(text: &str, lengths: &[u32]) -> Result<(), Error> {
    let mut end = 0_usize;
    for &length in lengths {
        end = end.saturating_add(length as usize);
        if !text.is_char_boundary(end) {
            return Err(Error::InvalidArgument(format!(
                "lengths must end between characters of text; {end} does not"
            )));
        }
    }
    if end == text.len() {
        return Ok(());
    }
    Err(Error::InvalidArgument(format!(
        "lengths must add up to the length of text, which is {}, not {end}",
        text.len()
    )))
}

#[cfg(test)]
mod tests;
