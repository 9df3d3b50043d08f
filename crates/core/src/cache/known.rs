//! What may answer for a key without a fetch: asked before anything is counted,
//! so that a refused question leaves no trace.

use crate::Now;

use super::Cache;
use super::record::Stored;
use super::settings::Levels;

/// What is known of a key without the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// A value whose life lasts.
    Fresh,
    /// One that may be served while it is fetched anew.
    Stale,
    /// That there is none.
    ThereIsNone,
    /// Nothing, not even that.
    Nothing,
}

impl Cache {
    /// What is known of a key without the store.
    pub(super) fn known(&self, mono_us: u64, namespace: &str, key: &str) -> Known {
        let found = self.namespaces.get(namespace);
        let kept = found.and_then(|found| found.memory.peek(mono_us, key));
        if kept.is_some_and(|kept| kept.written.is_fresh(mono_us)) {
            return Known::Fresh;
        }
        let told = self.negatives.remaining_us(mono_us, namespace, key);
        if told.is_some() {
            return Known::ThereIsNone;
        }
        let usable = kept.is_some_and(|kept| {
            let upkeep = &kept.written.upkeep;
            upkeep.stale_for_us(mono_us) < upkeep.stale.while_revalidate_us
        });
        if usable { Known::Stale } else { Known::Nothing }
    }

    /// Whether a record of the store is given to whoever asks, be it stale.
    pub(super) fn may_be_served(
        &self,
        now: Now,
        namespace: &str,
        key: &str,
        found: &Stored,
    ) -> bool {
        let stamp = found.stamp;
        self.namespaces.settings_of(namespace).levels == Levels::Both
            && (stamp.remaining_us(now.dated_us) > 0
                || stamp.stale_for_us(now.dated_us) < stamp.stale.while_revalidate_us)
            && !self
                .removals
                .covers(now, namespace, key, &found.tags, stamp.put_at_us)
    }
}
