//! Both levels of the cache: the optimizer decides, the store holds.
//!
//! Values are stored as the JSON they were written as.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::value::RawValue;
use weirhouse_runner::Optimizer;
use weirhouse_runner::wit::cache as wit;
use weirhouse_runner::wit::types::Instant;

use crate::store::{Judge, L2Store, Located, Record, Stamp, Usage, perform};

use super::Halt;
use super::cache_arguments::{Clear, Invalidate, Key, Put, Resize};
use super::micros::Micros;
use super::output::{Number, Outcome, Problem, answer, ok};
use super::session::Session;
use super::settings::whole;

/// What every value is.
const CONTENT_TYPE: &str = "application/json";
/// The number of the only content type there is.
pub(super) const MEDIA_TYPE: u32 = 0;

#[derive(Serialize)]
struct Hit<'a> {
    hit: &'static str,
    value: &'a RawValue,
}

#[derive(Serialize)]
pub(super) struct Miss {
    pub(super) miss: bool,
}

#[derive(Serialize)]
struct Level {
    hits: u64,
    misses: u64,
    evictions: u64,
    expirations: u64,
    size: u64,
}

#[derive(Serialize)]
struct Statistics {
    l1: Level,
    l2: Level,
    hit_rate: Number,
}

impl Session<'_> {
    pub(super) fn put(&mut self, arguments: &Put) -> Outcome {
        let Put {
            key,
            value,
            ns,
            l1_ttl,
            l2_ttl,
            stale_while_revalidate,
            stale_if_error,
        } = arguments;
        let now = self.now();
        let stale = match (stale_while_revalidate, stale_if_error) {
            (None, None) => None,
            (while_revalidate, if_error) => Some(wit::StaleLives {
                while_revalidate: while_revalidate.map_or(0, |Micros(us)| us),
                if_error: if_error.map_or(0, |Micros(us)| us),
            }),
        };
        let options = wit::Options {
            media_type: MEDIA_TYPE,
            memory_life: l1_ttl.map(|Micros(us)| us),
            disk_life: l2_ttl.map(|Micros(us)| us),
            stale,
        };
        let bytes = value.get().as_bytes();
        let stamp = self.optimizer.cache_put(now, ns, key, bytes, options)?;
        self.store_value(ns, key, bytes, stamp)?;
        ok()
    }

    /// Stores what was put, if it is to be stored.
    pub(super) fn store_value(
        &mut self,
        ns: &str,
        key: &str,
        bytes: &[u8],
        stamp: Option<wit::Stamp>,
    ) -> Result<(), Problem> {
        let Some(stamp) = stamp else {
            self.store.remove(ns, key)?;
            return Ok(());
        };
        let record = Record {
            value: bytes.to_vec(),
            content_type: CONTENT_TYPE.into(),
            tags: Vec::new(),
            stamp: stamp.into(),
        };
        self.store.put(ns, key, record)?;
        self.trim()
    }

    /// Performs in the store what was removed, which is durable at once.
    pub(super) fn perform_removals(&mut self) -> Result<Vec<Located>, Problem> {
        let now = self.now();
        let mut gone = Vec::new();
        for removal in self.optimizer.removals_poll(u32::MAX)? {
            let mut judge = Asking {
                optimizer: &mut *self.optimizer,
                now,
            };
            gone.extend(perform(&self.store, &removal, &mut judge)?);
            self.optimizer.removals_acknowledge(removal.sequence)?;
        }
        Ok(gone)
    }

    pub(super) fn get(&mut self, arguments: &Key) -> Outcome {
        let Key { key, ns } = arguments;
        let now = self.now();
        match self.optimizer.cache_get(now, ns, key)? {
            wit::Lookup::Hit(entry) => hit("l1", entry.value),
            wit::Lookup::Miss => answer(&Miss { miss: true }),
            wit::Lookup::Below => {
                let found = self.stored(ns, key)?;
                let admitted = self.optimizer.cache_admit(now, ns, key, found.as_ref())?;
                match (admitted, found) {
                    (wit::Admitted::Hit(_), Some(stored)) => hit("l2", stored.value),
                    (admitted, _) => {
                        if admitted == wit::Admitted::Remove {
                            self.store.remove(ns, key)?;
                        }
                        answer(&Miss { miss: true })
                    }
                }
            }
        }
    }

    /// What the store has under a key, as the optimizer is told of it.
    pub(super) fn stored(&self, ns: &str, key: &str) -> Result<Option<wit::Stored>, Problem> {
        let found = self.store.get(ns, key)?;
        Ok(found.map(|record| record.into_stored(MEDIA_TYPE)))
    }

    pub(super) fn delete(&mut self, arguments: &Key) -> Outcome {
        let now = self.now();
        let in_memory = self
            .optimizer
            .cache_delete(now, &arguments.ns, &arguments.key)?;
        let gone = self.perform_removals()?;
        let on_disk = !self
            .living(gone.into_iter().map(|at| ((), at.stamp)).collect())?
            .is_empty();
        answer(&(in_memory || on_disk))
    }

    pub(super) fn clear(&mut self, arguments: &Clear) -> Outcome {
        let now = self.now();
        let in_memory = self.optimizer.cache_clear(now, arguments.ns.as_deref())?;
        let on_disk = self.perform_removals()?;
        self.count_gone(in_memory, on_disk)
    }

    pub(super) fn invalidate(&mut self, arguments: &Invalidate) -> Outcome {
        let Invalidate { pattern, ns } = arguments;
        let now = self.now();
        let in_memory = self.optimizer.cache_invalidate(now, ns, pattern)?;
        let on_disk = self.perform_removals()?;
        self.count_gone(in_memory, on_disk)
    }

    pub(super) fn resize(&mut self, arguments: &Resize) -> Outcome {
        let capacity = whole("capacity", arguments.capacity)?;
        self.optimizer
            .cache_resize(self.now().mono, None, capacity)?;
        self.settings.cache.capacity = capacity;
        ok()
    }

    pub(super) fn cache_stats(&mut self) -> Outcome {
        self.sweep()?;
        let totals = self.optimizer.cache_totals(None)?;
        let level = |level: wit::LevelTotals, size| Level {
            hits: level.hits,
            misses: level.misses,
            evictions: level.evictions,
            expirations: level.expirations,
            size,
        };
        answer(&Statistics {
            l1: level(totals.memory, u64::from(totals.memory_entries)),
            l2: level(totals.disk, self.store.usage().entries),
            hit_rate: Number(totals.hit_rate),
        })
    }

    /// Counts each live entry once, however many levels it was in.
    fn count_gone(&mut self, in_memory: Vec<wit::Place>, on_disk: Vec<Located>) -> Outcome {
        let on_disk = on_disk
            .into_iter()
            .map(|at| ((at.namespace, at.key), at.stamp))
            .collect();
        let mut gone: BTreeSet<_> = self.living(on_disk)?.into_iter().collect();
        gone.extend(
            in_memory
                .into_iter()
                .map(|place| (place.namespace, place.key)),
        );
        answer(&gone.len())
    }

    /// Those whose stamp is alive.
    fn living<T>(&mut self, stamped: Vec<(T, Stamp)>) -> Result<Vec<T>, Problem> {
        let (put_at, lives): (Vec<_>, Vec<_>) = stamped
            .iter()
            .map(|(_, stamp)| wit::Stamp::from(*stamp))
            .map(|stamp| (stamp.put_at, stamp.life))
            .unzip();
        let now = self.now();
        let alive = self.optimizer.cache_alive(now, &put_at, &lives)?;
        let living = stamped
            .into_iter()
            .zip(alive)
            .filter(|(_, alive)| *alive != 0);
        Ok(living.map(|((what, _), _)| what).collect())
    }

    /// Expired records leave before live ones are evicted.
    fn trim(&mut self) -> Result<(), Problem> {
        if self.held_too_much()?.is_none() {
            return Ok(());
        }
        self.sweep()?;
        if let Some(target) = self.held_too_much()? {
            let evicted = self.store.trim(target)?;
            self.optimizer.cache_note_removed(evicted, 0)?;
        }
        Ok(())
    }

    fn held_too_much(&mut self) -> Result<Option<Usage>, Problem> {
        let held = self.store.usage().into();
        Ok(self.optimizer.cache_trim(held)?.map(Usage::from))
    }

    fn sweep(&mut self) -> Result<(), Problem> {
        let now = self.now();
        let before = self.optimizer.cache_sweep_before(now)?;
        let expired = self.store.sweep(before, usize::MAX)?;
        self.optimizer.cache_note_removed(0, expired)?;
        Ok(())
    }
}

/// Asks the optimizer on the store's behalf.
struct Asking<'a> {
    optimizer: &'a mut dyn Optimizer,
    now: Instant,
}

impl Judge for Asking<'_> {
    type Error = Problem;

    fn matching(&mut self, pattern: &str, keys: &[String]) -> Result<Vec<u8>, Problem> {
        Ok(self.optimizer.cache_matching(pattern, keys)?)
    }

    fn removed(&mut self, before: i64, put_at: &[i64]) -> Result<Vec<u8>, Problem> {
        Ok(self.optimizer.removals_removed(self.now, before, put_at)?)
    }
}

/// A value as it was put.
pub(super) fn json(value: Vec<u8>) -> Result<Box<RawValue>, Halt> {
    String::from_utf8(value)
        .ok()
        .and_then(|text| RawValue::from_string(text).ok())
        .ok_or_else(|| Halt::optimizer("the cache answered with bytes that were never put"))
}

pub(super) fn hit(level: &'static str, value: Vec<u8>) -> Outcome {
    answer(&Hit {
        hit: level,
        value: &json(value)?,
    })
}
