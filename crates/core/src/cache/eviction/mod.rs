//! What leaves a full namespace: one policy per file, all behind [`Order`].
//!
//! A policy knows slots, their sizes and the hashes of their keys; it holds no
//! values, knows no lives, and removes nothing: it is asked for a victim. Which
//! entry is held where is [`super::memory::Memory`]'s matter.

mod lru;
mod queue;
mod shadow;
mod sketch;
mod w_tiny_lfu;

use alloc::boxed::Box;

use super::settings::Eviction;
use super::slab::Slot;

use lru::Lru;
use w_tiny_lfu::WTinyLfu;

/// What a policy is told of an entry.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weight {
    /// Hash of its key, the same on every platform.
    pub(super) hash: u64,
    /// Bytes of its key and value.
    pub(super) bytes: u64,
}

/// A number of entries and one of bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Room {
    pub(super) entries: u32,
    pub(super) bytes: u64,
}

impl Room {
    fn part(self, parts: u32) -> Self {
        Self {
            entries: self.entries / parts,
            bytes: self.bytes / u64::from(parts),
        }
    }

    fn without(self, other: Self) -> Self {
        Self {
            entries: self.entries.saturating_sub(other.entries),
            bytes: self.bytes.saturating_sub(other.bytes),
        }
    }
}

/// The order in which entries leave, by the policy of their namespace.
#[derive(Debug, Clone)]
pub(super) enum Order {
    Lru(Lru),
    WTinyLfu(Box<WTinyLfu>),
}

impl Order {
    pub(super) fn new(eviction: Eviction, room: Room) -> Self {
        match eviction {
            Eviction::Lru => Self::Lru(Lru::default()),
            Eviction::WTinyLfu => Self::WTinyLfu(Box::new(WTinyLfu::new(room))),
        }
    }

    /// The policy it follows.
    pub(super) fn eviction(&self) -> Eviction {
        match self {
            Self::Lru(_) => Eviction::Lru,
            Self::WTinyLfu(_) => Eviction::WTinyLfu,
        }
    }

    /// Takes note of other bounds. What exceeds them is still to be removed.
    pub(super) fn resize(&mut self, room: Room) {
        match self {
            Self::Lru(_) => {}
            Self::WTinyLfu(order) => order.resize(room),
        }
    }

    /// Takes in a slot, which counts as its first use.
    pub(super) fn insert(&mut self, slot: Slot, weight: Weight) {
        match self {
            Self::Lru(order) => order.insert(slot),
            Self::WTinyLfu(order) => order.insert(slot, weight),
        }
    }

    /// Takes note of a use of a slot that was taken in.
    #[inline]
    pub(super) fn touch(&mut self, slot: Slot) {
        match self {
            Self::Lru(order) => order.touch(slot),
            Self::WTinyLfu(order) => order.touch(slot),
        }
    }

    /// Takes note of another size of a slot that was taken in.
    pub(super) fn reweigh(&mut self, slot: Slot, bytes: u64) {
        match self {
            Self::Lru(_) => {}
            Self::WTinyLfu(order) => order.reweigh(slot, bytes),
        }
    }

    /// Takes out a slot because its entry is gone.
    pub(super) fn remove(&mut self, slot: Slot) {
        match self {
            Self::Lru(order) => order.remove(slot),
            Self::WTinyLfu(order) => order.remove(slot),
        }
    }

    /// Takes out the slot whose entry must make room, never the one just used.
    pub(super) fn evict(&mut self, used: Option<Slot>) -> Option<Slot> {
        match self {
            Self::Lru(order) => order.evict(used),
            Self::WTinyLfu(order) => order.evict(used),
        }
    }
}
