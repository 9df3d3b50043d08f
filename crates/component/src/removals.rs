//! What must leave the store.

use weirhouse_core::cache;

use crate::cache::at;
use crate::wit::exports::weirhouse::core::cache::Place;
use crate::wit::exports::weirhouse::core::removals::{
    Error, Guest, Instant, Matching, Removal, Scope, Tagged, Totals,
};
use crate::{Component, with};

impl Guest for Component {
    fn poll(most: u32) -> Vec<Removal> {
        let polled = with(|optimizer| optimizer.cache.poll_removals(most));
        polled
            .into_iter()
            .map(|removal| Removal {
                sequence: removal.sequence,
                scope: removal.scope.into(),
                before: removal.before_us,
            })
            .collect()
    }

    fn removed(now: Instant, before: i64, put_at: Vec<i64>) -> Vec<u8> {
        at(now, |cache, now| cache.removed(now, before, &put_at))
    }

    fn acknowledge(sequence: u64) -> Result<u32, Error> {
        Ok(with(|optimizer| {
            optimizer.cache.acknowledge_removals(sequence)
        })?)
    }

    fn clear_affected(now: Instant, event: String) -> Vec<String> {
        let names = at(now, |cache, now| cache.clear_affected(now, &event));
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn statistics() -> Totals {
        let totals = with(|optimizer| optimizer.cache.removal_totals());
        Totals {
            decided: totals.decided,
            pending: totals.pending,
            collapsed: totals.collapsed,
            kept_out: totals.kept_out,
        }
    }
}

impl From<cache::Scope> for Scope {
    fn from(scope: cache::Scope) -> Self {
        match scope {
            cache::Scope::Key(place) => Self::Key(Place::from(place)),
            cache::Scope::Glob { namespace, pattern } => {
                Self::Glob(Matching { namespace, pattern })
            }
            cache::Scope::Tag { namespace, tag } => Self::Tag(Tagged { namespace, tag }),
            cache::Scope::Namespace(namespace) => Self::Namespace(namespace),
            cache::Scope::All => Self::All,
        }
    }
}
