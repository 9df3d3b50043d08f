//! Removals that the store has not made durable yet.
//!
//! A removal is a decision, and the store learns of it later: until then it may
//! still have what was removed, and after a crash it may have it again. So
//! every removal is kept here, with a number and a date, until the host
//! acknowledges that its store has performed it for good; and what was put
//! before that date is not let back in meanwhile.
//!
//! Dates order writes and removals. Within one microsecond a removal is dated
//! just behind the writes before it, and a write just at the removal before it.
//!
//! What is pending is bounded. At a bound the removals of one namespace become
//! one removal of everything in it that was put before the last of them, which
//! forgets more than was asked but revives nothing.

use alloc::borrow::ToOwned;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::hash::BuildHasher;

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use serde::{Deserialize, Serialize};

use crate::entities::Entities;
use crate::glob::Glob;
use crate::snapshot::{Section, Tag};
use crate::{Error, Now};

use super::record::{LONGEST_NAME_BYTES, Place, check_place};

/// Most removals pending at once: at full length of all names five megabytes.
const MOST_PENDING: usize = 4096;
/// Most of them by pattern: each is matched with every record admitted.
const MOST_GLOBS: usize = 256;

/// What a removal takes away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scope {
    /// One key.
    Key(Place),
    /// The keys of a namespace that match a glob.
    Glob {
        /// The namespace.
        namespace: String,
        /// A well-formed glob.
        pattern: String,
    },
    /// What carries a tag.
    Tag {
        /// One namespace, or all.
        namespace: Option<String>,
        /// The tag.
        tag: String,
    },
    /// One whole namespace.
    Namespace(String),
    /// Everything.
    All,
}

impl Scope {
    /// The namespace it is confined to, if it is.
    fn namespace(&self) -> Option<&str> {
        match self {
            Self::Key(place) => Some(&place.namespace),
            Self::Glob { namespace, .. } | Self::Namespace(namespace) => Some(namespace),
            Self::Tag { namespace, .. } => namespace.as_deref(),
            Self::All => None,
        }
    }

    /// Whether everything `other` takes away is in here too.
    fn includes(&self, other: &Self) -> bool {
        match self {
            Self::All => true,
            Self::Namespace(namespace) => other.namespace() == Some(namespace),
            _ => self == other,
        }
    }

    /// Namespace and key, where that says it all: found by hash, not by trying.
    fn exact(&self) -> Option<(&str, Option<&str>)> {
        match self {
            Self::Key(place) => Some((&place.namespace, Some(&place.key))),
            Self::Namespace(namespace) => Some((namespace, None)),
            _ => None,
        }
    }

    fn is_well_formed(&self) -> bool {
        let fits = |name: &str| name.len() <= LONGEST_NAME_BYTES;
        match self {
            Self::Key(place) => check_place(&place.namespace, &place.key).is_ok(),
            Self::Glob { namespace, pattern } => fits(namespace) && Glob::parse(pattern).is_ok(),
            Self::Tag { namespace, tag } => namespace.as_deref().is_none_or(fits) && fits(tag),
            Self::Namespace(namespace) => fits(namespace),
            Self::All => true,
        }
    }
}

/// Something the store must remove, durably.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removal {
    /// Rises with every removal; to acknowledge it by.
    pub sequence: u64,
    /// What to remove, as far as it was put before `before_us`.
    pub scope: Scope,
    /// Microseconds since the Unix epoch.
    pub before_us: i64,
}

/// What has happened to removals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RemovalTotals {
    /// Removals decided.
    pub decided: u64,
    /// Not acknowledged yet, now.
    pub pending: u32,
    /// Times the pending ones of a namespace, or of all, became one.
    pub collapsed: u64,
    /// Records kept out because a pending removal covers them.
    pub kept_out: u64,
}

/// Removals in order of their numbers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Removals {
    pending: BTreeMap<u64, Removal>,
    /// Numbers of those of one key or one whole namespace, by hash of that.
    exact: HashTable<u64>,
    /// All others, with their patterns.
    tried: BTreeMap<u64, Option<Glob>>,
    /// Patterns among `tried`.
    globs: usize,
    hasher: FixedState,
    /// The number of the latest removal.
    latest: u64,
    /// Everything up to this number was handed out.
    handed_out: u64,
    /// The latest date of a removal decided by this instance.
    latest_before_us: Option<i64>,
    /// The latest date of a write by this instance.
    newest_put_us: Option<i64>,
    decided: u64,
    collapsed: u64,
    pub(super) kept_out: u64,
}

impl Removals {
    /// The date of a write now: behind every removal so far.
    pub(super) fn date_write(&mut self, now: Now) -> i64 {
        let put_at_us = self
            .latest_before_us
            .map_or(now.dated_us, |before_us| before_us.max(now.dated_us));
        self.newest_put_us = self.newest_put_us.max(Some(put_at_us));
        put_at_us
    }

    /// Takes note of a removal now.
    pub(super) fn decide(&mut self, now: Now, scope: Scope) {
        let before_us = self
            .newest_put_us
            .map_or(now.dated_us, |newest_us| newest_us.max(now.dated_us))
            .saturating_add(1);
        self.latest_before_us = self.latest_before_us.max(Some(before_us));
        self.decided += 1;
        // By the clock as well: a number the host got from an instance that is
        // gone means no removal of this one.
        self.latest = self.latest.max(now.mono_us);
        self.replace_included(scope, before_us);
        self.keep_bounds();
    }

    /// Whether a record was put before a date, as far as can be told: one dated
    /// later than now was put by a clock that ran fast, nobody knows when.
    pub(super) fn was_put_before(&self, now: Now, put_at_us: i64, before_us: i64) -> bool {
        let newest_us = self
            .newest_put_us
            .map_or(now.dated_us, |newest_us| newest_us.max(now.dated_us));
        put_at_us < before_us || put_at_us > newest_us
    }

    /// Whether a record of the store is removed, though the store has it still.
    pub(super) fn covers(
        &self,
        now: Now,
        namespace: &str,
        key: &str,
        tags: &[String],
        put_at_us: i64,
    ) -> bool {
        if self.pending.is_empty() {
            return false;
        }
        let covers = |sequence: u64| {
            self.pending
                .get(&sequence)
                .is_some_and(|removal| self.was_put_before(now, put_at_us, removal.before_us))
        };
        let exactly = |key| self.find_exact(namespace, key).is_some_and(covers);
        exactly(Some(key))
            || exactly(None)
            || self.tried.iter().any(|(&sequence, glob)| {
                let scope = self.pending.get(&sequence).map(|removal| &removal.scope);
                let in_scope = scope.is_some_and(|scope| {
                    scope
                        .namespace()
                        .is_none_or(|confined| confined == namespace)
                        && match (scope, glob) {
                            (Scope::Tag { tag, .. }, _) => tags.contains(tag),
                            (_, Some(glob)) => glob.matches(key),
                            _ => true,
                        }
                });
                in_scope && covers(sequence)
            })
    }

    /// Takes the next removals for the store, in the order they were decided.
    pub(super) fn poll(&mut self, most: u32) -> Vec<Removal> {
        let next = self.handed_out + 1;
        let polled: Vec<Removal> = self
            .pending
            .range(next..)
            .take(most as usize)
            .map(|(_, removal)| removal.clone())
            .collect();
        if let Some(last) = polled.last() {
            self.handed_out = last.sequence;
        }
        polled
    }

    /// Forgets what the store has made durable; says how many removals went.
    pub(super) fn acknowledge(&mut self, sequence: u64) -> Result<u32, Error> {
        if sequence > self.handed_out {
            return Err(Error::InvalidArgument(format!(
                "removal {sequence} was not handed out; the last one was {}",
                self.handed_out
            )));
        }
        let done: Vec<u64> = self.pending.range(..=sequence).map(|(&at, _)| at).collect();
        for sequence in &done {
            self.forget(*sequence);
        }
        Ok(done.len() as u32)
    }

    pub(super) fn totals(&self) -> RemovalTotals {
        RemovalTotals {
            decided: self.decided,
            pending: self.pending.len() as u32,
            collapsed: self.collapsed,
            kept_out: self.kept_out,
        }
    }

    /// Enters a removal in place of all that it includes.
    fn replace_included(&mut self, scope: Scope, before_us: i64) {
        // A key includes nothing but itself: that is found without a search.
        let included: Vec<u64> = match scope.exact() {
            Some((namespace, key @ Some(_))) => {
                self.find_exact(namespace, key).into_iter().collect()
            }
            _ => self
                .pending
                .iter()
                .filter(|(_, removal)| scope.includes(&removal.scope))
                .map(|(&sequence, _)| sequence)
                .collect(),
        };
        for sequence in included {
            self.forget(sequence);
        }
        self.latest += 1;
        self.insert(self.latest, scope, before_us);
    }

    fn keep_bounds(&mut self) {
        while self.pending.len() > MOST_PENDING || self.globs > MOST_GLOBS {
            let only_globs = self.globs > MOST_GLOBS;
            let (namespace, before_us) = self.fullest_namespace(only_globs);
            let scope = namespace.map_or(Scope::All, Scope::Namespace);
            self.collapsed += 1;
            self.replace_included(scope, before_us);
        }
    }

    /// The namespace with the most removals, if any has two, and the latest
    /// date among those that will be included.
    fn fullest_namespace(&self, only_globs: bool) -> (Option<String>, i64) {
        let mut counts: BTreeMap<&str, (usize, i64)> = BTreeMap::new();
        let mut latest_us = i64::MIN;
        for removal in self.pending.values() {
            latest_us = latest_us.max(removal.before_us);
            let Some(namespace) = removal.scope.namespace() else {
                continue;
            };
            let (count, before_us) = counts.entry(namespace).or_insert((0, i64::MIN));
            *before_us = removal.before_us.max(*before_us);
            *count += usize::from(!only_globs || matches!(removal.scope, Scope::Glob { .. }));
        }
        counts
            .into_iter()
            .filter(|(_, (count, _))| *count > 1)
            .max_by_key(|(_, (count, _))| *count)
            .map_or((None, latest_us), |(name, (_, before_us))| {
                (Some(name.to_owned()), before_us)
            })
    }

    fn insert(&mut self, sequence: u64, scope: Scope, before_us: i64) {
        let hash = scope.exact().map(|exact| self.hasher.hash_one(exact));
        match &scope {
            Scope::Glob { pattern, .. } => {
                self.globs += 1;
                // Well-formed: it was parsed when the removal was decided.
                self.tried.insert(sequence, Glob::parse(pattern).ok());
            }
            Scope::Tag { .. } | Scope::All => {
                self.tried.insert(sequence, None);
            }
            Scope::Key(_) | Scope::Namespace(_) => {}
        }
        self.pending.insert(
            sequence,
            Removal {
                sequence,
                scope,
                before_us,
            },
        );
        if let Some(hash) = hash {
            let (pending, hasher) = (&self.pending, &self.hasher);
            self.exact.insert_unique(hash, sequence, |sequence| {
                let scope = pending.get(sequence).map(|removal| &removal.scope);
                scope
                    .and_then(Scope::exact)
                    .map_or(0, |exact| hasher.hash_one(exact))
            });
        }
    }

    fn forget(&mut self, sequence: u64) {
        let Some(removal) = self.pending.remove(&sequence) else {
            return;
        };
        self.tried.remove(&sequence);
        self.globs -= usize::from(matches!(removal.scope, Scope::Glob { .. }));
        if let Some(exact) = removal.scope.exact() {
            let hash = self.hasher.hash_one(exact);
            if let Ok(found) = self
                .exact
                .find_entry(hash, |candidate| *candidate == sequence)
            {
                found.remove();
            }
        }
    }

    fn find_exact(&self, namespace: &str, key: Option<&str>) -> Option<u64> {
        let wanted = Some((namespace, key));
        self.exact
            .find(self.hasher.hash_one((namespace, key)), |sequence| {
                let scope = self.pending.get(sequence).map(|removal| &removal.scope);
                scope.and_then(Scope::exact) == wanted
            })
            .copied()
    }
}

/// The number of the latest removal, and those not acknowledged.
impl Section for Removals {
    const TAG: Tag = Tag::Removals;

    type Content = (u64, Vec<Removal>);

    fn save(&self, _now: Now) -> Self::Content {
        (self.latest, self.pending.values().cloned().collect())
    }

    fn verify((latest, pending): &Self::Content, _: &Entities) -> Result<(), &'static str> {
        if pending.len() > MOST_PENDING {
            return Err("too many removals are pending");
        }
        let mut numbers = BTreeSet::new();
        numbers.extend(pending.iter().map(|removal| removal.sequence));
        let counted = numbers.len() == pending.len()
            && numbers.first().is_none_or(|first| *first > 0)
            && numbers.last().is_none_or(|last| last <= latest);
        // A number is added for every removal to come.
        if !counted || *latest > u64::MAX / 2 {
            return Err("removals are not numbered in order");
        }
        if !pending.iter().all(|removal| removal.scope.is_well_formed()) {
            return Err("a removal names what cannot be");
        }
        Ok(())
    }

    /// What was decided before holds too.
    fn load(&mut self, _now: Now, (latest, pending): Self::Content) {
        let own = core::mem::take(&mut self.pending);
        *self = Self {
            latest,
            latest_before_us: self.latest_before_us,
            newest_put_us: self.newest_put_us,
            decided: self.decided,
            ..Self::default()
        };
        for removal in pending {
            self.insert(removal.sequence, removal.scope, removal.before_us);
        }
        for removal in own.into_values() {
            self.replace_included(removal.scope, removal.before_us);
        }
        self.keep_bounds();
    }
}
