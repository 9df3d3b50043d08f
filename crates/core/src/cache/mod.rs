//! Two levels of cache: memory (L1), held here, and disk (L2), held by the
//! host. All policy is here: lives, promotion, bounds, what leaves.
//!
//! Reading: [`Cache::get`]; on [`Lookup::Below`] the host reads its store and
//! calls [`Cache::admit`]. Writing: [`Cache::put`]; the host stores the value
//! under the [`Stamp`] that comes back. The store itself, fetching what neither
//! level has and merging concurrent fetches are the host's.
//!
//! Lives in memory follow the monotonic clock, dates on disk the anchored one;
//! neither jumps within an instance. A live value is replaced or removed only
//! by a write, a removal or want of room, and reading never lengthens a life.

mod classes;
mod disk;
mod ends;
mod eviction;
mod hot_keys;
mod key;
mod key_hash;
mod memory;
mod namespaces;
mod record;
mod settings;
mod slab;
mod totals;

#[cfg(test)]
mod tests;

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::vec::Vec;
use core::cmp::Reverse;

use crate::glob::Glob;
use crate::{Error, Now, length};

use memory::{Kept, Written};
use namespaces::{Namespace, Namespaces};
use record::{check_labels, check_namespace, check_place, check_stored};

pub use disk::Usage;
pub(crate) use hot_keys::HotKeys;
pub use key::{Part, cache_key};
pub use record::{Entry, Lookup, Options, Place, Stamp, Stored};
pub use settings::{Eviction, Levels, Settings};
pub use totals::{LevelTotals, Totals};

/// The cache policy and its first level.
#[derive(Debug, Clone)]
pub struct Cache {
    namespaces: Namespaces,
    disk_bounds: Usage,
    /// The latest moment of any call, for calls that are told none.
    latest_us: u64,
    /// Uses so far, to tell which of two entries was used later.
    uses: u64,
}

impl Default for Cache {
    fn default() -> Self {
        Self::new()
    }
}

impl Cache {
    /// An empty cache with the defaults of [`Settings`].
    pub fn new() -> Self {
        Self {
            namespaces: Namespaces::default(),
            disk_bounds: disk::DEFAULT_BOUNDS,
            latest_us: 0,
            uses: 0,
        }
    }

    /// Sets how `namespace` is kept, or with `None` every namespace without
    /// settings of its own. Lives apply to later writes; smaller bounds evict
    /// at once, and under another eviction the entries stay.
    pub fn configure(&mut self, namespace: Option<&str>, settings: Settings) -> Result<(), Error> {
        namespace.map_or(Ok(()), check_namespace)?;
        settings.check()?;
        self.namespaces
            .configure(namespace, settings, self.latest_us)
    }

    /// Changes only the capacity, of one namespace, which thereby has settings
    /// of its own, or of all.
    pub fn resize(&mut self, namespace: Option<&str>, capacity: u32) -> Result<(), Error> {
        namespace.map_or(Ok(()), check_namespace)?;
        self.namespaces.resize(namespace, capacity, self.latest_us)
    }

    /// Looks a key up. A hit counts as use; it never lengthens a life.
    pub fn get(&mut self, now: Now, namespace: &str, key: &str) -> Result<Lookup<'_>, Error> {
        check_place(namespace, key)?;
        let mono_us = self.advance(now);
        let use_number = self.next_use();
        let found = self.namespaces.open_to_read(namespace, mono_us);
        let levels = found.settings.levels;
        Ok(
            match (found.memory.read(mono_us, key, use_number), levels) {
                (Some(written), _) => Lookup::Hit(Entry {
                    value: &written.value,
                    content_type: &written.content_type,
                    remaining_us: i64::try_from(written.end_us - mono_us).unwrap_or(i64::MAX),
                }),
                (None, Levels::Both) => Lookup::Below,
                (None, Levels::MemoryOnly) => Lookup::Miss,
            },
        )
    }

    /// Answers an earlier [`Lookup::Below`] with what the store had.
    ///
    /// Gives the remaining life in microseconds if the record is fresh, which
    /// is then a hit of the second level. It is promoted to memory with no
    /// longer a life than it has left, unless memory has the same or a later
    /// write by now. `None` is a miss, and a record found must then be removed
    /// from the store. A record with a nonsense stamp is refused.
    ///
    /// A removal between the two calls is unknown here: the host keeps reads of
    /// its store and removals of the same key apart.
    pub fn admit(
        &mut self,
        now: Now,
        namespace: &str,
        key: &str,
        found: Option<Stored>,
    ) -> Result<Option<i64>, Error> {
        check_place(namespace, key)?;
        found.as_ref().map_or(Ok(()), check_stored)?;
        let mono_us = self.advance(now);
        let use_number = self.next_use();
        let place = self.namespaces.open_to_read(namespace, mono_us);

        let stored = found.filter(|_| place.settings.levels == Levels::Both);
        let Some(stored) = stored else {
            place.disk.misses += 1;
            return Ok(None);
        };
        let remaining_us = stored.stamp.remaining_us(now.dated_us);
        if remaining_us <= 0 {
            place.disk.misses += 1;
            place.disk.expirations += 1;
            return Ok(None);
        }
        place.disk.hits += 1;
        place.promote(mono_us, key, stored, remaining_us, use_number);
        Ok(Some(remaining_us))
    }

    /// Promotes a record that was hot before a restart. As [`Cache::admit`],
    /// but nobody asked for it, so it counts as no read; says whether the record
    /// is fresh.
    pub fn warm(
        &mut self,
        now: Now,
        namespace: &str,
        key: &str,
        stored: Stored,
    ) -> Result<bool, Error> {
        check_place(namespace, key)?;
        check_stored(&stored)?;
        let mono_us = self.advance(now);
        let use_number = self.next_use();
        let remaining_us = stored.stamp.remaining_us(now.dated_us);
        if remaining_us <= 0 {
            return Ok(false);
        }
        let place = self.namespaces.open_to_read(namespace, mono_us);
        if place.settings.levels == Levels::Both {
            place.promote(mono_us, key, stored, remaining_us, use_number);
        }
        Ok(true)
    }

    /// Writes a value.
    ///
    /// With a stamp in the answer the host must store the value under it;
    /// without one it must not, and must remove what it has. A value that
    /// memory has no room for at all goes to disk only.
    pub fn put(
        &mut self,
        now: Now,
        namespace: &str,
        key: &str,
        value: Vec<u8>,
        options: Options,
    ) -> Result<Option<Stamp>, Error> {
        check_place(namespace, key)?;
        check_labels(&options.content_type, &options.tags)?;
        let settings = self.namespaces.settings_of(namespace);
        let most_bytes = match settings.levels {
            Levels::Both => settings.max_value_bytes,
            // What memory has no room for would be kept nowhere.
            Levels::MemoryOnly => settings
                .max_value_bytes
                .min(settings.max_bytes.saturating_sub(key.len() as u64)),
        };
        if value.len() as u64 > most_bytes {
            return Err(Error::TooLarge(format!(
                "value is {} bytes, namespace {namespace} takes at most {most_bytes}",
                value.len()
            )));
        }
        let memory_life_us = options.memory_life_us.unwrap_or(settings.memory_life_us);
        let disk_life_us = options.disk_life_us.unwrap_or(settings.disk_life_us);
        let in_memory_us = length("memory-life", memory_life_us, false)?;
        length("disk-life", disk_life_us, false)?;

        let mono_us = self.advance(now);
        let use_number = self.next_use();
        self.namespaces.open(namespace, mono_us)?.memory.write(
            mono_us,
            key.to_owned(),
            Written {
                value,
                content_type: options.content_type,
                tags: options.tags,
                put_at_us: now.dated_us,
                end_us: mono_us.saturating_add(in_memory_us),
            },
            use_number,
        );
        Ok((settings.levels == Levels::Both).then_some(Stamp {
            put_at_us: now.dated_us,
            life_us: disk_life_us,
            memory_life_us,
        }))
    }

    /// Removes a key from memory; says whether a live value was there. The host
    /// removes it from the store.
    pub fn delete(&mut self, now: Now, namespace: &str, key: &str) -> Result<bool, Error> {
        check_place(namespace, key)?;
        let mono_us = self.advance(now);
        let found = self.namespaces.get_mut(namespace);
        Ok(found.is_some_and(|found| found.memory.delete(mono_us, key)))
    }

    /// Empties one namespace, or all, in memory. Lists the live keys that went,
    /// least recently used first within a namespace; the host clears its store
    /// likewise.
    pub fn clear(&mut self, now: Now, namespace: Option<&str>) -> Vec<Place> {
        self.remove_where(now, namespace, |_| true)
    }

    /// Removes the keys of a namespace that match a glob and lists those that
    /// were live. The host asks [`Cache::matching`] for its own keys.
    pub fn invalidate(
        &mut self,
        now: Now,
        namespace: &str,
        pattern: &str,
    ) -> Result<Vec<Place>, Error> {
        check_namespace(namespace)?;
        let glob = Glob::parse(pattern)?;
        Ok(self.remove_where(now, Some(namespace), |kept| glob.matches(&kept.key)))
    }

    /// Removes what carries a tag, in one namespace or in all, and lists what
    /// was live.
    pub fn invalidate_tag(&mut self, now: Now, namespace: Option<&str>, tag: &str) -> Vec<Place> {
        self.remove_where(now, namespace, |kept| {
            kept.written.tags.iter().any(|carried| carried == tag)
        })
    }

    /// 1 for each key that matches the glob, else 0.
    pub fn matching(&self, pattern: &str, keys: &[impl AsRef<str>]) -> Result<Vec<u8>, Error> {
        let glob = Glob::parse(pattern)?;
        Ok(keys
            .iter()
            .map(|key| u8::from(glob.matches(key.as_ref())))
            .collect())
    }

    /// 1 for each stamp that is alive now, else 0. The lists run in parallel:
    /// dates of writing, and lives in microseconds. A life outside its range is
    /// not alive.
    pub fn alive(&self, now: Now, put_at_us: &[i64], lives_us: &[i64]) -> Result<Vec<u8>, Error> {
        if put_at_us.len() != lives_us.len() {
            return Err(Error::InvalidArgument(format!(
                "put-at has {} items and lives has {}; give one life for each date",
                put_at_us.len(),
                lives_us.len()
            )));
        }
        let stamps = put_at_us
            .iter()
            .zip(lives_us)
            .map(|(&put_at_us, &life_us)| Stamp {
                put_at_us,
                life_us,
                memory_life_us: life_us,
            });
        Ok(stamps
            .map(|stamp| u8::from(stamp.is_alive(now.dated_us)))
            .collect())
    }

    /// Sets the most the store may hold. Default 50,000 entries, 64 MiB.
    pub fn set_disk_bounds(&mut self, bounds: Usage) {
        self.disk_bounds = bounds;
    }

    /// What the store must be trimmed to, oldest first; `None` while `held` is
    /// within bounds. Leaves some room, so that not every write trims.
    pub fn trim(&self, held: Usage) -> Option<Usage> {
        disk::trim(self.disk_bounds, held)
    }

    /// The date before which a record's end of life has passed, in microseconds
    /// since the Unix epoch: the store removes what ended before it.
    pub fn sweep_before(&self, now: Now) -> i64 {
        now.dated_us
    }

    /// Reports what trimming and sweeping removed, for the statistics.
    pub fn note_removed(&mut self, evicted: u64, expired: u64) {
        let disk = &mut self.namespaces.elsewhere.disk;
        disk.evictions = disk.evictions.saturating_add(evicted);
        disk.expirations = disk.expirations.saturating_add(expired);
    }

    /// Counters of one namespace, or of all together. All zero for a namespace
    /// that is not known.
    pub fn totals(&self, namespace: Option<&str>) -> Totals {
        self.namespaces.totals(namespace)
    }

    /// The most used live keys now in memory, most used first, of equally used
    /// ones the last used first: what to read first after a restart.
    pub fn hottest(&self, most: u32) -> Vec<Place> {
        let live = self.namespaces.iter().flat_map(|namespace| {
            let live = namespace
                .memory
                .iter()
                .filter(|kept| kept.is_live(self.latest_us));
            live.map(move |kept| (kept.usage, &namespace.name, &kept.key))
        });
        let mut ranked: Vec<_> = live.collect();
        ranked.sort_unstable_by_key(|(usage, ..)| Reverse(*usage));
        ranked.truncate(most as usize);
        let places = ranked.into_iter().map(|(_, namespace, key)| Place {
            namespace: namespace.clone(),
            key: key.clone(),
        });
        places.collect()
    }

    fn remove_where(
        &mut self,
        now: Now,
        namespace: Option<&str>,
        doomed: impl Fn(&Kept) -> bool,
    ) -> Vec<Place> {
        let mono_us = self.advance(now);
        let mut removed = Vec::new();
        let mut remove_from = |found: &mut Namespace| {
            let keys = found.memory.remove_where(mono_us, &doomed);
            removed.extend(keys.into_iter().map(|key| Place {
                namespace: found.name.clone(),
                key,
            }));
        };
        match namespace {
            Some(name) => self
                .namespaces
                .get_mut(name)
                .into_iter()
                .for_each(&mut remove_from),
            None => self.namespaces.iter_mut().for_each(&mut remove_from),
        }
        removed
    }

    /// Takes note of the time; a moment that falls behind counts as the latest.
    fn advance(&mut self, now: Now) -> u64 {
        self.latest_us = self.latest_us.max(now.mono_us);
        self.latest_us
    }

    fn next_use(&mut self) -> u64 {
        self.uses += 1;
        self.uses
    }
}
