//! What leaves the cache together: a namespace, what matches a pattern in it,
//! or what carries a tag.

use std::collections::BTreeSet;

use weirhouse_runner::wit::cache::Stamp;
use weirhouse_runner::wit::types::Instant;

use super::engine::Engine;
use super::{Hub, HubError, Ticket};
use crate::store::Located;

/// Stamps judged in one call: it must end well within a call's deadline.
const STAMPS_PER_CALL: usize = 1_000;

/// Which values are to leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outdated {
    /// All of a namespace.
    Namespace(String),
    /// Those of a namespace whose keys match a pattern.
    Matching {
        /// The namespace.
        namespace: String,
        /// `*` for any run, `?` for a character, sets in brackets.
        pattern: String,
    },
    /// Those that carry a tag.
    Tagged {
        /// In this namespace only.
        namespace: Option<String>,
        /// The tag.
        tag: String,
    },
}

/// What was removed together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cleared {
    /// Live values, each counted once, on however many levels it was.
    pub count: usize,
    /// To wait for the disk with.
    pub ticket: Ticket,
}

impl Hub {
    /// Removes values from both levels. With many of them on disk this takes its time.
    pub fn cache_clear(&self, what: &Outdated) -> Result<Cleared, HubError> {
        let now = self.clock.now();
        self.with_engine(|engine| {
            let in_memory = engine.call(now, |core| match what {
                Outdated::Namespace(namespace) => core.cache_clear(now, Some(namespace)),
                Outdated::Matching { namespace, pattern } => {
                    core.cache_invalidate(now, namespace, pattern)
                }
                Outdated::Tagged { namespace, tag } => {
                    core.cache_invalidate_tag(now, namespace.as_deref(), tag)
                }
            })?;
            engine.waiting.settle_all();
            let on_disk = self.perform_removals(engine, now)?;
            // A removal that had to wait may have been performed along with this one.
            let meant = |at: &Located| match what {
                Outdated::Namespace(namespace) | Outdated::Matching { namespace, .. } => {
                    at.namespace == *namespace
                }
                Outdated::Tagged { namespace, .. } => {
                    namespace.as_ref().is_none_or(|it| at.namespace == *it)
                }
            };
            let on_disk = on_disk.into_iter().filter(meant).collect();
            let mut gone = living(engine, now, on_disk)?;
            gone.extend(in_memory.into_iter().map(|at| (at.namespace, at.key)));
            Ok(Cleared {
                count: gone.len(),
                ticket: self.store.latest(),
            })
        })
    }
}

/// Places of those whose life had not ended.
fn living(
    engine: &mut Engine,
    now: Instant,
    located: Vec<Located>,
) -> Result<BTreeSet<(String, String)>, HubError> {
    let mut living = BTreeSet::new();
    let mut located = located.into_iter();
    loop {
        let page: Vec<Located> = located.by_ref().take(STAMPS_PER_CALL).collect();
        if page.is_empty() {
            return Ok(living);
        }
        let stamps = page.iter().map(|at| Stamp::from(at.stamp));
        let (put_at, lives): (Vec<_>, Vec<_>) =
            stamps.map(|stamp| (stamp.put_at, stamp.life)).unzip();
        let alive = engine.call(now, |core| core.cache_alive(now, &put_at, &lives))?;
        let alive = page.into_iter().zip(alive).filter(|(_, alive)| *alive != 0);
        living.extend(alive.map(|(at, _)| (at.namespace, at.key)));
    }
}
