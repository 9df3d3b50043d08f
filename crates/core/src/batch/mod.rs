//! Grouping updates: a window opens with the first dirty entity and closes a
//! fixed time later; what piled up leaves in capped batches.
//!
//! Only numbers of entities wait here. Their values stay with the host, which
//! reads the latest when it sends: that is how the last value wins. Who gets a
//! batch, and what happens when that fails, is [`delivery`](crate::delivery)'s.

mod adaptive;
mod queue;

use alloc::format;
use alloc::vec::Vec;

use crate::Error;
use crate::time::{NEVER_US, length};

pub use adaptive::Adaptive;
use adaptive::Pace;
pub(crate) use queue::DirtyQueue;

/// What to do when the capacity is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overflow {
    /// The entity that has waited longest leaves unsent.
    DropOldest,
    /// The new one is not taken.
    DropNew,
}

/// How updates are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batching {
    /// From the first dirty entity to the batch, in microseconds.
    pub window_us: i64,
    /// Most entities in one batch, at least 1.
    pub max: u32,
    /// Leave as soon as `max` entities wait, too.
    pub flush_on_full: bool,
    /// Most different entities waiting, at least `max`.
    pub capacity: u32,
    /// What leaves beyond it.
    pub overflow: Overflow,
    /// Let window and size follow the load, starting from `window_us` and
    /// `max`; `None` keeps them.
    pub adaptive: Option<Adaptive>,
}

impl Default for Batching {
    fn default() -> Self {
        Self {
            window_us: 100_000,
            max: 50,
            flush_on_full: false,
            capacity: 20_000,
            overflow: Overflow::DropOldest,
            adaptive: None,
        }
    }
}

impl Batching {
    fn check(&self) -> Result<(), Error> {
        length("window", self.window_us, true)?;
        if self.max == 0 {
            return Err(Error::InvalidArgument(
                "max must be at least 1, not 0".into(),
            ));
        }
        let largest = match &self.adaptive {
            Some(adaptive) => adaptive.check(self.window_us, self.max)?.max_to,
            None => self.max,
        };
        if self.capacity < largest {
            return Err(Error::InvalidArgument(format!(
                "capacity must be at least max, which is {largest}, not {}",
                self.capacity
            )));
        }
        Ok(())
    }
}

/// What happened to updates since the start. At any time `updates` is the sum
/// of `coalesced`, `dropped`, `removed`, `sent` and `pending`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BatchTotals {
    /// Updates put in, coalesced and dropped ones included.
    pub updates: u64,
    /// Merged into one already waiting.
    pub coalesced: u64,
    /// Dropped at the capacity.
    pub dropped: u64,
    /// Taken out before they were sent.
    pub removed: u64,
    /// Batches handed out.
    pub batches: u64,
    /// Entities in them.
    pub sent: u64,
    /// Entities waiting now, those that are due included.
    pub pending: u32,
    /// The window in force, in microseconds.
    pub window_us: u64,
    /// The most entities of a batch in force.
    pub max: u32,
}

impl BatchTotals {
    /// Entities per batch handed out; 0 before the first.
    pub fn mean_size(&self) -> f64 {
        if self.batches == 0 {
            0.0
        } else {
            self.sent as f64 / self.batches as f64
        }
    }
}

/// The batcher. An entity waits at most once, in the order of first becoming
/// dirty, so none starves; what is due keeps coalescing until it is taken, so a
/// host that is slow to take costs no memory.
pub struct Batcher {
    settings: Batching,
    pace: Pace,
    queue: DirtyQueue<()>,
    /// How many at the front of the queue are due: their window has closed.
    due: usize,
    /// When the open window closes; [`NEVER_US`] while none is open.
    closes_us: u64,
    totals: BatchTotals,
}

impl Default for Batcher {
    fn default() -> Self {
        Self {
            settings: Batching::default(),
            pace: Pace::default(),
            queue: DirtyQueue::default(),
            due: 0,
            closes_us: NEVER_US,
            totals: BatchTotals::default(),
        }
    }
}

impl Batcher {
    /// Changes the grouping; a window that is open keeps its end. Telling the
    /// same again changes nothing, so that what the load taught stays.
    pub fn configure(&mut self, settings: Batching) -> Result<(), Error> {
        settings.check()?;
        if settings != self.settings {
            self.pace = Pace::new(&settings, self.totals.batches);
            self.settings = settings;
        }
        Ok(())
    }

    /// An entity has something new to send.
    #[expect(
        clippy::inline_always,
        reason = "every reading that is published passes here, and a call in WebAssembly costs as much again"
    )]
    #[inline(always)]
    pub fn mark(&mut self, now_us: u64, entity: u32) {
        self.totals.updates += 1;
        if self.queue.len() >= self.settings.capacity as usize && !self.make_room_for(entity) {
            return;
        }
        if !self.queue.push(entity, ()) {
            self.totals.coalesced += 1;
            return;
        }
        if self.closes_us == NEVER_US {
            self.closes_us = now_us + self.pace.window_us();
        }
        if self.settings.flush_on_full && self.in_window() >= self.pace.max() {
            self.closes_us = self.closes_us.min(now_us);
        }
    }

    /// Lets go what does not fit beside an entity; says whether it may come in.
    #[cold]
    fn make_room_for(&mut self, entity: u32) -> bool {
        if self.queue.contains(entity) {
            return true;
        }
        // More than one leaves where the capacity was lowered.
        while self.queue.len() >= self.settings.capacity as usize {
            self.totals.dropped += 1;
            if self.settings.overflow == Overflow::DropNew {
                return false;
            }
            self.queue.pop();
            self.due = self.due.saturating_sub(1);
        }
        true
    }

    /// Whether an entity waits, due ones included.
    pub fn holds(&self, entity: u32) -> bool {
        self.queue.contains(entity)
    }

    /// Takes entities out, due ones included; says how many waited.
    pub fn remove(&mut self, entities: &[u32]) -> u32 {
        let due = self.due;
        let mut due_gone = 0;
        let removed = self
            .queue
            .remove(entities, |place| due_gone += usize::from(place < due));
        self.due -= due_gone;
        self.totals.removed += u64::from(removed);
        if self.in_window() == 0 {
            self.closes_us = NEVER_US;
        }
        removed
    }

    /// When the open window closes.
    pub fn deadline_us(&self) -> Option<u64> {
        (self.closes_us != NEVER_US).then_some(self.closes_us)
    }

    /// Closes windows that are due.
    pub fn tick(&mut self, now_us: u64) {
        while self.closes_us <= now_us {
            let size = self.in_window().min(self.pace.max());
            self.due += size;
            let left = self.in_window();
            self.pace.window_closed(size, left, self.totals.batches + 1);
            let full = self.settings.flush_on_full && left >= self.pace.max();
            // What did not fit opens the next window at once.
            self.closes_us = match left {
                0 => NEVER_US,
                _ if full => now_us,
                _ => now_us + self.pace.window_us(),
            };
        }
    }

    /// Makes everything that waits due.
    pub fn flush(&mut self) {
        self.due = self.queue.len();
        self.closes_us = NEVER_US;
    }

    /// How many batches are due.
    pub fn ready(&self) -> usize {
        self.due.div_ceil(self.pace.max())
    }

    /// Takes the next batch that is due.
    pub fn poll(&mut self) -> Option<Vec<u32>> {
        let size = self.due.min(self.pace.max());
        if size == 0 {
            return None;
        }
        let taken = self.queue.take(size).into_iter();
        let batch: Vec<u32> = taken.map(|(entity, ())| entity).collect();
        self.due -= size;
        self.totals.batches += 1;
        self.totals.sent += batch.len() as u64;
        Some(batch)
    }

    /// A sink took `latency_us` for what it was sent up to a batch, numbered
    /// from 1 in the order of [`Batcher::poll`].
    pub fn report_latency(&mut self, batch: u64, latency_us: u64) {
        self.pace.report_latency(batch, latency_us);
    }

    /// What happened so far.
    pub fn totals(&self) -> BatchTotals {
        BatchTotals {
            pending: self.queue.len() as u32,
            window_us: self.pace.window_us(),
            max: self.pace.max() as u32,
            ..self.totals
        }
    }

    /// How many wait in the open window.
    fn in_window(&self) -> usize {
        self.queue.len() - self.due
    }
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
