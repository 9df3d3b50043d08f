//! Fetching what no level has fresh, once for all who ask.
//!
//! [`Cache::ask`] is [`Cache::get`] for those who would fetch on a miss: of all
//! who ask for a key one gets a [`Lease`] and fetches, the others are served a
//! stale value where the namespace allows it, or wait. The one who fetches says
//! what came of it: [`Cache::fulfil`], [`Cache::nothing`] or [`Cache::fail`].
//!
//! A failure is never remembered, and a value past its life is served only as
//! long as its stale lives last. Stale values are kept on the lowest level: by
//! the store, or in memory where nothing is stored. Fetching itself, and waking
//! those who wait, is the host's.

use alloc::vec::Vec;

use crate::sort::sort;
use crate::{Error, Now, length};

use super::Cache;
use super::fetched::{Ahead, Answer, Fulfilled, Rescue, Resumed, Stale};
use super::joined::Joined;
use super::known::Known;
use super::leases::Lease;
use super::policy::{OwnPolicy, Policy};
use super::record::{Entry, Options, Place, Stored, check_namespace, check_place, check_stored};
use super::removals::Scope;
use super::settings::Levels;
use super::totals::FetchTotals;

impl Cache {
    /// Sets how what is in no level is fetched in every namespace, but for what
    /// it has of its own. Lives apply to later writes.
    pub fn set_policy(&mut self, policy: Policy) -> Result<(), Error> {
        self.policies.set(policy)
    }

    /// Sets in what `namespace` differs from all others, in place of what was
    /// set before; with nothing set it is fetched as they are.
    pub fn set_own_policy(&mut self, namespace: &str, own: OwnPolicy) -> Result<(), Error> {
        check_namespace(namespace)?;
        self.policies.set_own(namespace, own)
    }

    /// Looks a key up for someone who would fetch it. Refused with
    /// [`Error::TooLarge`] while 4,096 other keys are being fetched.
    pub fn ask(&mut self, now: Now, namespace: &str, key: &str) -> Result<Answer<'_>, Error> {
        check_place(namespace, key)?;
        let mono_us = self.moment(now.mono_us);
        if let Err(refused) = self.leases.check_room(mono_us, namespace, key)
            && self.namespaces.settings_of(namespace).levels == Levels::MemoryOnly
            && self.known(mono_us, namespace, key) == Known::Nothing
        {
            return Err(refused);
        }
        self.advance(now.mono_us);
        let use_number = self.next_use();
        if let Some(answer) = self.answer_at_once(mono_us, namespace, key, use_number) {
            return Ok(answer);
        }
        let known = self.known(mono_us, namespace, key);
        if known == Known::Fresh {
            let place = self.namespaces.open_to_read(namespace, mono_us);
            let read = place.memory.read(mono_us, key, use_number);
            return Ok(read.map_or(Answer::Below, |written| {
                Answer::Fresh(Entry::of(written, mono_us))
            }));
        }
        if known != Known::Stale {
            return Ok(match self.lease(mono_us, namespace, key, false)? {
                Turn::Fetch(lease) => Answer::Fetch(lease),
                Turn::Wait(at_most_us) => Answer::Wait(at_most_us),
            });
        }
        let lease = self.lease_beside(mono_us, namespace, key);
        let place = self.namespaces.open_to_read(namespace, mono_us);
        place.fetch.stale_memory_hits += 1;
        let kept = place.memory.peek(mono_us, key);
        Ok(kept.map_or(Answer::Below, |kept| {
            Answer::Stale(Stale::of(&kept.written, mono_us), lease)
        }))
    }

    /// The answer to a question that needs no value of memory and no lease.
    /// Counts the miss of a key that is not fresh in memory.
    fn answer_at_once(
        &mut self,
        mono_us: u64,
        namespace: &str,
        key: &str,
        use_number: u64,
    ) -> Option<Answer<'static>> {
        let place = self.namespaces.open_to_read(namespace, mono_us);
        let kept = place.memory.peek(mono_us, key);
        if kept.is_some_and(|kept| kept.written.is_fresh(mono_us)) {
            return None;
        }
        place.memory.read(mono_us, key, use_number);
        if let Some(remaining_us) = self.negatives.remaining_us(mono_us, namespace, key) {
            place.fetch.negative_hits += 1;
            return Some(Answer::Nothing(remaining_us));
        }
        if place.settings.levels == Levels::MemoryOnly {
            return None;
        }
        Some(match self.leases.under_way(mono_us, namespace, key) {
            // Its holder has found nothing in the store that may be served.
            Some(under_way) if !under_way.stale_below => {
                place.fetch.coalesced += 1;
                Answer::Wait(under_way.remaining_us)
            }
            _ => Answer::Below,
        })
    }

    /// Answers an earlier [`Answer::Below`] with what the store had. A fresh
    /// record is promoted as by [`Cache::admit`]. Refused as [`Cache::ask`].
    pub fn resume(
        &mut self,
        now: Now,
        namespace: &str,
        key: &str,
        found: Option<Stored>,
    ) -> Result<Resumed, Error> {
        check_place(namespace, key)?;
        found.as_ref().map_or(Ok(()), check_stored)?;
        let mono_us = self.moment(now.mono_us);
        if let Err(refused) = self.leases.check_room(mono_us, namespace, key)
            && !matches!(
                self.known(mono_us, namespace, key),
                Known::Fresh | Known::ThereIsNone
            )
            && !found
                .as_ref()
                .is_some_and(|found| self.may_be_served(now, namespace, key, found))
        {
            return Err(refused);
        }
        self.advance(now.mono_us);
        let told = self
            .negatives
            .remaining_us(mono_us, namespace, key)
            .is_some();
        let found = self.uncovered(now, namespace, key, found);
        let use_number = self.next_use();
        let place = self.namespaces.open_to_read(namespace, mono_us);
        if told
            || place
                .memory
                .peek(mono_us, key)
                .is_some_and(|kept| kept.written.is_fresh(mono_us))
        {
            return Ok(Resumed::Again);
        }
        let found = found.filter(|_| place.settings.levels == Levels::Both);
        if let Some(stored) = found {
            let remaining_us = stored.stamp.remaining_us(now.dated_us);
            if remaining_us > 0 {
                place.disk.hits += 1;
                place.promote(mono_us, key, stored, remaining_us, use_number);
                return Ok(Resumed::Fresh(remaining_us));
            }
            let stale_for_us = stored.stamp.stale_for_us(now.dated_us);
            if stale_for_us < stored.stamp.stale.while_revalidate_us {
                place.disk.misses += 1;
                place.fetch.stale_disk_hits += 1;
                let lease = self.lease_beside(mono_us, namespace, key);
                return Ok(Resumed::Stale(stale_for_us, lease));
            }
        }
        place.disk.misses += 1;
        Ok(match self.lease(mono_us, namespace, key, false)? {
            Turn::Fetch(lease) => Resumed::Fetch(lease),
            Turn::Wait(at_most_us) => Resumed::Wait(at_most_us),
        })
    }

    /// Settles a fetch with the value it brought, as [`Cache::put`], unless
    /// something newer was written or removed since the lease began.
    ///
    /// A refused value leaves the lease as it is.
    pub fn fulfil(
        &mut self,
        now: Now,
        namespace: &str,
        key: &str,
        lease: u64,
        value: Vec<u8>,
        options: Options,
    ) -> Result<Fulfilled, Error> {
        check_place(namespace, key)?;
        if !self.leases.is_newest(namespace, key, lease) {
            self.fetch_totals_of(now, namespace).superseded += 1;
            return Ok(Fulfilled::Superseded);
        }
        let joined = Joined::new(namespace, key, value);
        let stamp = self.write(now, joined, options, Some(lease))?;
        self.fetch_totals_of(now, namespace).fulfilled += 1;
        Ok(Fulfilled::Kept(stamp))
    }

    /// Settles a fetch that found there is nothing: what was there before is
    /// removed. It is remembered for `life_us`, or else as long as the policy
    /// says, or not at all. Says whether it was taken: not if something newer is
    /// known of the key.
    pub fn nothing(
        &mut self,
        now: Now,
        namespace: &str,
        key: &str,
        lease: u64,
        life_us: Option<i64>,
    ) -> Result<bool, Error> {
        check_place(namespace, key)?;
        life_us.map_or(Ok(0), |life_us| length("negative-life", life_us, false))?;
        if !self.leases.is_newest(namespace, key, lease) {
            self.fetch_totals_of(now, namespace).superseded += 1;
            return Ok(false);
        }
        let mono_us = self.advance(now.mono_us);
        self.leases.take(namespace, key, lease);
        if let Some(found) = self.namespaces.get_mut(namespace) {
            found.memory.delete(mono_us, key);
        }
        let place = Place::new(namespace, key);
        self.removals.decide(now, Scope::Key(place.clone()));
        match life_us.or(self.policies.of(namespace).negative_life_us) {
            Some(life_us) => {
                let until_us = mono_us.saturating_add_signed(life_us);
                self.negatives.note(place, until_us);
            }
            None => self.negatives.forget(&place),
        }
        self.fetch_totals_of(now, namespace).nothing += 1;
        Ok(true)
    }

    /// Settles a fetch that has failed, which is not remembered: the next to
    /// ask gets a lease. Gives what may be served in its place.
    pub fn fail(
        &mut self,
        now: Now,
        namespace: &str,
        key: &str,
        lease: u64,
    ) -> Result<Rescue<'_>, Error> {
        check_place(namespace, key)?;
        let mono_us = self.advance(now.mono_us);
        if self.leases.is_newest(namespace, key, lease) {
            self.leases.drop_one(namespace, key, lease);
            self.fetch_totals_of(now, namespace).failed += 1;
        }
        let told = self
            .negatives
            .remaining_us(mono_us, namespace, key)
            .is_some();
        let place = self.namespaces.open_to_read(namespace, mono_us);
        let usable = place.memory.peek(mono_us, key).filter(|kept| {
            kept.written.is_fresh(mono_us)
                || kept.written.upkeep.stale_for_us(mono_us) < kept.written.upkeep.stale.if_error_us
        });
        Ok(match usable {
            Some(kept) => {
                place.fetch.rescued += 1;
                Rescue::Value(Stale::of(&kept.written, mono_us))
            }
            None if place.settings.levels == Levels::Both && !told => Rescue::Below,
            None => Rescue::Nothing,
        })
    }

    /// Answers an earlier [`Rescue::Below`] with what the store had: how long
    /// ago its life ended in microseconds if it may be served, 0 if it lasts.
    pub fn rescue(
        &mut self,
        now: Now,
        namespace: &str,
        key: &str,
        found: &Stored,
    ) -> Result<Option<i64>, Error> {
        check_place(namespace, key)?;
        check_stored(found)?;
        let mono_us = self.advance(now.mono_us);
        let stamp = found.stamp;
        let stale_for_us = stamp.stale_for_us(now.dated_us);
        let removed = self
            .removals
            .covers(now, namespace, key, &found.tags, stamp.put_at_us);
        let place = self.namespaces.open_to_read(namespace, mono_us);
        let in_time = stale_for_us < 0 || stale_for_us < stamp.stale.if_error_us;
        if removed || !in_time || place.settings.levels == Levels::MemoryOnly {
            return Ok(None);
        }
        place.fetch.rescued += 1;
        Ok(Some(stale_for_us.max(0)))
    }

    /// Leases on values that are read often and whose life ends soon, the
    /// soonest first, at most `most`. Each is handed out once in its life.
    pub fn poll_ahead(&mut self, now: Now, most: u32) -> Vec<Ahead> {
        let mono_us = self.advance(now.mono_us);
        let mut due = Vec::new();
        for namespace in self.namespaces.iter() {
            let Some(policy) = self.policies.of(&namespace.name).refresh_ahead else {
                continue;
            };
            for kept in namespace.memory.iter() {
                if kept.written.is_fresh(mono_us)
                    && kept.written.upkeep.is_due(mono_us, policy)
                    && self
                        .leases
                        .under_way(mono_us, &namespace.name, kept.key())
                        .is_none()
                {
                    let place = Place::new(&namespace.name, kept.key());
                    due.push((kept.written.upkeep.life_end_us, place));
                }
            }
        }
        sort(&mut due);
        due.truncate(most as usize);
        let mut ahead = Vec::new();
        for (_, place) in due {
            let Some(lease) = self.take_ahead(mono_us, &place.namespace, &place.key) else {
                break;
            };
            ahead.push(Ahead { place, lease });
        }
        ahead
    }

    /// A lease on one value that is fresh in memory, if it is read often and
    /// its life ends soon: [`Cache::poll_ahead`] for whoever has just read it.
    pub fn lease_ahead(
        &mut self,
        now: Now,
        namespace: &str,
        key: &str,
    ) -> Result<Option<Lease>, Error> {
        check_place(namespace, key)?;
        let mono_us = self.advance(now.mono_us);
        let Some(policy) = self.policies.of(namespace).refresh_ahead else {
            return Ok(None);
        };
        let found = self.namespaces.get(namespace);
        let is_due = found
            .and_then(|found| found.memory.peek(mono_us, key))
            .is_some_and(|kept| {
                kept.written.is_fresh(mono_us) && kept.written.upkeep.is_due(mono_us, policy)
            });
        if !is_due || self.leases.under_way(mono_us, namespace, key).is_some() {
            return Ok(None);
        }
        Ok(self.take_ahead(mono_us, namespace, key))
    }

    /// A lease on a value that is due to be fetched ahead, once in its life.
    fn take_ahead(&mut self, mono_us: u64, namespace: &str, key: &str) -> Option<Lease> {
        let Ok(Turn::Fetch(lease)) = self.lease(mono_us, namespace, key, false) else {
            return None;
        };
        if let Some(found) = self.namespaces.get_mut(namespace) {
            found.fetch.refreshed_ahead += 1;
            if let Some(upkeep) = found.memory.upkeep_mut(mono_us, key) {
                upkeep.fetched_ahead = true;
            }
        }
        Some(lease)
    }

    /// Counters of fetching in one namespace, or in all together.
    pub fn fetch_totals(&self, namespace: Option<&str>) -> FetchTotals {
        self.namespaces.fetch_totals(namespace)
    }

    /// A lease, or who has it.
    fn lease(
        &mut self,
        mono_us: u64,
        namespace: &str,
        key: &str,
        stale_below: bool,
    ) -> Result<Turn, Error> {
        if let Some(under_way) = self.leases.under_way(mono_us, namespace, key) {
            self.namespaces
                .open_to_read(namespace, mono_us)
                .fetch
                .coalesced += 1;
            return Ok(Turn::Wait(under_way.remaining_us));
        }
        let life_us = self.policies.of(namespace).lease_us;
        let (lease, lapsed) = self
            .leases
            .grant(mono_us, namespace, key, life_us, stale_below)?;
        let fetch = &mut self.namespaces.open_to_read(namespace, mono_us).fetch;
        fetch.leases += 1;
        fetch.lapsed += u64::from(lapsed);
        Ok(Turn::Fetch(lease))
    }

    /// A lease for someone who is served meanwhile: none is no trouble.
    fn lease_beside(&mut self, mono_us: u64, namespace: &str, key: &str) -> Option<Lease> {
        match self.lease(mono_us, namespace, key, true) {
            Ok(Turn::Fetch(lease)) => Some(lease),
            Ok(Turn::Wait(_)) | Err(_) => None,
        }
    }

    fn fetch_totals_of(&mut self, now: Now, namespace: &str) -> &mut FetchTotals {
        let mono_us = self.advance(now.mono_us);
        &mut self.namespaces.open_to_read(namespace, mono_us).fetch
    }
}

/// Whose turn it is to fetch.
enum Turn {
    Fetch(Lease),
    Wait(i64),
}
