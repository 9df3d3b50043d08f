//! Which namespaces there are and how each is kept.
//!
//! A namespace comes to be when it is configured, read or written. At the bound
//! one without settings of its own and without live entries makes room; its
//! counters live on in the totals. Entries themselves are [`Memory`]'s.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use hashbrown::HashTable;

use crate::Error;

use super::joined::Joined;
use super::key_hash::{key_hash, same_name};
use super::memory::{Memory, Written};
use super::record::Stored;
use super::settings::{OwnSettings, Settings};
use super::totals::{FetchTotals, LevelTotals, Totals};
use super::upkeep::Upkeep;

/// Most namespaces at once: each costs about half a kilobyte empty, and names
/// that come from outside must not fill the memory.
const MOST_NAMESPACES: usize = 1000;

/// One namespace.
#[derive(Debug, Clone)]
pub(super) struct Namespace {
    pub(super) name: String,
    pub(super) settings: Settings,
    /// In what `settings` differ from those for all.
    own: OwnSettings,
    pub(super) memory: Memory,
    pub(super) disk: LevelTotals,
    pub(super) fetch: FetchTotals,
}

impl Namespace {
    fn new(name: String, settings: Settings) -> Self {
        Self {
            name,
            settings,
            own: OwnSettings::default(),
            memory: Memory::new(settings.eviction, settings.room()),
            disk: LevelTotals::default(),
            fetch: FetchTotals::default(),
        }
    }

    /// Follows the settings for all, but in what it has of its own.
    fn follow(&mut self, defaults: Settings, mono_us: u64) {
        self.settings = defaults.of(&self.name).with(self.own);
        self.memory
            .configure(mono_us, self.settings.eviction, self.settings.room());
    }

    fn has_own(&self) -> bool {
        self.own != OwnSettings::default()
    }

    /// Takes a record of the store into memory, unless memory has one as new,
    /// for no longer than it has left.
    pub(super) fn promote(
        &mut self,
        mono_us: u64,
        key: &str,
        stored: Stored,
        remaining_us: i64,
        use_number: u64,
    ) {
        let kept = self.memory.peek(mono_us, key);
        let written_us = kept.map(|kept| kept.written.put_at_us);
        if written_us.is_some_and(|written_us| written_us >= stored.stamp.put_at_us) {
            return;
        }
        let life_us = stored.stamp.memory_life_us.min(remaining_us);
        let end_us = mono_us.saturating_add_signed(life_us);
        self.memory.write(
            mono_us,
            Written {
                joined: Joined::new("", key, stored.value),
                media_type: stored.media_type,
                tags: stored.tags,
                put_at_us: stored.stamp.put_at_us,
                end_us,
                upkeep: Upkeep {
                    fresh_until_us: end_us,
                    life_end_us: mono_us.saturating_add_signed(remaining_us),
                    life_us: stored.stamp.life_us.unsigned_abs(),
                    ..Upkeep::default()
                },
            },
            use_number,
        );
    }

    /// Whether nothing is lost with it.
    fn is_idle(&self, mono_us: u64) -> bool {
        !self.has_own() && !self.memory.iter().any(|kept| kept.is_live(mono_us))
    }

    fn totals(&self) -> Totals {
        Totals {
            memory: self.memory.totals,
            memory_entries: self.memory.len(),
            memory_bytes: self.memory.bytes(),
            disk: self.disk,
            hit_rate: 0.0,
        }
    }
}

/// All namespaces, in order of their coming.
#[derive(Debug, Clone)]
pub(super) struct Namespaces {
    list: Vec<Namespace>,
    /// Places in `list` by hash of the name. Never iterated: its order differs
    /// by platform.
    places: HashTable<usize>,
    /// The place found last: one namespace is mostly used several times in a row.
    latest: usize,
    /// What namespaces without own settings get.
    defaults: Settings,
    /// Stands in for every name that found no place: keeps nothing, counts
    /// their reads, and what happened in namespaces that made room.
    pub(super) elsewhere: Namespace,
}

impl Default for Namespaces {
    fn default() -> Self {
        let defaults = Settings::default();
        Self {
            list: Vec::new(),
            places: HashTable::new(),
            latest: 0,
            defaults,
            elsewhere: Namespace::new(
                String::new(),
                Settings {
                    capacity: 0,
                    ..defaults
                },
            ),
        }
    }
}

impl Namespaces {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Namespace> {
        self.list.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Namespace> {
        self.list.iter_mut()
    }

    pub(super) fn get(&self, name: &str) -> Option<&Namespace> {
        self.list.get(self.find(name)?)
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut Namespace> {
        let place = self.find(name)?;
        self.list.get_mut(place)
    }

    /// How a namespace is kept, or would be.
    pub(super) fn settings_of(&self, name: &str) -> Settings {
        self.settings_at(self.find(name), name)
    }

    /// [`Namespaces::settings_of`] one that was looked for.
    #[inline]
    pub(super) fn settings_at(&self, found: Option<usize>, name: &str) -> Settings {
        match found.and_then(|place| self.list.get(place)) {
            Some(namespace) => namespace.settings,
            None => self.defaults.of(name),
        }
    }

    /// The namespace of a name, new if need be; refused if all places are taken.
    pub(super) fn open(&mut self, name: &str, mono_us: u64) -> Result<&mut Namespace, Error> {
        self.open_at(self.find(name), name, mono_us)
    }

    /// [`Namespaces::open`] for one that was looked for.
    #[inline]
    pub(super) fn open_at(
        &mut self,
        found: Option<usize>,
        name: &str,
        mono_us: u64,
    ) -> Result<&mut Namespace, Error> {
        if found.is_none() {
            self.check_room(name, mono_us)?;
        }
        Ok(self.open_where(found, name, mono_us))
    }

    fn check_room(&self, name: &str, mono_us: u64) -> Result<(), Error> {
        if self.list.len() < MOST_NAMESPACES || self.iter().any(|other| other.is_idle(mono_us)) {
            return Ok(());
        }
        Err(Error::TooLarge(format!(
            "all {MOST_NAMESPACES} namespaces are in use, none is left for {name}; clear one"
        )))
    }

    /// The namespace of a name, new if need be; if all places are taken, one
    /// that keeps nothing.
    #[inline]
    pub(super) fn open_to_read(&mut self, name: &str, mono_us: u64) -> &mut Namespace {
        self.open_where(self.find(name), name, mono_us)
    }

    #[inline]
    fn open_where(&mut self, found: Option<usize>, name: &str, mono_us: u64) -> &mut Namespace {
        let place = found.or_else(|| self.create(name, mono_us));
        match place.and_then(|place| self.list.get_mut(place)) {
            Some(namespace) => {
                self.latest = place.unwrap_or_default();
                namespace
            }
            None => &mut self.elsewhere,
        }
    }

    /// Changes the settings for all. They are checked.
    pub(super) fn configure(&mut self, settings: Settings, mono_us: u64) {
        self.defaults = settings;
        self.elsewhere.settings = Settings {
            capacity: 0,
            ..settings
        };
        for namespace in &mut self.list {
            namespace.follow(settings, mono_us);
        }
    }

    /// Changes in what one namespace differs. The settings are checked.
    pub(super) fn configure_own(
        &mut self,
        name: &str,
        own: OwnSettings,
        mono_us: u64,
    ) -> Result<(), Error> {
        if own == OwnSettings::default() && self.find(name).is_none() {
            return Ok(());
        }
        let defaults = self.defaults;
        let namespace = self.open(name, mono_us)?;
        namespace.own = own;
        namespace.follow(defaults, mono_us);
        Ok(())
    }

    /// Changes the capacity of one namespace, which thereby has one of its own,
    /// or of all, and of those to come.
    pub(super) fn resize(
        &mut self,
        name: Option<&str>,
        capacity: u32,
        mono_us: u64,
    ) -> Result<(), Error> {
        if let Some(name) = name {
            let own = OwnSettings {
                capacity: Some(capacity),
                ..self.get(name).map(|found| found.own).unwrap_or_default()
            };
            return self.configure_own(name, own, mono_us);
        }
        for own in self.list.iter_mut().map(|namespace| &mut namespace.own) {
            own.capacity = own.capacity.and(Some(capacity));
        }
        let settings = Settings {
            capacity,
            ..self.defaults
        };
        self.configure(settings, mono_us);
        Ok(())
    }

    /// Counters of one namespace, or of all together with those of none.
    pub(super) fn totals(&self, name: Option<&str>) -> Totals {
        let Some(name) = name else {
            let mut sum = self.elsewhere.totals();
            self.list
                .iter()
                .for_each(|namespace| sum += namespace.totals());
            return sum.with_hit_rate();
        };
        let namespace = self.get(name);
        namespace
            .map(Namespace::totals)
            .unwrap_or_default()
            .with_hit_rate()
    }

    /// Counters of fetching in one namespace, or in all.
    pub(super) fn fetch_totals(&self, name: Option<&str>) -> FetchTotals {
        let Some(name) = name else {
            let mut sum = self.elsewhere.fetch;
            self.list
                .iter()
                .for_each(|namespace| sum += namespace.fetch);
            return sum;
        };
        let namespace = self.get(name);
        namespace
            .map(|namespace| namespace.fetch)
            .unwrap_or_default()
    }

    /// The place of a namespace that is there.
    #[inline]
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        if self.is_at(self.latest, name) {
            return Some(self.latest);
        }
        self.search(name)
    }

    /// Finds one that is not the one found last.
    fn search(&self, name: &str) -> Option<usize> {
        self.places
            .find(key_hash(name.as_bytes()), |&place| self.is_at(place, name))
            .copied()
    }

    #[inline]
    fn is_at(&self, place: usize, name: &str) -> bool {
        let namespace = self.list.get(place);
        namespace.is_some_and(|namespace| same_name(namespace.name.as_bytes(), name.as_bytes()))
    }

    #[inline(never)]
    fn create(&mut self, name: &str, mono_us: u64) -> Option<usize> {
        if self.list.len() >= MOST_NAMESPACES {
            self.forget_an_idle_one(mono_us)?;
        }
        let place = self.list.len();
        let settings = self.defaults.of(name);
        self.list.push(Namespace::new(name.to_owned(), settings));
        self.index(place);
        Some(place)
    }

    /// Removes the first namespace, in order of coming, that nothing is lost with.
    fn forget_an_idle_one(&mut self, mono_us: u64) -> Option<()> {
        let idle = self.list.iter_mut().position(|namespace| {
            if namespace.has_own() {
                return false;
            }
            namespace.memory.remove_dead(mono_us);
            namespace.memory.len() == 0
        })?;
        let gone = self.list.remove(idle);
        self.elsewhere.memory.totals += gone.memory.totals;
        self.elsewhere.disk += gone.disk;
        self.elsewhere.fetch += gone.fetch;
        // Those behind it moved up.
        self.places.clear();
        for place in 0..self.list.len() {
            self.index(place);
        }
        Some(())
    }

    fn index(&mut self, place: usize) {
        let list = &self.list;
        let hash = |place: &usize| {
            list.get(*place)
                .map_or(0, |found| key_hash(found.name.as_bytes()))
        };
        self.places.insert_unique(hash(&place), place, hash);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_come_and_go_leave_nothing_behind() {
        let mut namespaces = Namespaces::default();
        for number in 0..MOST_NAMESPACES + 50 {
            namespaces.open_to_read(&format!("n{number}"), 0);
        }
        assert_eq!(namespaces.list.len(), MOST_NAMESPACES);
        assert_eq!(namespaces.places.len(), MOST_NAMESPACES);
        assert!(
            namespaces.get_mut("n49").is_none(),
            "the first to come were the first to go"
        );
        assert!(namespaces.get_mut("n50").is_some());
    }
}
