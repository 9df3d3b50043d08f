//! Bringing batches to several sinks, each at its own speed.
//!
//! A sink is whatever the host sends updates to: a stream, a broker, a database.
//! Every batch handed out is owed to every sink; a sink works on one delivery at
//! a time, and the host reports how it ended. A failed delivery is handed out
//! again after a delay, to that sink only: the others go on, and the retry
//! resumes where the sink stood.
//!
//! What a sink is owed is a queue of entities, each at most once: one that
//! becomes dirty again while it waits is coalesced, because the host sends the
//! latest value. A sink that is slow or dead is therefore owed at most every
//! entity once, and no more than its capacity, beyond which the entity that has
//! waited longest is dropped and counted.
//!
//! Nothing is sent, timed out or encoded here. Sinks are settings and start
//! afresh with the instance.

mod sink;

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::Error;
use crate::time::length;

use sink::Sink;

/// Most sinks at once: streams of clients are some dozens at most, and each
/// costs a few bytes per entity.
const MOST_SINKS: usize = 256;

/// Longest name of a sink, in bytes.
const LONGEST_NAME: usize = 255;

/// How a sink is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SinkSettings {
    /// Most entities in one delivery, at least 1.
    pub max: u32,
    /// Most different entities owed, at least `max`.
    pub capacity: u32,
    /// Times a delivery is tried before it is given up, at least 1; `None`
    /// tries until it succeeds.
    pub attempts: Option<u32>,
    /// From the first failure to the next try, in microseconds, over 0; doubles
    /// with every further failure in a row.
    pub retry_first_us: i64,
    /// The longest delay, in microseconds, at least `retry_first_us`.
    pub retry_cap_us: i64,
}

impl Default for SinkSettings {
    fn default() -> Self {
        Self {
            max: 50,
            capacity: 20_000,
            attempts: None,
            retry_first_us: 1_000_000,
            retry_cap_us: 60_000_000,
        }
    }
}

impl SinkSettings {
    fn check(&self) -> Result<(), Error> {
        if self.max == 0 {
            return Err(Error::InvalidArgument(
                "max must be at least 1, not 0".into(),
            ));
        }
        if self.capacity < self.max {
            return Err(Error::InvalidArgument(format!(
                "capacity must be at least max, which is {}, not {}",
                self.max, self.capacity
            )));
        }
        if self.attempts == Some(0) {
            return Err(Error::InvalidArgument(
                "attempts must be at least 1, not 0; leave it out to try until it succeeds".into(),
            ));
        }
        length("retry-first", self.retry_first_us, false)?;
        length("retry-cap", self.retry_cap_us, false)?;
        if self.retry_cap_us < self.retry_first_us {
            return Err(Error::InvalidArgument(format!(
                "retry-cap must be at least retry-first, which is {} ms, not {} ms",
                self.retry_first_us as f64 / 1000.0,
                self.retry_cap_us as f64 / 1000.0
            )));
        }
        Ok(())
    }
}

/// What one sink is to be sent now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// To whom.
    pub sink: u32,
    /// Numbers deliveries to all sinks, from 1; a retry keeps its number.
    pub number: u64,
    /// 1 the first time, one more with every retry.
    pub attempt: u32,
    /// What to send the latest values of, in the order of becoming dirty.
    pub entities: Vec<u32>,
}

/// How a delivery ended badly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// It may succeed another time.
    Temporary,
    /// The sink will never take it: it is given up at once.
    Permanent,
}

/// What became of what a sink was owed. At any time `offered` is the sum of
/// `coalesced`, `dropped`, `removed`, `delivered`, `lost` and `pending`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SinkTotals {
    /// Entities of batches since the sink was registered.
    pub offered: u64,
    /// Merged into one already owed.
    pub coalesced: u64,
    /// Dropped at the capacity.
    pub dropped: u64,
    /// Gone with their entity.
    pub removed: u64,
    /// Deliveries that succeeded.
    pub deliveries: u64,
    /// Entities in them.
    pub delivered: u64,
    /// Attempts that failed.
    pub failures: u64,
    /// Entities of deliveries that were given up.
    pub lost: u64,
    /// Entities owed now, those being sent included.
    pub pending: u32,
}

/// Where a sink stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkStatus {
    /// Its number.
    pub sink: u32,
    /// As it was registered.
    pub name: String,
    /// The sink is done with all batches up to this one, numbered from 1 in the
    /// order in which they were handed out.
    pub position: u64,
    /// Batches after it.
    pub behind: u64,
    /// Failures in a row.
    pub failing: u32,
    /// When it is tried again, in monotonic microseconds, if it waits for that.
    pub retry_at_us: Option<u64>,
    /// What happened so far.
    pub totals: SinkTotals,
}

/// All sinks.
#[derive(Debug, Default)]
pub struct Deliveries {
    sinks: Vec<Option<Sink>>,
    /// Batches handed out.
    batches: u64,
    /// The number of the newest delivery.
    newest: u64,
}

impl Deliveries {
    /// Adds a sink, which is owed what becomes due from now on; gives its
    /// number. Under a name that is known the settings change and the rest
    /// stays.
    pub fn register(&mut self, name: &str, settings: SinkSettings) -> Result<u32, Error> {
        settings.check()?;
        if !(1..=LONGEST_NAME).contains(&name.len()) {
            return Err(Error::InvalidArgument(format!(
                "the name of a sink must have 1 to {LONGEST_NAME} bytes, not {}",
                name.len()
            )));
        }
        if let Some((number, known)) = self.all_mut().find(|(_, sink)| sink.name == name) {
            known.settings = settings;
            return Ok(number);
        }
        let free = self.sinks.iter().position(Option::is_none);
        let place = free.unwrap_or(self.sinks.len());
        if place >= MOST_SINKS {
            return Err(Error::TooLarge(format!(
                "{MOST_SINKS} sinks are registered, which is the most; unregister one first"
            )));
        }
        let sink = Some(Sink::new(name.to_owned(), settings, self.batches));
        match self.sinks.get_mut(place) {
            Some(slot) => *slot = sink,
            None => self.sinks.push(sink),
        }
        Ok(place as u32)
    }

    /// Forgets a sink and what it is owed.
    pub fn unregister(&mut self, sink: u32) -> Result<(), Error> {
        self.known(sink)?;
        if let Some(slot) = self.sinks.get_mut(sink as usize) {
            *slot = None;
        }
        Ok(())
    }

    /// Owes a batch to every sink.
    pub(crate) fn offer(&mut self, batch: &[u32]) {
        self.batches += 1;
        let number = self.batches;
        for (_, sink) in self.all_mut() {
            sink.offer(number, batch);
        }
    }

    /// Takes the next delivery: to the sink of the lowest number that is free
    /// and owed something.
    pub fn poll(&mut self) -> Option<Delivery> {
        let next = self.newest + 1;
        let (sink, (number, attempt, entities)) = self
            .all_mut()
            .find_map(|(number, sink)| Some((number, sink.poll(next)?)))?;
        self.newest = self.newest.max(number);
        Some(Delivery {
            sink,
            number,
            attempt,
            entities,
        })
    }

    /// A delivery succeeded. Gives the last batch that it had part in.
    pub(crate) fn succeeded(&mut self, sink: u32, number: u64) -> Result<u64, Error> {
        let sink = self.sending(sink, number)?;
        Ok(sink.succeeded())
    }

    /// A delivery failed. Gives when it is tried again, in microseconds; `None`
    /// once it is given up.
    pub(crate) fn failed(
        &mut self,
        now_us: u64,
        sink: u32,
        number: u64,
        failure: Failure,
    ) -> Result<Option<u64>, Error> {
        let sink = self.sending(sink, number)?;
        Ok(sink.failed(now_us, failure))
    }

    /// When the next retry is due.
    pub(crate) fn deadline_us(&self) -> Option<u64> {
        self.all().filter_map(|(_, sink)| sink.retry_at_us()).min()
    }

    /// Makes retries due whose delay is over.
    pub(crate) fn tick(&mut self, now_us: u64) {
        for (_, sink) in self.all_mut() {
            sink.tick(now_us);
        }
    }

    /// Takes entities that are gone out of everything owed.
    pub(crate) fn remove(&mut self, entities: &[u32]) {
        for (_, sink) in self.all_mut() {
            sink.remove(entities);
        }
    }

    /// Whether an entity is owed to a sink, or was sent and not reported on.
    pub(crate) fn holds(&self, entity: u32) -> bool {
        self.all().any(|(_, sink)| sink.holds(entity))
    }

    /// Where every sink stands, by number.
    pub fn status(&self) -> Vec<SinkStatus> {
        self.all()
            .map(|(number, sink)| sink.status(number, self.batches))
            .collect()
    }

    fn all(&self) -> impl Iterator<Item = (u32, &Sink)> {
        let numbered = self.sinks.iter().enumerate();
        numbered.filter_map(|(number, sink)| Some((number as u32, sink.as_ref()?)))
    }

    fn all_mut(&mut self) -> impl Iterator<Item = (u32, &mut Sink)> {
        let numbered = self.sinks.iter_mut().enumerate();
        numbered.filter_map(|(number, sink)| Some((number as u32, sink.as_mut()?)))
    }

    fn known(&mut self, sink: u32) -> Result<&mut Sink, Error> {
        self.sinks
            .get_mut(sink as usize)
            .and_then(Option::as_mut)
            .ok_or_else(|| Error::InvalidArgument(format!("sink {sink} is not registered")))
    }

    /// The sink that is being sent this delivery.
    fn sending(&mut self, sink: u32, number: u64) -> Result<&mut Sink, Error> {
        let known = self.known(sink)?;
        match known.sending() {
            Some(current) if current == number => Ok(known),
            Some(current) => Err(Error::InvalidArgument(format!(
                "sink {sink} is being sent delivery {current}, not {number}"
            ))),
            None => Err(Error::InvalidArgument(format!(
                "sink {sink} is being sent nothing; delivery {number} was reported on before, or never polled"
            ))),
        }
    }
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
