//! What goes into the cache and comes out of it, and the bounds on it.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::{Error, length};

use super::memory::Written;
use super::policy::StaleLives;

/// Longest name of a namespace or tag, in bytes.
pub(super) const LONGEST_NAME_BYTES: usize = 255;
/// Longest key in bytes.
pub(super) const LONGEST_KEY_BYTES: usize = 1024;
/// Most tags on one value.
const MOST_TAGS: usize = 16;

/// What a write may carry beside its value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// The caller's number for what kind of value it is; given back, never read.
    pub media_type: u32,
    /// Life in memory in microseconds in place of the namespace's; over 0.
    pub memory_life_us: Option<i64>,
    /// Life on disk in microseconds in place of the namespace's; over 0.
    pub disk_life_us: Option<i64>,
    /// At most 16, of at most 255 bytes each.
    pub tags: Vec<String>,
    /// Stale lives in place of the namespace's.
    pub stale: Option<StaleLives>,
}

/// When a stored record was put and how long it lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Microseconds since the Unix epoch.
    pub put_at_us: i64,
    /// Life on disk in microseconds.
    pub life_us: i64,
    /// Life in memory in microseconds, of each stay there.
    pub memory_life_us: i64,
    /// How long past `life_us` it may be served stale.
    pub stale: StaleLives,
}

impl Stamp {
    /// Life left on disk in microseconds, 0 or less once it has ended.
    ///
    /// A record dated in the future, left by a clock that ran fast, counts as
    /// put now: it never lives longer than its whole life.
    pub(super) fn remaining_us(&self, dated_us: i64) -> i64 {
        self.life_us
            .saturating_sub(dated_us.saturating_sub(self.put_at_us).max(0))
    }

    /// How long ago its life ended, in microseconds; 0 or less while it lasts.
    pub(super) fn stale_for_us(&self, dated_us: i64) -> i64 {
        -self.remaining_us(dated_us)
    }

    /// Whether its life has ended and nobody may be served it any more.
    pub(super) fn is_over(&self, dated_us: i64) -> bool {
        self.remaining_us(dated_us) <= 0 && self.stale_for_us(dated_us) >= self.stale.longest_us()
    }

    /// Whether it has a proper life, and some of it left on disk.
    pub(super) fn is_alive(&self, dated_us: i64) -> bool {
        length("life", self.life_us, false).is_ok() && self.remaining_us(dated_us) > 0
    }
}

/// A record read back from the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// As it was put.
    pub value: Vec<u8>,
    /// As it was put.
    pub media_type: u32,
    /// As they were put.
    pub tags: Vec<String>,
    /// What `put` answered.
    pub stamp: Stamp,
}

/// A value found in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// As it was put.
    pub value: &'a [u8],
    /// As it was put.
    pub media_type: u32,
    /// Life left in memory in microseconds, over 0.
    pub remaining_us: i64,
}

impl<'a> Entry<'a> {
    pub(super) fn of(written: &'a Written, mono_us: u64) -> Self {
        let remaining_us = written.upkeep.fresh_until_us.saturating_sub(mono_us);
        Self {
            value: written.joined.value(),
            media_type: written.media_type,
            remaining_us: i64::try_from(remaining_us).unwrap_or(i64::MAX),
        }
    }
}

/// What [`super::Cache::admit`] makes of what the store had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admitted {
    /// Fresh, for so many microseconds.
    Hit(i64),
    /// Not fresh, or not there. What is there may stay.
    Miss,
    /// Of no use: it must be removed from the store.
    Remove,
}

/// What [`super::Cache::get`] knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup<'a> {
    /// Fresh, from memory.
    Hit(Entry<'a>),
    /// Not in memory. Read the store, then call [`super::Cache::admit`].
    Below,
    /// Nowhere.
    Miss,
}

/// Where something is or was.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// 1 to 255 bytes.
    pub namespace: String,
    /// At most 1,024 bytes.
    pub key: String,
}

impl Place {
    pub(super) fn new(namespace: &str, key: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            key: key.to_owned(),
        }
    }
}

pub(super) fn check_namespace(namespace: &str) -> Result<(), Error> {
    if namespace.is_empty() {
        return Err(Error::InvalidArgument(
            "namespace is empty; give 1 to 255 bytes".into(),
        ));
    }
    within("namespace", namespace.len(), LONGEST_NAME_BYTES)
}

pub(super) fn check_place(namespace: &str, key: &str) -> Result<(), Error> {
    check_namespace(namespace)?;
    within("key", key.len(), LONGEST_KEY_BYTES)
}

#[inline]
pub(super) fn check_tags(tags: &[String]) -> Result<(), Error> {
    if tags.is_empty() {
        return Ok(());
    }
    check_some_tags(tags)
}

fn check_some_tags(tags: &[String]) -> Result<(), Error> {
    if tags.len() > MOST_TAGS {
        return Err(Error::TooLarge(format!(
            "{} tags given, at most {MOST_TAGS} are taken",
            tags.len()
        )));
    }
    tags.iter()
        .try_for_each(|tag| within("tag", tag.len(), LONGEST_NAME_BYTES))
}

pub(super) fn check_stored(stored: &Stored) -> Result<(), Error> {
    length("stamp life", stored.stamp.life_us, false)?;
    length("stamp memory-life", stored.stamp.memory_life_us, false)?;
    stored.stamp.stale.check()?;
    check_tags(&stored.tags)
}

fn within(name: &str, bytes: usize, most: usize) -> Result<(), Error> {
    if bytes <= most {
        return Ok(());
    }
    Err(Error::TooLarge(format!(
        "{name} is {bytes} bytes, at most {most} are taken"
    )))
}
