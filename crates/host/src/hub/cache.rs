//! The two levels together: memory in the optimizer, disk in the store.
//!
//! Both are asked under the hub's lock, so that they never disagree on the
//! order of two writes.

use std::time::Duration;

use weirhouse_runner::Fault;
use weirhouse_runner::wit::cache::{
    Admitted, Entry, Lookup, Options, StaleLives, Stamp as WitStamp, Stored,
};
use weirhouse_runner::wit::types::Instant;

use super::engine::Engine;
use super::{Hub, HubError, Ticket};
use crate::store::Record;

/// Most records one sweep removes, so that it never holds others up for long.
const SWEEP_RECORDS: usize = 1000;

/// A value that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheHit {
    /// `l1` for memory, `l2` for disk.
    pub level: &'static str,
    /// The bytes.
    pub value: Vec<u8>,
    /// The media type they were put with.
    pub content_type: String,
    /// Life they have left.
    pub remaining: Duration,
}

/// What a write may carry beside its value.
#[derive(Debug, Clone, Default)]
pub struct PutOptions {
    /// The media type.
    pub content_type: String,
    /// Life in memory in place of the namespace's.
    pub memory_life: Option<Duration>,
    /// Life on disk in place of the namespace's.
    pub disk_life: Option<Duration>,
    /// Labels to invalidate by.
    pub tags: Vec<String>,
    /// How long past its life it may be served, in place of the namespace's.
    pub stale: Option<Stale>,
}

/// How long past its life a value may be served. Both begin where it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stale {
    /// While it is fetched anew.
    pub while_revalidate: Duration,
    /// When fetching it has failed.
    pub if_error: Duration,
}

impl PutOptions {
    /// As the optimizer takes them, tags aside.
    pub(super) fn numbered(&self, engine: &mut Engine) -> Result<Options, Fault> {
        let media_type = engine.media_types.number(&self.content_type);
        Ok(Options {
            media_type: media_type.map_err(Fault::Refused)?,
            memory_life: self.memory_life.map(length),
            disk_life: self.disk_life.map(length),
            stale: self.stale.map(|stale| StaleLives {
                while_revalidate: length(stale.while_revalidate),
                if_error: length(stale.if_error),
            }),
        })
    }
}

/// What the store has of a key.
pub(super) struct OnDisk {
    /// As the optimizer takes it.
    pub(super) stored: Stored,
    pub(super) content_type: String,
    /// Whether memory could tell what it is. If not, it is served from disk.
    pub(super) is_numbered: bool,
}

/// What a removal did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deleted {
    /// Whether a live value was there.
    pub existed: bool,
    /// To wait for the disk with.
    pub ticket: Ticket,
}

impl Hub {
    /// Reads memory, then disk.
    pub fn cache_get(&self, namespace: &str, key: &str) -> Result<Option<CacheHit>, HubError> {
        let now = self.clock.now();
        self.timed("cache_get", |engine| {
            let hit = match engine.call(now, |core| core.cache_get(now, namespace, key))? {
                Lookup::Hit(entry) => Some(engine.in_memory(entry)),
                Lookup::Miss => None,
                Lookup::Below => self.read_below(engine, now, namespace, key)?,
            };
            Ok(hit)
        })
    }

    /// Reads disk, and has what is fresh promoted.
    fn read_below(
        &self,
        engine: &mut Engine,
        now: Instant,
        namespace: &str,
        key: &str,
    ) -> Result<Option<CacheHit>, HubError> {
        let found = self.on_disk(engine, namespace, key)?;
        let mut admit =
            |found| engine.call(now, |core| core.cache_admit(now, namespace, key, found));
        let admitted = match admit(found.as_ref().map(|found| &found.stored)) {
            Err(HubError::Optimizer(fault @ Fault::Refused(_))) if found.is_some() => {
                note_unusable(&fault, namespace, key);
                admit(None)?;
                Admitted::Remove
            }
            answer => answer?,
        };
        match (found, admitted) {
            (Some(found), Admitted::Hit(remaining)) => {
                if !found.is_numbered {
                    engine.call(now, |core| core.cache_forget(now, namespace, key))?;
                }
                Ok(Some(found.into_hit(remaining)))
            }
            (Some(_), Admitted::Remove) => {
                self.store.remove(namespace, key)?;
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    /// Reads disk.
    pub(super) fn on_disk(
        &self,
        engine: &mut Engine,
        namespace: &str,
        key: &str,
    ) -> Result<Option<OnDisk>, HubError> {
        let Some(found) = self.store.get(namespace, key)? else {
            return Ok(None);
        };
        let content_type = found.content_type.clone();
        let number = engine.media_types.number(&content_type).ok();
        Ok(Some(OnDisk {
            stored: found.into_stored(number.unwrap_or_default()),
            content_type,
            is_numbered: number.is_some(),
        }))
    }

    /// Writes both levels. The value is on disk once the ticket is committed.
    pub fn cache_put(
        &self,
        namespace: &str,
        key: &str,
        value: Vec<u8>,
        options: PutOptions,
    ) -> Result<Ticket, HubError> {
        let now = self.clock.now();
        self.timed("cache_put", |engine| {
            let told = options.numbered(engine)?;
            let tags = &options.tags;
            let stamp = engine.call(now, |core| {
                if tags.is_empty() {
                    core.cache_put(now, namespace, key, &value, told)
                } else {
                    core.cache_put_tagged(now, namespace, key, &value, told, tags)
                }
            })?;
            engine.waiting.settle(namespace, key, None);
            self.store_value(engine, now, (namespace, key), value, options, stamp)
        })
    }

    /// Writes disk as the optimizer said by the stamp it gave.
    pub(super) fn store_value(
        &self,
        engine: &mut Engine,
        now: Instant,
        (namespace, key): (&str, &str),
        value: Vec<u8>,
        options: PutOptions,
        stamp: Option<WitStamp>,
    ) -> Result<Ticket, HubError> {
        let Some(stamp) = stamp else {
            self.store.remove(namespace, key)?;
            return Ok(self.store.latest());
        };
        let record = Record {
            value,
            content_type: options.content_type,
            tags: options.tags,
            stamp: stamp.into(),
        };
        match self.store.put(namespace, key, record) {
            Ok(ticket) => Ok(ticket),
            Err(refused) => {
                // The value before is still on disk: memory must not answer
                // with another until its life ends.
                engine.call(now, |core| core.cache_forget(now, namespace, key))?;
                Err(refused.into())
            }
        }
    }

    /// Removes from both levels.
    pub fn cache_delete(&self, namespace: &str, key: &str) -> Result<Deleted, HubError> {
        let now = self.clock.now();
        self.with_engine(|engine| {
            let in_memory = engine.call(now, |core| core.cache_delete(now, namespace, key))?;
            engine.waiting.settle(namespace, key, None);
            let gone = self.perform_removals(engine, now)?;
            let (put_at, lives): (Vec<_>, Vec<_>) = gone
                .into_iter()
                .filter(|at| at.namespace == namespace && at.key == key)
                .map(|at| WitStamp::from(at.stamp))
                .map(|stamp| (stamp.put_at, stamp.life))
                .unzip();
            let on_disk = engine
                .call(now, |core| core.cache_alive(now, &put_at, &lives))?
                .contains(&1);
            Ok(Deleted {
                existed: in_memory || on_disk,
                ticket: self.store.latest(),
            })
        })
    }

    /// Returns when everything up to `ticket` is on disk.
    pub async fn committed(&self, ticket: Ticket) -> Result<(), HubError> {
        let mut durable = self.store.durable();
        durable
            .wait_for(|done| *done >= ticket)
            .await
            .map_err(|_| HubError::StoreEnded)?;
        Ok(())
    }

    /// Keeps the store within the bounds the optimizer sets, and removes what
    /// has expired. Meant to be called every few seconds.
    pub fn tidy(&self) -> Result<(), HubError> {
        let now = self.clock.now();
        let held = self.store.usage().into();
        let (target, before_us) = {
            let mut engine = self.lock();
            self.perform_removals(&mut engine, now)?;
            self.acknowledge_removals(&mut engine, now)?;
            (
                engine.call(now, |core| core.cache_trim(held))?,
                engine.call(now, |core| core.cache_sweep_before(now))?,
            )
        };
        let expired = self.store.sweep(before_us, SWEEP_RECORDS)?;
        let evicted = match target {
            Some(target) => self.store.trim(target.into())?,
            None => 0,
        };
        if expired + evicted > 0 {
            self.lock()
                .call(now, |core| core.cache_note_removed(evicted, expired))?;
        }
        Ok(())
    }

    /// Reads the keys that were hot when the last run ended.
    pub(super) fn warm_up(&self) {
        let now = self.clock.now();
        let mut engine = self.lock();
        let hot = engine.call(now, |core| core.take_hot()).unwrap_or_default();
        // The hottest last, so that they are the most recently used.
        for (namespace, key) in hot.iter().rev() {
            if let Err(error) = self.warm(&mut engine, now, namespace, key) {
                tracing::warn!(%error, "the cache was not warmed up");
                return;
            }
        }
        if !hot.is_empty() {
            tracing::info!(keys = hot.len(), "the cache is warm");
        }
    }

    fn warm(
        &self,
        engine: &mut Engine,
        now: Instant,
        namespace: &str,
        key: &str,
    ) -> Result<(), HubError> {
        let Some(found) = self.store.get(namespace, key)? else {
            return Ok(());
        };
        let Ok(media_type) = engine.media_types.number(&found.content_type) else {
            return Ok(());
        };
        let found = found.into_stored(media_type);
        let warmed = match engine.call(now, |core| core.cache_warm(now, namespace, key, &found)) {
            Err(HubError::Optimizer(fault @ Fault::Refused(_))) => {
                note_unusable(&fault, namespace, key);
                Admitted::Remove
            }
            answer => answer?,
        };
        if warmed == Admitted::Remove {
            self.store.remove(namespace, key)?;
        }
        Ok(())
    }
}

impl Engine {
    /// A hit of memory.
    pub(super) fn in_memory(&self, entry: Entry) -> CacheHit {
        CacheHit {
            level: "l1",
            value: entry.value,
            content_type: self.media_types.name(entry.media_type).to_owned(),
            remaining: micros(entry.remaining),
        }
    }
}

impl OnDisk {
    /// A hit, with the life it has left.
    pub(super) fn into_hit(self, remaining: i64) -> CacheHit {
        CacheHit {
            level: "l2",
            value: self.stored.value,
            content_type: self.content_type,
            remaining: micros(remaining),
        }
    }
}

/// Where the optimizer refuses a record under a name it has taken, it is the
/// record that is out of its bounds, as one left by another version may be.
pub(super) fn note_unusable(fault: &Fault, namespace: &str, key: &str) {
    tracing::warn!(%fault, namespace, key, "a record on disk cannot be used and is removed");
}

/// A length the optimizer gave, which is never negative.
pub(super) fn micros(length_us: i64) -> Duration {
    Duration::from_micros(length_us.unsigned_abs())
}

pub(super) fn length(length: Duration) -> i64 {
    i64::try_from(length.as_micros()).unwrap_or(i64::MAX)
}
