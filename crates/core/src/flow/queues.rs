//! Many bounded queues, by number.

use alloc::vec::Vec;

use super::gates::check_keys;
use super::queue::{Gone, Queue, QueueSettings, QueueTotals};
use super::{Item, Key};
use crate::Error;
use crate::slots::Slots;

/// Most queues at once: one for each consumer.
const MOST_QUEUES: usize = 1_000;

/// All queues. Nothing of them outlives a restart.
#[derive(Debug, Clone)]
pub struct Queues {
    slots: Slots<Queue>,
}

impl Default for Queues {
    fn default() -> Self {
        Self {
            slots: Slots::new("queues", MOST_QUEUES),
        }
    }
}

impl Queues {
    /// Opens a queue.
    pub fn open(&mut self, settings: QueueSettings) -> Result<u32, Error> {
        self.slots.insert(Queue::new(settings)?)
    }

    /// Changes how much a queue holds; gives the items that no longer have
    /// room.
    pub fn configure(&mut self, queue: u32, settings: QueueSettings) -> Result<Vec<Item>, Error> {
        self.slots.get_mut(queue)?.configure(settings)
    }

    /// Ends a queue; its number may be given to another. Gives what waited.
    pub fn close(&mut self, queue: u32) -> Result<Vec<Item>, Error> {
        self.slots.remove(queue).map(|queue| queue.items())
    }

    /// Puts items in, in order, each with its key; no keys at all mean that
    /// none of them replaces another. Says which items left because of it.
    pub fn push(&mut self, queue: u32, keys: &[Key], items: &[Item]) -> Result<Gone, Error> {
        check_keys(keys, items)?;
        let queue = self.slots.get_mut(queue)?;
        let mut gone = Gone::default();
        let keys = keys.iter().copied().map(Some);
        for (&item, key) in items.iter().zip(keys.chain(core::iter::repeat(None))) {
            queue.push(key, item, &mut gone);
        }
        Ok(gone)
    }

    /// Takes up to `most` items, oldest first.
    pub fn take(&mut self, queue: u32, most: u32) -> Result<Vec<Item>, Error> {
        Ok(self.slots.get_mut(queue)?.take(most))
    }

    /// What waits in a queue, oldest first.
    pub fn items(&self, queue: u32) -> Result<Vec<Item>, Error> {
        Ok(self.slots.get(queue)?.items())
    }

    /// What happened in a queue so far.
    pub fn totals(&self, queue: u32) -> Result<QueueTotals, Error> {
        Ok(self.slots.get(queue)?.totals())
    }
}
