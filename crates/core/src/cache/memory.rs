//! The first level of one namespace: values in memory under a bound of entries
//! and one of bytes.
//!
//! An entry whose life has ended answers nothing from that moment on, and
//! leaves when it is met or when room is needed, always before a live entry
//! does. Lives, promotion and what belongs on disk are decided by the caller.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use core::hash::BuildHasher;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use super::lru::{Lru, Slot};
use super::totals::LevelTotals;

/// A value in memory.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) key: String,
    pub(super) value: Vec<u8>,
    pub(super) content_type: String,
    pub(super) tags: Vec<String>,
    /// When it was written, in microseconds since the Unix epoch.
    pub(super) put_at_us: i64,
    /// The first moment at which it is dead, on the monotonic clock.
    pub(super) end_us: u64,
    pub(super) usage: Use,
}

impl Kept {
    fn bytes(&self) -> u64 {
        (self.key.len() + self.value.len()) as u64
    }

    pub(super) fn is_live(&self, mono_us: u64) -> bool {
        mono_us < self.end_us
    }
}

/// How much and how lately an entry was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Use {
    /// Reads and writes since it came into memory.
    pub(super) count: u64,
    /// Number of the last of them among all uses of the cache.
    pub(super) last: u64,
}

/// The entries of one namespace.
#[derive(Debug, Clone, Default)]
pub(super) struct Memory {
    entries: Lru<Kept>,
    /// Slots by hash of the key. Never iterated: its order differs by platform.
    slots: HashTable<Slot>,
    /// Slots by end of life.
    ends: BTreeSet<(u64, Slot)>,
    hasher: FixedState,
    bytes: u64,
    pub(super) totals: LevelTotals,
}

impl Memory {
    /// How many entries are held, dead ones included.
    pub(super) fn len(&self) -> u32 {
        self.entries.len()
    }

    /// Bytes of keys and values held.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// All entries, dead ones included, least recently used first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Kept> {
        self.entries.iter().map(|(_, kept)| kept)
    }

    /// The live entry of a key. Looking is no use and is not counted.
    pub(super) fn peek(&self, mono_us: u64, key: &str) -> Option<&Kept> {
        self.entries
            .get(self.find(key)?)
            .filter(|kept| kept.is_live(mono_us))
    }

    /// Reads a key: uses and counts a live entry, removes a dead one.
    pub(super) fn read(&mut self, mono_us: u64, key: &str, use_number: u64) -> Option<&Kept> {
        let slot = self.find_live(mono_us, key);
        let Some(slot) = slot else {
            self.totals.misses += 1;
            return None;
        };
        self.totals.hits += 1;
        self.entries.touch(slot);
        let kept = self.entries.get_mut(slot)?;
        kept.usage.count = kept.usage.count.saturating_add(1);
        kept.usage.last = use_number;
        Some(kept)
    }

    /// Writes an entry, which is a use of the key, in place of an older one.
    /// One that the bounds can never hold only removes the older one.
    pub(super) fn write(
        &mut self,
        mono_us: u64,
        mut kept: Kept,
        most_entries: u32,
        most_bytes: u64,
    ) {
        if let Some(slot) = self.find_live(mono_us, &kept.key)
            && let Some(older) = self.remove(slot)
        {
            kept.usage.count = kept.usage.count.saturating_add(older.usage.count);
        }
        let bytes = kept.bytes();
        let (Some(other_entries), Some(other_bytes)) =
            (most_entries.checked_sub(1), most_bytes.checked_sub(bytes))
        else {
            return;
        };
        self.make_room(mono_us, other_entries, other_bytes);
        let hash = self.hasher.hash_one(kept.key.as_str());
        let end_us = kept.end_us;
        let slot = self.entries.insert(kept);
        let (entries, hasher) = (&self.entries, &self.hasher);
        self.slots.insert_unique(hash, slot, |slot| {
            entries
                .get(*slot)
                .map_or(0, |kept| hasher.hash_one(kept.key.as_str()))
        });
        self.ends.insert((end_us, slot));
        self.bytes += bytes;
    }

    /// Removes a key; says whether a live entry was there.
    pub(super) fn delete(&mut self, mono_us: u64, key: &str) -> bool {
        self.find_live(mono_us, key)
            .and_then(|slot| self.remove(slot))
            .is_some()
    }

    /// Removes all live entries that `doomed` names, least recently used first.
    pub(super) fn remove_where(
        &mut self,
        mono_us: u64,
        doomed: impl Fn(&Kept) -> bool,
    ) -> Vec<String> {
        self.remove_dead(mono_us);
        let slots: Vec<Slot> = self
            .entries
            .iter()
            .filter(|(_, kept)| doomed(kept))
            .map(|(slot, _)| slot)
            .collect();
        slots
            .into_iter()
            .filter_map(|slot| self.remove(slot))
            .map(|kept| kept.key)
            .collect()
    }

    /// Removes every entry whose life has ended.
    pub(super) fn remove_dead(&mut self, mono_us: u64) {
        while let Some(&(end_us, slot)) = self.ends.first()
            && end_us <= mono_us
        {
            self.remove(slot);
            self.totals.expirations += 1;
        }
    }

    /// Brings the namespace within these bounds if it is not: dead entries
    /// leave first, then the least recently used.
    pub(super) fn make_room(&mut self, mono_us: u64, most_entries: u32, most_bytes: u64) {
        let exceeds =
            |memory: &Self| memory.entries.len() > most_entries || memory.bytes > most_bytes;
        if exceeds(self) {
            self.remove_dead(mono_us);
        }
        while exceeds(self)
            && let Some(slot) = self.entries.oldest()
        {
            self.remove(slot);
            self.totals.evictions += 1;
        }
    }

    /// The slot of a live entry; a dead one is met here, and leaves.
    fn find_live(&mut self, mono_us: u64, key: &str) -> Option<Slot> {
        let slot = self.find(key)?;
        if self.entries.get(slot)?.is_live(mono_us) {
            return Some(slot);
        }
        self.remove(slot);
        self.totals.expirations += 1;
        None
    }

    fn find(&self, key: &str) -> Option<Slot> {
        self.slots
            .find(self.hasher.hash_one(key), |slot| {
                self.entries.get(*slot).is_some_and(|kept| kept.key == key)
            })
            .copied()
    }

    fn remove(&mut self, slot: Slot) -> Option<Kept> {
        let kept = self.entries.remove(slot)?;
        let hash = self.hasher.hash_one(kept.key.as_str());
        if let Ok(found) = self.slots.find_entry(hash, |candidate| *candidate == slot) {
            found.remove();
        }
        self.ends.remove(&(kept.end_us, slot));
        self.bytes -= kept.bytes();
        Some(kept)
    }
}
