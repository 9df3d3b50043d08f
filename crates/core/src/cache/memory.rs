//! The first level of one namespace: values in memory under a bound of entries
//! and one of bytes.
//!
//! An entry whose life has ended answers nothing from that moment on, and
//! leaves when it is met or when room is needed, always before a live entry
//! does, as one that is stale does before a fresh one. Which fresh entry leaves
//! is the eviction policy's choice. Lives, promotion and what belongs on disk
//! are decided by the caller.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use hashbrown::HashTable;

use super::ends::Ends;
use super::eviction::{Order, Room, Weight};
use super::joined::Joined;
use super::key_hash::{key_hash, same_name};
use super::settings::Eviction;
use super::slab::{Slab, Slot};
use super::totals::LevelTotals;
use super::upkeep::Upkeep;
use crate::sort::sort;

/// What was written, with its key.
#[derive(Debug, Clone)]
pub(super) struct Written {
    pub(super) joined: Joined,
    pub(super) media_type: u32,
    pub(super) tags: Vec<String>,
    /// When it was written, in microseconds since the Unix epoch.
    pub(super) put_at_us: i64,
    /// The first moment at which it is dead, on the monotonic clock.
    pub(super) end_us: u64,
    pub(super) upkeep: Upkeep,
}

impl Written {
    /// Whether it may be served as it is; what lives on longer is stale.
    pub(super) fn is_fresh(&self, mono_us: u64) -> bool {
        mono_us < self.upkeep.fresh_until_us
    }
}

/// A value in memory.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) written: Written,
    pub(super) usage: Use,
    hash: u64,
}

impl Kept {
    fn bytes(&self) -> u64 {
        self.written.joined.len()
    }

    pub(super) fn key(&self) -> &str {
        self.written.joined.key()
    }

    pub(super) fn is_live(&self, mono_us: u64) -> bool {
        mono_us < self.written.end_us
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

impl Use {
    fn again(&mut self, number: u64) {
        self.count = self.count.saturating_add(1);
        self.last = number;
    }
}

/// The entries of one namespace.
#[derive(Debug, Clone)]
pub(super) struct Memory {
    entries: Slab<Kept>,
    /// Slots by hash of the key.
    slots: HashTable<Slot>,
    order: Order,
    ends: Ends,
    /// Where what is stale lives on: when entries stop being fresh.
    stales: Ends,
    room: Room,
    bytes: u64,
    pub(super) totals: LevelTotals,
}

impl Memory {
    pub(super) fn new(eviction: Eviction, room: Room) -> Self {
        Self {
            entries: Slab::default(),
            slots: HashTable::new(),
            order: Order::new(eviction, room),
            ends: Ends::default(),
            stales: Ends::default(),
            room,
            bytes: 0,
            totals: LevelTotals::default(),
        }
    }

    /// Changes policy and bounds. Entries stay as far as the bounds let them.
    pub(super) fn configure(&mut self, mono_us: u64, eviction: Eviction, room: Room) {
        self.room = room;
        if self.order.eviction() == eviction {
            self.order.resize(room);
        } else {
            self.order = Order::new(eviction, room);
            for slot in self.by_last_use(|_| true) {
                if let Some(kept) = self.entries.get(slot) {
                    self.order.insert(
                        slot,
                        Weight {
                            hash: kept.hash,
                            bytes: kept.bytes(),
                        },
                    );
                }
            }
        }
        self.make_room(mono_us, None);
    }

    /// How many entries are held, dead ones included.
    pub(super) fn len(&self) -> u32 {
        self.entries.len()
    }

    /// Bytes of keys and values held.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// All entries, dead ones included, in no order that means anything.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Kept> {
        self.entries.iter().map(|(_, kept)| kept)
    }

    /// The live entry of a key. Looking is no use and is not counted.
    pub(super) fn peek(&self, mono_us: u64, key: &str) -> Option<&Kept> {
        let key = key.as_bytes();
        self.entries
            .get(self.find(key_hash(key), key)?)
            .filter(|kept| kept.is_live(mono_us))
    }

    /// Reads a key: uses and counts a fresh entry, removes a dead one.
    pub(super) fn read(&mut self, mono_us: u64, key: &str, use_number: u64) -> Option<&Written> {
        let key = key.as_bytes();
        let Some(slot) = self.find_live(mono_us, key_hash(key), key) else {
            self.totals.misses += 1;
            return None;
        };
        let kept = self.entries.get_mut(slot)?;
        if !kept.written.is_fresh(mono_us) {
            self.totals.misses += 1;
            return None;
        }
        self.totals.hits += 1;
        self.order.touch(slot);
        kept.usage.again(use_number);
        kept.written.upkeep.reads = kept.written.upkeep.reads.saturating_add(1);
        Some(&kept.written)
    }

    /// Writes an entry, which is a use of the key, in place of an older one.
    /// One that the bounds can never hold only removes the older one.
    pub(super) fn write(&mut self, mono_us: u64, written: Written, use_number: u64) {
        let key = written.joined.key_bytes();
        let hash = key_hash(key);
        let found = self.find_live(mono_us, hash, key);
        let bytes = written.joined.len();
        if self.room.entries == 0 || bytes > self.room.bytes {
            found.and_then(|slot| self.remove(slot));
            return;
        }
        let end_us = written.end_us;
        let fresh_until_us = written.upkeep.fresh_until_us;
        let slot = match found {
            Some(slot) => {
                self.replace(slot, written, use_number);
                slot
            }
            None => self.add(Kept {
                written,
                usage: Use {
                    count: 1,
                    last: use_number,
                },
                hash,
            }),
        };
        self.ends.push(end_us, slot);
        if self.ends.is_littered(self.entries.len()) {
            let current = self.entries.iter();
            self.ends
                .restart(current.map(|(slot, kept)| (kept.written.end_us, slot)));
        }
        if fresh_until_us < end_us {
            self.stales.push(fresh_until_us, slot);
            if self.stales.is_littered(self.entries.len()) {
                let current = self.entries.iter();
                self.stales.restart(
                    current.map(|(slot, kept)| (kept.written.upkeep.fresh_until_us, slot)),
                );
            }
        }
        self.make_room(mono_us, Some(slot));
    }

    /// Removes a key; says whether a fresh entry was there.
    pub(super) fn delete(&mut self, mono_us: u64, key: &str) -> bool {
        let key = key.as_bytes();
        self.find_live(mono_us, key_hash(key), key)
            .and_then(|slot| self.remove(slot))
            .is_some_and(|kept| kept.written.is_fresh(mono_us))
    }

    /// The upkeep of a live entry, to change.
    pub(super) fn upkeep_mut(&mut self, mono_us: u64, key: &str) -> Option<&mut Upkeep> {
        let key = key.as_bytes();
        let slot = self.find(key_hash(key), key)?;
        let kept = self.entries.get_mut(slot)?;
        kept.is_live(mono_us).then_some(&mut kept.written.upkeep)
    }

    /// Removes all live entries that `doomed` names; lists the fresh ones,
    /// least recently used first.
    pub(super) fn remove_where(
        &mut self,
        mono_us: u64,
        doomed: impl Fn(&Kept) -> bool,
    ) -> Vec<String> {
        self.remove_dead(mono_us);
        self.by_last_use(doomed)
            .into_iter()
            .filter_map(|slot| self.remove(slot))
            .filter(|kept| kept.written.is_fresh(mono_us))
            .map(|kept| kept.key().to_owned())
            .collect()
    }

    /// Removes every entry whose life has ended.
    pub(super) fn remove_dead(&mut self, mono_us: u64) {
        while let Some((end_us, slot)) = self.ends.pop_ended(mono_us) {
            let entry = self.entries.get(slot);
            if entry.is_some_and(|kept| kept.written.end_us == end_us) {
                self.remove(slot);
                self.totals.expirations += 1;
            }
        }
    }

    /// Brings the namespace within its bounds if it is not: dead entries leave
    /// first, then stale ones, then what the policy says, but never the one just
    /// used.
    fn make_room(&mut self, mono_us: u64, used: Option<Slot>) {
        if !self.exceeds() {
            return;
        }
        self.remove_dead(mono_us);
        while self.exceeds()
            && let Some((end_us, slot)) = self.stales.pop_ended(mono_us)
        {
            let entry = self.entries.get(slot);
            if entry.is_some_and(|kept| kept.written.upkeep.fresh_until_us == end_us) {
                self.remove(slot);
                self.totals.evictions += 1;
            }
        }
        while self.exceeds()
            && let Some(slot) = self.order.evict(used)
        {
            self.discard(slot);
            self.totals.evictions += 1;
        }
    }

    fn exceeds(&self) -> bool {
        self.entries.len() > self.room.entries || self.bytes > self.room.bytes
    }

    /// The slots of entries that `wanted` names, least recently used first.
    fn by_last_use(&self, wanted: impl Fn(&Kept) -> bool) -> Vec<Slot> {
        let mut slots: Vec<(u64, Slot)> = self
            .entries
            .iter()
            .filter(|(_, kept)| wanted(kept))
            .map(|(slot, kept)| (kept.usage.last, slot))
            .collect();
        sort(&mut slots);
        slots.into_iter().map(|(_, slot)| slot).collect()
    }

    /// The slot of a live entry; a dead one is met here, and leaves.
    #[inline]
    fn find_live(&mut self, mono_us: u64, hash: u64, key: &[u8]) -> Option<Slot> {
        let slot = self.find(hash, key)?;
        if self.entries.get(slot)?.is_live(mono_us) {
            return Some(slot);
        }
        self.bury(slot);
        None
    }

    /// Removes an entry whose life was found to have ended.
    #[cold]
    fn bury(&mut self, slot: Slot) {
        self.remove(slot);
        self.totals.expirations += 1;
    }

    #[inline]
    fn find(&self, hash: u64, key: &[u8]) -> Option<Slot> {
        self.slots
            .find(hash, |slot| {
                self.entries
                    .get(*slot)
                    .is_some_and(|kept| same_name(kept.written.joined.key_bytes(), key))
            })
            .copied()
    }

    /// Puts what was written in place of what an entry had.
    fn replace(&mut self, slot: Slot, written: Written, use_number: u64) {
        let Some(kept) = self.entries.get_mut(slot) else {
            return;
        };
        self.bytes -= kept.bytes();
        kept.written = written;
        kept.usage.again(use_number);
        self.bytes += kept.bytes();
        self.order.reweigh(slot, kept.bytes());
        self.order.touch(slot);
    }

    fn add(&mut self, kept: Kept) -> Slot {
        let weight = Weight {
            hash: kept.hash,
            bytes: kept.bytes(),
        };
        let slot = self.entries.insert(kept);
        let entries = &self.entries;
        self.slots.insert_unique(weight.hash, slot, |slot| {
            entries.get(*slot).map_or(0, |kept| kept.hash)
        });
        self.order.insert(slot, weight);
        self.bytes += weight.bytes;
        slot
    }

    fn remove(&mut self, slot: Slot) -> Option<Kept> {
        self.entries.get(slot)?;
        self.unlink(slot);
        self.order.remove(slot);
        self.entries.remove(slot)
    }

    /// Drops an entry that the order knows nothing of any more.
    fn discard(&mut self, slot: Slot) {
        self.unlink(slot);
        self.entries.discard(slot);
    }

    /// Makes an entry that is to go one that cannot be found.
    #[inline]
    fn unlink(&mut self, slot: Slot) {
        let Some(kept) = self.entries.get(slot) else {
            return;
        };
        let candidates = self
            .slots
            .find_entry(kept.hash, |candidate| *candidate == slot);
        if let Ok(found) = candidates {
            found.remove();
        }
        self.bytes -= kept.bytes();
    }
}
