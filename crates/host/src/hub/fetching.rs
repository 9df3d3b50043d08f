//! Fetching what the cache has not, once for all who ask.
//!
//! Whose turn it is, what may be served meanwhile and what of a fetch is taken
//! is the optimizer's to say; callers fetch. Here both levels are asked, and
//! those who wait are woken.

use std::sync::Arc;
use std::time::Duration;

use weirhouse_runner::Fault;
use weirhouse_runner::wit::cache::Entry;
use weirhouse_runner::wit::fetch::{
    Answer, Fulfilled, Lease as WitLease, RescueFrom, Resumed, StaleEntry,
};
use weirhouse_runner::wit::types::Instant;

use super::cache::{OnDisk, length, micros, note_unusable};
use super::engine::Engine;
use super::waiting::Joined;
use super::{CacheHit, Hub, HubError, PutOptions, Ticket};

/// The right, and the duty, to fetch one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// To settle the fetch by.
    pub id: u64,
    /// After this the next who asks has the right.
    pub life: Duration,
}

/// A value to serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The value; its life is over where it is stale.
    pub hit: CacheHit,
    /// How long ago its life ended; `None` while it lasts.
    pub stale_for: Option<Duration>,
    /// Whoever asked fetches it anew beside that.
    pub lease: Option<Lease>,
}

/// What someone is answered who would fetch a key.
#[derive(Debug)]
pub enum Asked {
    /// A value, for now.
    Value(Fetched),
    /// There is known to be nothing, for this long.
    Nothing(Duration),
    /// Nowhere. It is the caller's turn to fetch it.
    Fetch(Lease),
    /// Nowhere, and somebody fetches it.
    Wait(Joined),
}

/// What became of what a fetch brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    /// Whether it was taken: not if something newer is known of the key.
    pub kept: bool,
    /// To wait for the disk with.
    pub ticket: Ticket,
}

impl Hub {
    /// Reads memory, then disk, for someone who would fetch the key.
    pub fn fetch_ask(&self, namespace: &str, key: &str) -> Result<Asked, HubError> {
        let now = self.clock.now();
        self.timed("cache_fetch", |engine| {
            match engine.call(now, |core| core.fetch_ask(now, namespace, key))? {
                Answer::Fresh(entry) => {
                    let ahead =
                        engine.call(now, |core| core.fetch_lease_ahead(now, namespace, key))?;
                    Ok(Asked::Value(Fetched {
                        hit: engine.in_memory(entry),
                        stale_for: None,
                        lease: ahead.map(Lease::from),
                    }))
                }
                Answer::Stale((entry, lease)) => {
                    Ok(Asked::Value(engine.stale_in_memory(entry, lease)))
                }
                Answer::Nothing(remaining) => Ok(Asked::Nothing(micros(remaining))),
                Answer::Fetch(lease) => Ok(Asked::Fetch(lease.into())),
                Answer::Wait(at_most) => Ok(engine.wait(namespace, key, at_most)),
                Answer::Below => self.ask_below(engine, now, namespace, key),
            }
        })
    }

    fn ask_below(
        &self,
        engine: &mut Engine,
        now: Instant,
        namespace: &str,
        key: &str,
    ) -> Result<Asked, HubError> {
        let mut found = self.on_disk(engine, namespace, key)?;
        let mut resume =
            |found| engine.call(now, |core| core.fetch_resume(now, namespace, key, found));
        let resumed = match resume(found.as_ref().map(|found| &found.stored)) {
            Err(HubError::Optimizer(fault @ Fault::Refused(_))) if found.is_some() => {
                // If it is not the record that was refused, this is too.
                let resumed = resume(None)?;
                note_unusable(&fault, namespace, key);
                self.store.remove(namespace, key)?;
                found = None;
                resumed
            }
            answer => answer?,
        };
        Ok(match (resumed, found) {
            (Resumed::Fresh(remaining), Some(found)) => {
                if !found.is_numbered {
                    engine.call(now, |core| core.cache_forget(now, namespace, key))?;
                }
                Asked::Value(Fetched {
                    hit: found.into_hit(remaining),
                    stale_for: None,
                    lease: None,
                })
            }
            (Resumed::Stale((stale_for, lease)), Some(found)) => {
                Asked::Value(found.into_stale(stale_for, lease))
            }
            (Resumed::Fetch(lease), _) => Asked::Fetch(lease.into()),
            (Resumed::Wait(at_most), _) => engine.wait(namespace, key, at_most),
            // A value that nobody gave, or one that came meanwhile: ask again.
            _ => engine.wait(namespace, key, 0),
        })
    }

    /// Settles a fetch with the value it brought. That is on disk once the
    /// ticket is committed.
    pub fn fetch_fulfil(
        &self,
        namespace: &str,
        key: &str,
        lease: u64,
        value: Vec<u8>,
        options: PutOptions,
    ) -> Result<Settled, HubError> {
        let now = self.clock.now();
        self.timed("cache_fulfil", |engine| {
            let told = options.numbered(engine)?;
            let tags = &options.tags;
            let fulfilled = engine.call(now, |core| {
                core.fetch_fulfil(now, namespace, key, lease, &value, told, tags)
            })?;
            let Fulfilled::Kept(stamp) = fulfilled else {
                return Ok(self.superseded());
            };
            engine.waiting.settle(namespace, key, None);
            let ticket = self.store_value(engine, now, (namespace, key), value, options, stamp)?;
            Ok(Settled { kept: true, ticket })
        })
    }

    /// Settles a fetch that found there is nothing, which is remembered for
    /// `life`, or as long as was configured.
    pub fn fetch_nothing(
        &self,
        namespace: &str,
        key: &str,
        lease: u64,
        life: Option<Duration>,
    ) -> Result<Settled, HubError> {
        let now = self.clock.now();
        self.with_engine(|engine| {
            let life = life.map(length);
            let taken = engine.call(now, |core| {
                core.fetch_nothing(now, namespace, key, lease, life)
            })?;
            if !taken {
                return Ok(self.superseded());
            }
            engine.waiting.settle(namespace, key, None);
            self.perform_removals(engine, now)?;
            Ok(Settled {
                kept: true,
                ticket: self.store.latest(),
            })
        })
    }

    /// Settles a fetch that has failed. Gives what may be served in place of
    /// its value, to those who wait as well.
    pub fn fetch_fail(
        &self,
        namespace: &str,
        key: &str,
        lease: u64,
    ) -> Result<Option<Arc<Fetched>>, HubError> {
        let now = self.clock.now();
        self.with_engine(|engine| {
            let from = engine.call(now, |core| core.fetch_fail(now, namespace, key, lease))?;
            let rescue = match from {
                RescueFrom::Memory(entry) => Ok(Some(engine.stale_in_memory(entry, None))),
                RescueFrom::Below => self.rescue_below(engine, now, namespace, key),
                RescueFrom::Nothing => Ok(None),
            };
            // Whatever the disk says: the fetch is over.
            let shared = rescue.as_ref().ok().cloned().flatten().map(Arc::new);
            engine.waiting.settle(namespace, key, shared.as_ref());
            rescue.map(|_| shared)
        })
    }

    fn rescue_below(
        &self,
        engine: &mut Engine,
        now: Instant,
        namespace: &str,
        key: &str,
    ) -> Result<Option<Fetched>, HubError> {
        let Some(found) = self.on_disk(engine, namespace, key)? else {
            return Ok(None);
        };
        let stale_for = engine.call(now, |core| {
            core.fetch_rescue(now, namespace, key, &found.stored)
        })?;
        Ok(stale_for.map(|stale_for| found.into_stale(stale_for, None)))
    }

    fn superseded(&self) -> Settled {
        Settled {
            kept: false,
            ticket: self.store.latest(),
        }
    }
}

impl Engine {
    fn stale_in_memory(&self, stale: StaleEntry, lease: Option<WitLease>) -> Fetched {
        let entry = Entry {
            value: stale.value,
            media_type: stale.media_type,
            remaining: 0,
        };
        Fetched {
            hit: self.in_memory(entry),
            stale_for: Some(micros(stale.stale_for)),
            lease: lease.map(Lease::from),
        }
    }

    fn wait(&mut self, namespace: &str, key: &str, at_most: i64) -> Asked {
        Asked::Wait(self.waiting.join(namespace, key, micros(at_most)))
    }
}

impl OnDisk {
    fn into_stale(self, stale_for: i64, lease: Option<WitLease>) -> Fetched {
        Fetched {
            hit: self.into_hit(0),
            stale_for: Some(micros(stale_for)),
            lease: lease.map(Lease::from),
        }
    }
}

impl From<WitLease> for Lease {
    fn from(lease: WitLease) -> Self {
        Self {
            id: lease.id,
            life: micros(lease.life),
        }
    }
}
