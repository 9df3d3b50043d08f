//! Two levels of cache: memory (L1), held here, and disk (L2), held by the
//! host. All policy is here: lives, promotion, bounds, what leaves.
//!
//! Reading: [`Cache::get`]; on [`Lookup::Below`] the host reads its store and
//! calls [`Cache::admit`]. Writing: [`Cache::put`]; the host stores the value
//! under the [`Stamp`] that comes back. Removing: [`Cache::delete`] and its like;
//! the host learns by [`Cache::poll_removals`] what its store must remove.
//! Fetching what neither level has: [`Cache::ask`]. The store itself, and the
//! fetching, are the host's.
//!
//! Lives in memory follow the monotonic clock, dates on disk the anchored one;
//! neither jumps within an instance. A live value is replaced or removed only
//! by a write, a removal or want of room, and reading never lengthens a life.

mod below;
mod classes;
mod disk;
mod ends;
mod events;
mod eviction;
mod fetch;
mod fetched;
mod hot_keys;
mod joined;
mod key;
mod key_hash;
mod known;
mod leases;
mod memory;
mod namespaces;
mod negative;
mod policy;
mod record;
mod removals;
mod removing;
mod settings;
mod slab;
mod totals;
mod upkeep;

#[cfg(test)]
mod tests;

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::vec::Vec;

use crate::sort::sort_by;
use crate::time::END_OF_TIME_US;
use crate::{Error, Now, length};

use leases::Leases;
use memory::Written;
use namespaces::Namespaces;
use negative::Negatives;
use policy::Policies;
use record::{check_namespace, check_place, check_stored, check_tags};
use upkeep::Upkeep;

pub use disk::Usage;
pub use events::namespaces_of_event;
pub use fetched::{Ahead, Answer, Fulfilled, Rescue, Resumed, Stale};
pub(crate) use hot_keys::HotKeys;
pub use joined::Joined;
pub use key::{Part, cache_key};
pub use leases::Lease;
pub use policy::{OwnPolicy, Policy, RefreshAhead, StaleLives};
pub use record::{Admitted, Entry, Lookup, Options, Place, Stamp, Stored};
pub(crate) use removals::Removals;
pub use removals::{Removal, RemovalTotals, Scope};
pub use settings::{Eviction, Levels, OwnSettings, Settings};
pub use totals::{FetchTotals, LevelTotals, Totals};

/// The cache policy and its first level.
#[derive(Debug, Clone)]
pub struct Cache {
    namespaces: Namespaces,
    disk_bounds: Usage,
    policies: Policies,
    leases: Leases,
    negatives: Negatives,
    pub(crate) removals: Removals,
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
            policies: Policies::default(),
            leases: Leases::default(),
            negatives: Negatives::default(),
            removals: Removals::default(),
            latest_us: 0,
            uses: 0,
        }
    }

    /// Sets how every namespace is kept, but for what it has of its own; one
    /// named like a class of data keeps its lives then, unless other lives than
    /// the built-in ones are set. Lives apply to later writes; smaller bounds
    /// evict at once, and under another eviction the entries stay.
    pub fn configure(&mut self, mono_us: u64, settings: Settings) -> Result<(), Error> {
        settings.check()?;
        let mono_us = self.moment(mono_us);
        self.namespaces.configure(settings, mono_us);
        self.latest_us = mono_us;
        Ok(())
    }

    /// Sets in what `namespace` differs from all others, in place of what was
    /// set before; with nothing set it is kept as they are. Applies as
    /// [`Cache::configure`] does.
    pub fn configure_own(
        &mut self,
        mono_us: u64,
        namespace: &str,
        own: OwnSettings,
    ) -> Result<(), Error> {
        check_namespace(namespace)?;
        Settings::default().with(own).check()?;
        let mono_us = self.moment(mono_us);
        self.namespaces.configure_own(namespace, own, mono_us)?;
        self.latest_us = mono_us;
        Ok(())
    }

    /// Changes only the capacity, of one namespace, which thereby has one of
    /// its own, or of all.
    pub fn resize(
        &mut self,
        mono_us: u64,
        namespace: Option<&str>,
        capacity: u32,
    ) -> Result<(), Error> {
        namespace.map_or(Ok(()), check_namespace)?;
        let mono_us = self.moment(mono_us);
        self.namespaces.resize(namespace, capacity, mono_us)?;
        self.latest_us = mono_us;
        Ok(())
    }

    /// Looks a key up. A hit counts as use; it never lengthens a life.
    pub fn get(&mut self, now: Now, namespace: &str, key: &str) -> Result<Lookup<'_>, Error> {
        check_place(namespace, key)?;
        let mono_us = self.advance(now.mono_us);
        let use_number = self.next_use();
        let found = self.namespaces.open_to_read(namespace, mono_us);
        let levels = found.settings.levels;
        let fetch = &mut found.fetch;
        Ok(match found.memory.read(mono_us, key, use_number) {
            Some(written) => Lookup::Hit(Entry::of(written, mono_us)),
            None if self
                .negatives
                .remaining_us(mono_us, namespace, key)
                .is_some() =>
            {
                fetch.negative_hits += 1;
                Lookup::Miss
            }
            None if levels == Levels::Both => Lookup::Below,
            None => Lookup::Miss,
        })
    }

    /// Answers an earlier [`Lookup::Below`] with what the store had.
    ///
    /// A fresh record is a hit of the second level. It is promoted to memory
    /// with no longer a life than it has left, unless memory has the same or a
    /// later write by now. Anything else is a miss. A record with a nonsense
    /// stamp is refused.
    ///
    /// A removal that is not acknowledged holds here: see
    /// [`Cache::poll_removals`]. What was read from the store before a removal
    /// was performed there must come before its acknowledgement, or not at all.
    pub fn admit(
        &mut self,
        now: Now,
        namespace: &str,
        key: &str,
        found: Option<Stored>,
    ) -> Result<Admitted, Error> {
        check_place(namespace, key)?;
        found.as_ref().map_or(Ok(()), check_stored)?;
        let mono_us = self.advance(now.mono_us);
        let use_number = self.next_use();
        let was_found = found.is_some();
        let found = self.uncovered(now, namespace, key, found);
        let place = self.namespaces.open_to_read(namespace, mono_us);

        let stored = found.filter(|_| place.settings.levels == Levels::Both);
        let Some(stored) = stored else {
            place.disk.misses += 1;
            return Ok(if was_found {
                Admitted::Remove
            } else {
                Admitted::Miss
            });
        };
        let remaining_us = stored.stamp.remaining_us(now.dated_us);
        if remaining_us > 0 {
            place.disk.hits += 1;
            place.promote(mono_us, key, stored, remaining_us, use_number);
            return Ok(Admitted::Hit(remaining_us));
        }
        place.disk.misses += 1;
        if stored.stamp.is_over(now.dated_us) {
            place.disk.expirations += 1;
            return Ok(Admitted::Remove);
        }
        Ok(Admitted::Miss)
    }

    /// Promotes a record that was hot before a restart. As [`Cache::admit`],
    /// but nobody asked for it, so it counts as no read.
    pub fn warm(
        &mut self,
        now: Now,
        namespace: &str,
        key: &str,
        stored: Stored,
    ) -> Result<Admitted, Error> {
        check_place(namespace, key)?;
        check_stored(&stored)?;
        let mono_us = self.advance(now.mono_us);
        let use_number = self.next_use();
        let Some(stored) = self.uncovered(now, namespace, key, Some(stored)) else {
            return Ok(Admitted::Remove);
        };
        let remaining_us = stored.stamp.remaining_us(now.dated_us);
        if remaining_us <= 0 {
            return Ok(if stored.stamp.is_over(now.dated_us) {
                Admitted::Remove
            } else {
                Admitted::Miss
            });
        }
        let place = self.namespaces.open_to_read(namespace, mono_us);
        if place.settings.levels == Levels::Both {
            place.promote(mono_us, key, stored, remaining_us, use_number);
        }
        Ok(Admitted::Hit(remaining_us))
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
        self.put_joined(now, Joined::new(namespace, key, value), options)
    }

    /// [`Cache::put`] of a value that is joined with its place.
    pub fn put_joined(
        &mut self,
        now: Now,
        joined: Joined,
        options: Options,
    ) -> Result<Option<Stamp>, Error> {
        self.write(now, joined, options, None)
    }

    /// Writes a value, and settles the fetch that brought it, or voids the one
    /// under way.
    fn write(
        &mut self,
        now: Now,
        joined: Joined,
        options: Options,
        fetched_by: Option<u64>,
    ) -> Result<Option<Stamp>, Error> {
        let (namespace, key) = joined.place()?;
        let value_bytes = joined.value().len() as u64;
        check_place(namespace, key)?;
        check_tags(&options.tags)?;
        let found = self.namespaces.find(namespace);
        let settings = self.namespaces.settings_at(found, namespace);
        let most_bytes = match settings.levels {
            Levels::Both => settings.max_value_bytes,
            // What memory has no room for would be kept nowhere.
            Levels::MemoryOnly => settings
                .max_value_bytes
                .min(settings.max_bytes.saturating_sub(key.len() as u64)),
        };
        if value_bytes > most_bytes {
            return Err(Error::TooLarge(format!(
                "value is {value_bytes} bytes, namespace {namespace} takes at most {most_bytes}"
            )));
        }
        let memory_life_us = options.memory_life_us.unwrap_or(settings.memory_life_us);
        let disk_life_us = options.disk_life_us.unwrap_or(settings.disk_life_us);
        let in_memory_us = length("memory-life", memory_life_us, false)?;
        let on_disk_us = length("disk-life", disk_life_us, false)?;
        let stale = options
            .stale
            .unwrap_or_else(|| self.policies.of(namespace).stale);
        stale.check()?;

        let mono_us = self.moment(now.mono_us);
        let fresh_until_us = mono_us.saturating_add(in_memory_us);
        // Where nothing is stored, memory keeps what may be served stale.
        let (end_us, life_us) = match settings.levels {
            Levels::Both => (fresh_until_us, on_disk_us),
            Levels::MemoryOnly => (
                fresh_until_us.saturating_add_signed(stale.longest_us()),
                in_memory_us,
            ),
        };
        let place = self.namespaces.open_at(found, namespace, mono_us)?;
        // From here on nothing is refused.
        self.latest_us = mono_us;
        self.uses += 1;
        let use_number = self.uses;
        let put_at_us = self.removals.date_write(now);
        match fetched_by {
            Some(lease) => self.leases.take(namespace, key, lease),
            None => self.leases.void(namespace, key),
        }
        if !self.negatives.is_empty() {
            self.negatives.forget(&Place::new(namespace, key));
        }
        place.memory.write(
            mono_us,
            Written {
                joined,
                media_type: options.media_type,
                tags: options.tags,
                put_at_us,
                end_us,
                upkeep: Upkeep {
                    fresh_until_us,
                    stale,
                    life_end_us: mono_us.saturating_add(life_us),
                    life_us,
                    ..Upkeep::default()
                },
            },
            use_number,
        );
        // A date moved behind a removal of the same microsecond lengthens nothing.
        let moved_us = put_at_us.saturating_sub(now.dated_us);
        Ok((settings.levels == Levels::Both).then_some(Stamp {
            put_at_us,
            life_us: disk_life_us.saturating_sub(moved_us).max(1),
            memory_life_us,
            stale,
        }))
    }

    /// Takes a key out of memory though it was not removed: what the store has
    /// under it counts again. For a value that the store did not take.
    pub fn forget(&mut self, now: Now, namespace: &str, key: &str) -> Result<(), Error> {
        check_place(namespace, key)?;
        let mono_us = self.advance(now.mono_us);
        if let Some(found) = self.namespaces.get_mut(namespace) {
            found.memory.delete(mono_us, key);
        }
        Ok(())
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
                .filter(|kept| kept.written.is_fresh(self.latest_us));
            live.map(move |kept| (kept.usage, &namespace.name, kept.key()))
        });
        let mut ranked: Vec<_> = live.collect();
        sort_by(&mut ranked, |(one, ..), (other, ..)| other.cmp(one));
        ranked.truncate(most as usize);
        let places = ranked.into_iter().map(|(_, namespace, key)| Place {
            namespace: namespace.clone(),
            key: key.to_owned(),
        });
        places.collect()
    }

    /// The moment of a call: one that falls behind counts as the latest, one
    /// that could not be added to as the end of time.
    fn moment(&self, mono_us: u64) -> u64 {
        self.latest_us.max(mono_us.min(END_OF_TIME_US))
    }

    /// Takes note of the time.
    fn advance(&mut self, mono_us: u64) -> u64 {
        self.latest_us = self.moment(mono_us);
        self.latest_us
    }

    fn next_use(&mut self) -> u64 {
        self.uses += 1;
        self.uses
    }
}
