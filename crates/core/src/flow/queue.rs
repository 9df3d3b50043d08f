//! A bounded queue: what is newer than what waits under the same key takes its
//! place, and only what is left over is dropped.

use alloc::collections::VecDeque;
use alloc::format;
use alloc::vec::Vec;

use hashbrown::HashMap;

use super::{Item, Key};
use crate::Error;
use crate::batch::Overflow;

/// Most items any queue can be told to hold.
const MOST_CAPACITY: u32 = 1_000_000;

/// How much a queue holds, and what leaves beyond that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueSettings {
    /// Most items that wait, 1 to 1,000,000.
    pub capacity: u32,
    /// Which of them leaves for one more.
    pub overflow: Overflow,
}

impl Default for QueueSettings {
    fn default() -> Self {
        Self {
            capacity: 20_000,
            overflow: Overflow::DropOldest,
        }
    }
}

impl QueueSettings {
    fn check(self) -> Result<Self, Error> {
        if (1..=MOST_CAPACITY).contains(&self.capacity) {
            return Ok(self);
        }
        Err(Error::InvalidArgument(format!(
            "capacity must be 1 to {MOST_CAPACITY}, not {}",
            self.capacity
        )))
    }
}

/// Items that will never be taken.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Gone {
    /// A newer one of their key waits in their place.
    pub coalesced: Vec<Item>,
    /// There was no room.
    pub dropped: Vec<Item>,
}

/// What happened to items since the queue was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QueueTotals {
    /// Items put in, coalesced and dropped ones included.
    pub pushed: u64,
    /// Replaced by a newer one of their key.
    pub coalesced: u64,
    /// Left for want of room.
    pub dropped: u64,
    /// Taken.
    pub taken: u64,
    /// Waiting now.
    pub pending: u32,
}

/// The queue.
#[derive(Debug, Clone)]
pub(super) struct Queue {
    settings: QueueSettings,
    waiting: VecDeque<(Option<Key>, Item)>,
    /// Where each key waits, counted from the first item ever.
    places: HashMap<Key, u64>,
    /// Items that left at the front so far.
    left: u64,
    totals: QueueTotals,
}

impl Queue {
    pub(super) fn new(settings: QueueSettings) -> Result<Self, Error> {
        Ok(Self {
            settings: settings.check()?,
            waiting: VecDeque::new(),
            places: HashMap::new(),
            left: 0,
            totals: QueueTotals::default(),
        })
    }

    /// Changes how much it holds; gives what no longer has room.
    pub(super) fn configure(&mut self, settings: QueueSettings) -> Result<Vec<Item>, Error> {
        self.settings = settings.check()?;
        let mut dropped = Vec::new();
        while self.waiting.len() > settings.capacity as usize {
            let item = match settings.overflow {
                Overflow::DropOldest => self.pop_oldest(),
                Overflow::DropNew => self.pop_newest(),
            };
            dropped.extend(item);
        }
        self.totals.dropped += dropped.len() as u64;
        Ok(dropped)
    }

    /// Puts an item at the end, or in the place of the one of its key.
    pub(super) fn push(&mut self, key: Option<Key>, item: Item, gone: &mut Gone) {
        self.totals.pushed += 1;
        if let Some(waiting) = key.and_then(|key| self.item_of(key)) {
            gone.coalesced.push(core::mem::replace(waiting, item));
            self.totals.coalesced += 1;
            return;
        }
        if self.waiting.len() >= self.settings.capacity as usize {
            self.totals.dropped += 1;
            match self.settings.overflow {
                Overflow::DropNew => {
                    gone.dropped.push(item);
                    return;
                }
                Overflow::DropOldest => gone.dropped.extend(self.pop_oldest()),
            }
        }
        if let Some(key) = key {
            let place = self.left + self.waiting.len() as u64;
            self.places.insert(key, place);
        }
        self.waiting.push_back((key, item));
    }

    /// Takes up to `most` items, oldest first.
    pub(super) fn take(&mut self, most: u32) -> Vec<Item> {
        let items: Vec<_> = core::iter::from_fn(|| self.pop_oldest())
            .take(most as usize)
            .collect();
        self.totals.taken += items.len() as u64;
        items
    }

    /// What waits, oldest first.
    pub(super) fn items(&self) -> Vec<Item> {
        self.waiting.iter().map(|(_, item)| *item).collect()
    }

    pub(super) fn totals(&self) -> QueueTotals {
        QueueTotals {
            pending: self.waiting.len() as u32,
            ..self.totals
        }
    }

    fn item_of(&mut self, key: Key) -> Option<&mut Item> {
        let index = self.places.get(&key)? - self.left;
        self.waiting.get_mut(index as usize).map(|(_, item)| item)
    }

    fn pop_oldest(&mut self) -> Option<Item> {
        let (key, item) = self.waiting.pop_front()?;
        self.left += 1;
        if let Some(key) = key {
            self.places.remove(&key);
        }
        Some(item)
    }

    fn pop_newest(&mut self) -> Option<Item> {
        let (key, item) = self.waiting.pop_back()?;
        if let Some(key) = key {
            self.places.remove(&key);
        }
        Some(item)
    }
}

#[cfg(test)]
mod tests;
