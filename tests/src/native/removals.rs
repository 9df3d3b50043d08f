//! What must leave the store.

use weirhouse_core::cache;
use weirhouse_runner::operations::Removals;
use weirhouse_runner::wit::removals::{Matching, Removal, Scope, Tagged, Totals};
use weirhouse_runner::wit::types::Instant;

use super::cache::place;
use super::{Answer, Native, refused};

impl Removals for Native {
    fn removals_poll(&mut self, most: u32) -> Answer<Vec<Removal>> {
        let polled = self.0.cache.poll_removals(most);
        Ok(polled
            .into_iter()
            .map(|removal| Removal {
                sequence: removal.sequence,
                scope: scope(removal.scope),
                before: removal.before_us,
            })
            .collect())
    }

    fn removals_removed(&mut self, now: Instant, before: i64, put_at: &[i64]) -> Answer<Vec<u8>> {
        Ok(self.cache(now, |cache, now| cache.removed(now, before, put_at)))
    }

    fn removals_acknowledge(&mut self, sequence: u64) -> Answer<u32> {
        self.0.cache.acknowledge_removals(sequence).map_err(refused)
    }

    fn removals_clear_affected(&mut self, now: Instant, event: &str) -> Answer<Vec<String>> {
        let names = self.cache(now, |cache, now| cache.clear_affected(now, event));
        Ok(names.iter().map(|name| (*name).to_owned()).collect())
    }

    fn removal_totals(&mut self) -> Answer<Totals> {
        let totals = self.0.cache.removal_totals();
        Ok(Totals {
            decided: totals.decided,
            pending: totals.pending,
            collapsed: totals.collapsed,
            kept_out: totals.kept_out,
        })
    }
}

fn scope(scope: cache::Scope) -> Scope {
    match scope {
        cache::Scope::Key(at) => Scope::Key(place(at)),
        cache::Scope::Glob { namespace, pattern } => Scope::Glob(Matching { namespace, pattern }),
        cache::Scope::Tag { namespace, tag } => Scope::Tag(Tagged { namespace, tag }),
        cache::Scope::Namespace(namespace) => Scope::Namespace(namespace),
        cache::Scope::All => Scope::All,
    }
}
