//! Grouping updates: a window opens with the first dirty entity and closes a
//! fixed time later; what piled up leaves in capped batches.

use alloc::collections::VecDeque;
use alloc::format;
use alloc::vec::Vec;

use crate::Error;
use crate::time::length;

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
}

impl Default for Batching {
    fn default() -> Self {
        Self {
            window_us: 100_000,
            max: 50,
            flush_on_full: false,
            capacity: 20_000,
            overflow: Overflow::DropOldest,
        }
    }
}

/// What happened to updates since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BatchTotals {
    /// Updates put in, coalesced and dropped ones included.
    pub updates: u64,
    /// Merged into one already waiting.
    pub coalesced: u64,
    /// Dropped at the capacity.
    pub dropped: u64,
    /// Batches formed.
    pub batches: u64,
    /// Entities in them.
    pub sent: u64,
    /// Entities waiting now.
    pub pending: u32,
}

/// The batcher. An entity waits at most once, in the order of first becoming
/// dirty, so none starves.
#[derive(Default)]
pub struct Batcher {
    settings: Batching,
    waiting: VecDeque<u32>,
    /// Whether each entity waits, by handle.
    dirty: Vec<bool>,
    /// When the open window closes.
    closes_us: Option<u64>,
    outbox: VecDeque<Vec<u32>>,
    totals: BatchTotals,
}

impl Batcher {
    /// Changes the grouping; a window that is open keeps its end.
    pub fn configure(&mut self, settings: Batching) -> Result<(), Error> {
        length("window", settings.window_us, true)?;
        if settings.max == 0 {
            return Err(Error::InvalidArgument(
                "max must be at least 1, not 0".into(),
            ));
        }
        if settings.capacity < settings.max {
            return Err(Error::InvalidArgument(format!(
                "capacity must be at least max, which is {}, not {}",
                settings.max, settings.capacity
            )));
        }
        self.settings = settings;
        Ok(())
    }

    /// An entity has something new to send.
    pub fn mark(&mut self, now_us: u64, entity: u32) {
        self.totals.updates += 1;
        let index = entity as usize;
        if index >= self.dirty.len() {
            self.dirty.resize(index + 1, false);
        }
        if self.dirty[index] {
            self.totals.coalesced += 1;
            return;
        }
        // More than one leaves where the capacity was lowered.
        while self.waiting.len() >= self.settings.capacity as usize {
            self.totals.dropped += 1;
            if self.settings.overflow == Overflow::DropNew {
                return;
            }
            if let Some(oldest) = self.waiting.pop_front() {
                self.dirty[oldest as usize] = false;
            }
        }
        self.dirty[index] = true;
        self.waiting.push_back(entity);
        let window_us = self.settings.window_us.unsigned_abs();
        let closes_us = self.closes_us.get_or_insert(now_us + window_us);
        if self.settings.flush_on_full && self.waiting.len() >= self.settings.max as usize {
            *closes_us = now_us.min(*closes_us);
        }
    }

    /// Takes an entity out; says whether it waited.
    pub fn forget(&mut self, entity: u32) -> bool {
        let waited = self
            .dirty
            .get_mut(entity as usize)
            .is_some_and(core::mem::take);
        if waited {
            self.waiting.retain(|&other| other != entity);
            if self.waiting.is_empty() {
                self.closes_us = None;
            }
        }
        waited
    }

    /// Takes an entity out that is gone, from batches not taken yet as well: its
    /// number may be given to another.
    pub(crate) fn release(&mut self, entity: u32) {
        self.forget(entity);
        for batch in &mut self.outbox {
            batch.retain(|&other| other != entity);
        }
        self.outbox.retain(|batch| !batch.is_empty());
    }

    /// When the open window closes.
    pub fn deadline_us(&self) -> Option<u64> {
        self.closes_us
    }

    /// Closes windows that are due.
    pub fn tick(&mut self, now_us: u64) {
        while self.closes_us.is_some_and(|closes_us| closes_us <= now_us) {
            self.form_batch();
            let full =
                self.settings.flush_on_full && self.waiting.len() >= self.settings.max as usize;
            // What did not fit opens the next window at once.
            let wait_us = if full {
                0
            } else {
                self.settings.window_us.unsigned_abs()
            };
            self.closes_us = (!self.waiting.is_empty()).then_some(now_us + wait_us);
        }
    }

    /// Sends everything that waits, in capped batches.
    pub fn flush(&mut self) {
        while !self.waiting.is_empty() {
            self.form_batch();
        }
        self.closes_us = None;
    }

    fn form_batch(&mut self) {
        let size = self.waiting.len().min(self.settings.max as usize);
        let batch: Vec<u32> = self.waiting.drain(..size).collect();
        for &entity in &batch {
            self.dirty[entity as usize] = false;
        }
        self.totals.batches += 1;
        self.totals.sent += batch.len() as u64;
        self.outbox.push_back(batch);
    }

    /// Takes the next batch that is due.
    pub fn poll(&mut self) -> Option<Vec<u32>> {
        self.outbox.pop_front()
    }

    /// What happened so far.
    pub fn totals(&self) -> BatchTotals {
        BatchTotals {
            pending: self.waiting.len() as u32,
            ..self.totals
        }
    }
}

#[cfg(test)]
mod tests;
