//! Removing by key, by glob, by tag, by namespace, and all of it.
//!
//! Memory forgets at once. What the store has is a decision that it still has
//! to perform, and until it has, what was removed is kept out: see [`Removals`].
//!
//! [`Removals`]: super::Removals

use alloc::borrow::ToOwned;
use alloc::vec::Vec;

use crate::glob::Glob;
use crate::{Error, Now};

use super::memory::Kept;
use super::namespaces::Namespace;
use super::record::{LONGEST_NAME_BYTES, check_namespace, check_place};
use super::{Cache, Place, Removal, RemovalTotals, Scope, Stored, namespaces_of_event};

impl Cache {
    /// Removes a key; says whether a fresh value was in memory. What the store
    /// has is removed by [`Cache::poll_removals`].
    pub fn delete(&mut self, now: Now, namespace: &str, key: &str) -> Result<bool, Error> {
        check_place(namespace, key)?;
        let mono_us = self.advance(now.mono_us);
        let place = Place::new(namespace, key);
        self.leases.void(namespace, key);
        self.negatives.forget(&place);
        self.removals.decide(now, Scope::Key(place));
        let found = self.namespaces.get_mut(namespace);
        Ok(found.is_some_and(|found| found.memory.delete(mono_us, key)))
    }

    /// Empties one namespace, or all. Lists the fresh keys that were in memory,
    /// least recently used first within a namespace; what the store has is
    /// removed by [`Cache::poll_removals`].
    pub fn clear(&mut self, now: Now, namespace: Option<&str>) -> Vec<Place> {
        let scope = match namespace {
            // Nothing is, or ever was, in a namespace without a proper name.
            Some(name) if check_namespace(name).is_err() => return Vec::new(),
            Some(name) => Scope::Namespace(name.to_owned()),
            None => Scope::All,
        };
        self.outdate(|place| namespace.is_none_or(|name| place.namespace == name));
        self.removals.decide(now, scope);
        self.remove_where(now, namespace, |_| true)
    }

    /// Removes the keys of a namespace that match a glob and lists those that
    /// were fresh in memory. The host asks [`Cache::matching`] for its own keys.
    pub fn invalidate(
        &mut self,
        now: Now,
        namespace: &str,
        pattern: &str,
    ) -> Result<Vec<Place>, Error> {
        check_namespace(namespace)?;
        let glob = Glob::parse(pattern)?;
        self.outdate(|place| place.namespace == namespace && glob.matches(&place.key));
        let scope = Scope::Glob {
            namespace: namespace.to_owned(),
            pattern: pattern.to_owned(),
        };
        self.removals.decide(now, scope);
        Ok(self.remove_where(now, Some(namespace), |kept| glob.matches(kept.key())))
    }

    /// Removes what carries a tag, in one namespace or in all, and lists what
    /// was fresh in memory. Nobody knows the tags of what is being fetched: the
    /// result of no fetch under way there is taken any more.
    pub fn invalidate_tag(&mut self, now: Now, namespace: Option<&str>, tag: &str) -> Vec<Place> {
        // Nothing carries a tag, or is in a namespace, that could not be given.
        if tag.len() > LONGEST_NAME_BYTES
            || namespace.is_some_and(|name| check_namespace(name).is_err())
        {
            return Vec::new();
        }
        self.outdate(|place| namespace.is_none_or(|name| place.namespace == name));
        let scope = Scope::Tag {
            namespace: namespace.map(ToOwned::to_owned),
            tag: tag.to_owned(),
        };
        self.removals.decide(now, scope);
        self.remove_where(now, namespace, |kept| {
            kept.written.tags.iter().any(|carried| carried == tag)
        })
    }

    /// Empties the namespaces that an event of Home Assistant is about, and
    /// gives their names; see [`namespaces_of_event`].
    pub fn clear_affected(&mut self, now: Now, event: &str) -> &'static [&'static str] {
        let affected = namespaces_of_event(event);
        for namespace in affected {
            self.clear(now, Some(namespace));
        }
        affected
    }

    /// Takes the next removals for the store, at most `most`, in the order in
    /// which they were decided. The host removes from its store what is in
    /// their scope and, by [`Cache::removed`], was put before their date.
    pub fn poll_removals(&mut self, most: u32) -> Vec<Removal> {
        self.removals.poll(most)
    }

    /// Reports that the store has made every removal up to `sequence` durable;
    /// says how many that were. Refused for one that was not handed out.
    ///
    /// Until then nothing they cover is admitted, and they outlive the instance.
    pub fn acknowledge_removals(&mut self, sequence: u64) -> Result<u32, Error> {
        self.removals.acknowledge(sequence)
    }

    /// 1 for each record that a removal dated `before_us` removes, by the date
    /// of its write, else 0.
    pub fn removed(&self, now: Now, before_us: i64, put_at_us: &[i64]) -> Vec<u8> {
        put_at_us
            .iter()
            .map(|&put_at_us| u8::from(self.removals.was_put_before(now, put_at_us, before_us)))
            .collect()
    }

    /// What has happened to removals.
    pub fn removal_totals(&self) -> RemovalTotals {
        self.removals.totals()
    }

    /// A record of the store, unless it is removed.
    pub(super) fn uncovered(
        &mut self,
        now: Now,
        namespace: &str,
        key: &str,
        found: Option<Stored>,
    ) -> Option<Stored> {
        let stored = found?;
        let put_at_us = stored.stamp.put_at_us;
        if self
            .removals
            .covers(now, namespace, key, &stored.tags, put_at_us)
        {
            self.removals.kept_out += 1;
            return None;
        }
        Some(stored)
    }

    /// Makes outdated what is being fetched, or known to be nothing.
    fn outdate(&mut self, doomed: impl Fn(&Place) -> bool) {
        self.leases.void_where(&doomed);
        self.negatives.forget_where(&doomed);
    }

    fn remove_where(
        &mut self,
        now: Now,
        namespace: Option<&str>,
        doomed: impl Fn(&Kept) -> bool,
    ) -> Vec<Place> {
        let mono_us = self.advance(now.mono_us);
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
}
