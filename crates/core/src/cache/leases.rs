//! Who is fetching what: at most one at a time for each key.
//!
//! A lease ends when its fetch is settled or its time is over; then the next to
//! ask gets another. A fetch that outlasts its lease is not lost: its result is
//! taken as long as it is newer than everything known of the key, that is, if
//! the lease began after the last write, the last removal, and every fetch
//! taken since. So a slow source fills the cache too, and nothing old ever
//! replaces something newer.
//!
//! Waiting for a fetch and waking who waits are the host's.

use alloc::format;
use alloc::vec::Vec;
use core::hash::BuildHasher;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use crate::Error;

use super::record::Place;

/// Most keys that are being fetched at once.
const MOST_FETCHED: usize = 4096;
/// Fetches of one key that may still be taken, the latest of them.
const MOST_BEGUN: usize = 4;

/// The right, and the duty, to fetch one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// To settle the fetch by. Rises with every lease, and is not used again.
    pub id: u64,
    /// Time it lasts, in microseconds.
    pub life_us: i64,
}

#[derive(Debug, Clone, Copy)]
struct Begun {
    id: u64,
    until_us: u64,
}

/// What is under way for one key.
#[derive(Debug, Clone)]
struct Fetches {
    place: Place,
    /// In order of their leases. Only the last can still hold one.
    begun: Vec<Begun>,
    /// Whether the store has a value that may be served stale meanwhile.
    stale_below: bool,
    /// Whether the latest of them is neither taken nor ended.
    unsettled: bool,
}

impl Fetches {
    fn live(&self, mono_us: u64) -> Option<Begun> {
        self.begun
            .last()
            .copied()
            .filter(|begun| mono_us < begun.until_us)
    }
}

/// A fetch under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct UnderWay {
    /// Time its lease has left, in microseconds.
    pub(super) remaining_us: i64,
    /// Whether the store has a value that may be served stale meanwhile.
    pub(super) stale_below: bool,
}

/// All fetches under way.
#[derive(Debug, Clone, Default)]
pub(super) struct Leases {
    fetched: Vec<Fetches>,
    /// Places in `fetched` by hash of namespace and key.
    places: HashTable<usize>,
    hasher: FixedState,
    latest: u64,
}

impl Leases {
    /// The fetch whose lease lasts still.
    pub(super) fn under_way(&self, mono_us: u64, namespace: &str, key: &str) -> Option<UnderWay> {
        let fetches = self.fetched.get(self.find(namespace, key)?)?;
        let live = fetches.live(mono_us)?;
        Some(UnderWay {
            remaining_us: i64::try_from(live.until_us - mono_us).unwrap_or(i64::MAX),
            stale_below: fetches.stale_below,
        })
    }

    /// Checks that a lease on a key can be given.
    pub(super) fn check_room(&self, mono_us: u64, namespace: &str, key: &str) -> Result<(), Error> {
        if self.fetched.len() < MOST_FETCHED
            || self.find(namespace, key).is_some()
            || self
                .fetched
                .iter()
                .any(|fetches| fetches.live(mono_us).is_none())
        {
            return Ok(());
        }
        Err(Error::TooLarge(format!(
            "{MOST_FETCHED} keys are being fetched already; settle some first"
        )))
    }

    /// Gives a lease on a key that nobody else has one on. Says too whether one
    /// before it has lapsed.
    pub(super) fn grant(
        &mut self,
        mono_us: u64,
        namespace: &str,
        key: &str,
        life_us: i64,
        stale_below: bool,
    ) -> Result<(Lease, bool), Error> {
        self.check_room(mono_us, namespace, key)?;
        let index = self.find(namespace, key);
        let index = index.unwrap_or_else(|| self.enter(mono_us, namespace, key));
        // By the clock as well: a number the host got from an instance that is
        // gone means no lease of this one.
        let id = mono_us.max(self.latest + 1);
        let until_us = mono_us.saturating_add_signed(life_us);
        let mut lapsed = false;
        if let Some(fetches) = self.fetched.get_mut(index) {
            lapsed = fetches.unsettled;
            fetches.unsettled = true;
            if fetches.begun.len() >= MOST_BEGUN {
                fetches.begun.remove(0);
            }
            fetches.begun.push(Begun { id, until_us });
            fetches.stale_below = stale_below;
        }
        self.latest = id;
        Ok((Lease { id, life_us }, lapsed))
    }

    /// Whether the result of a fetch is newer than what is known of the key.
    pub(super) fn is_newest(&self, namespace: &str, key: &str, id: u64) -> bool {
        let fetches = self
            .find(namespace, key)
            .and_then(|index| self.fetched.get(index));
        fetches.is_some_and(|fetches| fetches.begun.iter().any(|begun| begun.id == id))
    }

    /// Notes that the result of a fetch was taken: earlier ones are outdated.
    pub(super) fn take(&mut self, namespace: &str, key: &str, id: u64) {
        self.retain(namespace, key, |begun| begun.id > id);
    }

    /// Ends one fetch without a result.
    pub(super) fn drop_one(&mut self, namespace: &str, key: &str, id: u64) {
        self.retain(namespace, key, |begun| begun.id != id);
    }

    /// Makes the results of all fetches of a key outdated.
    #[inline]
    pub(super) fn void(&mut self, namespace: &str, key: &str) {
        if let Some(index) = self.find(namespace, key) {
            self.remove(index);
        }
    }

    /// Makes the results of all fetches outdated whose key `doomed` names.
    pub(super) fn void_where(&mut self, doomed: impl Fn(&Place) -> bool) {
        self.keep_where(|fetches| !doomed(&fetches.place));
    }

    fn retain(&mut self, namespace: &str, key: &str, keep: impl Fn(&Begun) -> bool) {
        let Some(index) = self.find(namespace, key) else {
            return;
        };
        if let Some(fetches) = self.fetched.get_mut(index) {
            let latest = fetches.begun.last().map(|begun| begun.id);
            fetches.begun.retain(keep);
            fetches.unsettled &= latest == fetches.begun.last().map(|begun| begun.id);
            if fetches.begun.is_empty() {
                self.remove(index);
            }
        }
    }

    /// Makes a place for a key. When there is none, fetches that outlasted
    /// their lease are given up.
    fn enter(&mut self, mono_us: u64, namespace: &str, key: &str) -> usize {
        if self.fetched.len() >= MOST_FETCHED {
            self.keep_where(|fetches| fetches.live(mono_us).is_some());
        }
        self.fetched.push(Fetches {
            place: Place::new(namespace, key),
            begun: Vec::new(),
            stale_below: false,
            unsettled: false,
        });
        let index = self.fetched.len() - 1;
        self.index(index);
        index
    }

    fn keep_where(&mut self, keep: impl Fn(&Fetches) -> bool) {
        let before = self.fetched.len();
        self.fetched.retain(keep);
        if self.fetched.len() < before {
            self.places.clear();
            for index in 0..self.fetched.len() {
                self.index(index);
            }
        }
    }

    fn remove(&mut self, index: usize) {
        self.unindex(index);
        let last = self.fetched.len() - 1;
        if index != last {
            self.unindex(last);
        }
        self.fetched.swap_remove(index);
        if index != last {
            self.index(index);
        }
    }

    fn hash(&self, place: &Place) -> u64 {
        self.hasher
            .hash_one((place.namespace.as_str(), place.key.as_str()))
    }

    fn index(&mut self, index: usize) {
        let Some(hash) = self.fetched.get(index).map(|f| self.hash(&f.place)) else {
            return;
        };
        let (fetched, hasher) = (&self.fetched, &self.hasher);
        self.places.insert_unique(hash, index, |index| {
            fetched.get(*index).map_or(0, |Fetches { place, .. }| {
                hasher.hash_one((place.namespace.as_str(), place.key.as_str()))
            })
        });
    }

    fn unindex(&mut self, index: usize) {
        let Some(hash) = self.fetched.get(index).map(|f| self.hash(&f.place)) else {
            return;
        };
        if let Ok(found) = self
            .places
            .find_entry(hash, |candidate| *candidate == index)
        {
            found.remove();
        }
    }

    #[inline]
    fn find(&self, namespace: &str, key: &str) -> Option<usize> {
        // Mostly nothing is fetched: then no key need be hashed.
        if self.fetched.is_empty() {
            return None;
        }
        self.search(namespace, key)
    }

    fn search(&self, namespace: &str, key: &str) -> Option<usize> {
        self.places
            .find(self.hasher.hash_one((namespace, key)), |index| {
                self.fetched.get(*index).is_some_and(|fetches| {
                    fetches.place.namespace == namespace && fetches.place.key == key
                })
            })
            .copied()
    }
}
