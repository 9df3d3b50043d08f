//! Changes that are accepted but not committed yet, laid over the file.
//!
//! The overlay holds the newest state of everything that changed, not a
//! history: a key written a hundred times between two commits is one entry. It
//! knows nothing of the file below; "not mentioned here" means "ask the file".

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use super::Record;

/// Estimated bookkeeping per entry in bytes: map nodes, strings, counters.
const ENTRY_OVERHEAD: usize = 160;

/// Pending changes. Every change carries its ticket, so that exactly what a
/// commit carried can be taken out again.
#[derive(Debug, Clone, Default)]
pub(super) struct Overlay {
    namespaces: BTreeMap<String, BTreeMap<String, Pending>>,
    /// Namespaces whose content below is gone.
    cleared: BTreeMap<String, u64>,
    /// Set when everything below is gone.
    cleared_all: Option<u64>,
    /// Rows of the file's order table that belong to no record any more.
    stale_rows: BTreeMap<u64, u64>,
    changes: usize,
    bytes: usize,
}

#[derive(Debug, Clone)]
struct Pending {
    seq: u64,
    /// `None` is a removal.
    record: Option<Arc<Record>>,
}

/// What the overlay knows of a key.
#[derive(Debug)]
pub(super) enum Seen<'a> {
    Put(&'a Arc<Record>),
    Removed,
    /// Nothing: the file decides.
    Below,
}

/// A pending write.
pub(super) struct PendingPut<'a> {
    pub(super) ns: &'a str,
    pub(super) key: &'a str,
    pub(super) seq: u64,
    pub(super) record: &'a Arc<Record>,
}

impl Overlay {
    pub(super) fn look(&self, ns: &str, key: &str) -> Seen<'_> {
        match self.namespaces.get(ns).and_then(|keys| keys.get(key)) {
            Some(pending) => pending.record.as_ref().map_or(Seen::Removed, Seen::Put),
            None if self.hides(ns) => Seen::Removed,
            None => Seen::Below,
        }
    }

    /// Whether the file's content of this namespace is gone as a whole.
    pub(super) fn hides(&self, ns: &str) -> bool {
        self.cleared_all.is_some() || self.cleared.contains_key(ns)
    }

    pub(super) fn hides_all(&self) -> bool {
        self.cleared_all.is_some()
    }

    pub(super) fn put(&mut self, ns: &str, key: &str, seq: u64, record: Arc<Record>) {
        self.insert(ns, key, seq, Some(record));
    }

    pub(super) fn remove(&mut self, ns: &str, key: &str, seq: u64) {
        self.insert(ns, key, seq, None);
    }

    fn insert(&mut self, ns: &str, key: &str, seq: u64, record: Option<Arc<Record>>) {
        let pending = Pending { seq, record };
        self.bytes += pending.bytes(ns, key);
        self.changes += 1;
        if !self.namespaces.contains_key(ns) {
            self.namespaces.insert(ns.to_owned(), BTreeMap::new());
        }
        let keys = self.namespaces.get_mut(ns);
        if let Some(old) = keys.and_then(|keys| keys.insert(key.to_owned(), pending)) {
            self.bytes -= old.bytes(ns, key);
            self.changes -= 1;
        }
    }

    pub(super) fn clear(&mut self, ns: Option<&str>, seq: u64) {
        match ns {
            Some(ns) => {
                self.namespaces.remove(ns);
                self.cleared.insert(ns.to_owned(), seq);
            }
            None => {
                *self = Self {
                    cleared_all: Some(seq),
                    ..Self::default()
                };
            }
        }
        self.recount();
    }

    pub(super) fn drop_row(&mut self, row: u64, seq: u64) {
        if self.stale_rows.insert(row, seq).is_none() {
            self.changes += 1;
            self.bytes += ENTRY_OVERHEAD;
        }
    }

    /// Forgets what a commit of everything up to `seq` has written.
    pub(super) fn prune(&mut self, seq: u64) {
        self.namespaces.retain(|_, keys| {
            keys.retain(|_, pending| pending.seq > seq);
            !keys.is_empty()
        });
        self.cleared.retain(|_, cleared| *cleared > seq);
        self.cleared_all = self.cleared_all.filter(|cleared| *cleared > seq);
        self.stale_rows.retain(|_, dropped| *dropped > seq);
        self.recount();
    }

    fn recount(&mut self) {
        let marks =
            self.cleared.len() + usize::from(self.cleared_all.is_some()) + self.stale_rows.len();
        self.changes = marks;
        self.bytes = marks * ENTRY_OVERHEAD;
        for (ns, keys) in &self.namespaces {
            self.changes += keys.len();
            self.bytes += keys.iter().map(|(key, p)| p.bytes(ns, key)).sum::<usize>();
        }
    }

    /// Pending changes.
    pub(super) fn len(&self) -> usize {
        self.changes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.changes == 0
    }

    /// Memory taken, in bytes, roughly.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn cleared(&self) -> impl Iterator<Item = &str> {
        self.cleared.keys().map(String::as_str)
    }

    pub(super) fn stale_rows(&self) -> impl Iterator<Item = u64> {
        self.stale_rows.keys().copied()
    }

    pub(super) fn has_stale_row(&self, row: u64) -> bool {
        self.stale_rows.contains_key(&row)
    }

    /// Pending writes by namespace and key.
    pub(super) fn puts(&self) -> impl Iterator<Item = PendingPut<'_>> {
        self.entries().filter_map(|(ns, key, pending)| {
            Some(PendingPut {
                ns,
                key,
                seq: pending.seq,
                record: pending.record.as_ref()?,
            })
        })
    }

    /// Pending writes of one namespace by key, beginning behind `after`.
    pub(super) fn puts_in(
        &self,
        ns: &str,
        after: Option<&str>,
    ) -> impl Iterator<Item = PendingPut<'_>> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let keys = self.namespaces.get_key_value(ns);
        keys.into_iter().flat_map(move |(ns, keys)| {
            keys.range::<str, _>((start, Bound::Unbounded))
                .filter_map(move |(key, pending)| {
                    Some(PendingPut {
                        ns,
                        key,
                        seq: pending.seq,
                        record: pending.record.as_ref()?,
                    })
                })
        })
    }

    /// Names pending for removal.
    pub(super) fn removals(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries()
            .filter(|(_, _, pending)| pending.record.is_none())
            .map(|(ns, key, _)| (ns, key))
    }

    fn entries(&self) -> impl Iterator<Item = (&str, &str, &Pending)> {
        self.namespaces.iter().flat_map(|(ns, keys)| {
            keys.iter()
                .map(move |(key, pending)| (ns.as_str(), key.as_str(), pending))
        })
    }
}

impl Pending {
    fn bytes(&self, ns: &str, key: &str) -> usize {
        let payload = self.record.as_ref().map_or_else(
            || ns.len() + key.len(),
            |record| usize::try_from(record.weight(ns, key)).unwrap_or(usize::MAX),
        );
        payload.saturating_add(ENTRY_OVERHEAD)
    }
}
