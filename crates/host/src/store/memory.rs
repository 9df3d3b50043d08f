//! A store without a disk: scenarios run on it, and it is the reference that
//! [`super::RedbStore`] is tested against.
//!
//! Everything counts as durable at once; nothing survives the process.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::{Health, L2Store, Located, Record, Stamp, StoreError, Ticket, Usage};

/// Records in ordered maps.
#[derive(Debug)]
pub struct MemoryStore {
    state: Mutex<State>,
    durable: watch::Sender<Ticket>,
}

#[derive(Debug, Default)]
struct State {
    namespaces: BTreeMap<String, BTreeMap<String, Held>>,
    latest: u64,
    usage: Usage,
}

#[derive(Debug)]
struct Held {
    seq: u64,
    record: Record,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self {
            state: Mutex::default(),
            durable: watch::channel(Ticket(0)).0,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self, state: &mut State) -> Ticket {
        state.latest += 1;
        self.durable.send_replace(Ticket(state.latest));
        Ticket(state.latest)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl State {
    fn all(&self) -> impl Iterator<Item = (&String, &String, &Held)> {
        self.namespaces
            .iter()
            .flat_map(|(ns, keys)| keys.iter().map(move |(key, held)| (ns, key, held)))
    }

    fn take(&mut self, ns: &str, key: &str) -> Option<Held> {
        let held = self.namespaces.get_mut(ns)?.remove(key)?;
        self.usage.subtract(held.record.weight(ns, key));
        Some(held)
    }

    /// Names in the order of a property of theirs.
    fn names_by<T: Ord>(&self, order: impl Fn(&Held) -> Option<T>) -> Vec<(String, String)> {
        let mut names: Vec<_> = self
            .all()
            .filter_map(|(ns, key, held)| Some((order(held)?, ns.clone(), key.clone())))
            .collect();
        names.sort();
        names.into_iter().map(|(_, ns, key)| (ns, key)).collect()
    }

    fn located(&self, wanted: impl Fn(&str, &Record) -> bool) -> Vec<Located> {
        self.all()
            .filter(|(ns, _, held)| wanted(ns, &held.record))
            .map(|(ns, key, held)| Located {
                namespace: ns.clone(),
                key: key.clone(),
                stamp: held.record.stamp,
            })
            .collect()
    }
}

impl L2Store for MemoryStore {
    fn get(&self, namespace: &str, key: &str) -> Result<Option<Record>, StoreError> {
        let state = self.state();
        let held = state.namespaces.get(namespace).and_then(|n| n.get(key));
        Ok(held.map(|held| held.record.clone()))
    }

    fn stamp(&self, namespace: &str, key: &str) -> Result<Option<Stamp>, StoreError> {
        let state = self.state();
        let held = state.namespaces.get(namespace).and_then(|n| n.get(key));
        Ok(held.map(|held| held.record.stamp))
    }

    fn list(&self, namespace: Option<&str>) -> Result<Vec<Located>, StoreError> {
        Ok(self
            .state()
            .located(|ns, _| namespace.is_none_or(|wanted| wanted == ns)))
    }

    fn put(&self, namespace: &str, key: &str, record: Record) -> Result<Ticket, StoreError> {
        record.check_size(namespace, key)?;
        let mut state = self.state();
        state.take(namespace, key);
        state.usage.add(record.weight(namespace, key));
        let ticket = self.changed(&mut state);
        let held = Held {
            seq: ticket.0,
            record,
        };
        let keys = state.namespaces.entry(namespace.to_owned()).or_default();
        keys.insert(key.to_owned(), held);
        Ok(ticket)
    }

    fn remove(&self, namespace: &str, key: &str) -> Result<Option<Stamp>, StoreError> {
        let mut state = self.state();
        let Some(held) = state.take(namespace, key) else {
            return Ok(None);
        };
        self.changed(&mut state);
        Ok(Some(held.record.stamp))
    }

    fn clear(&self, namespace: Option<&str>) -> Result<Vec<Located>, StoreError> {
        let mut state = self.state();
        let gone = state.located(|ns, _| namespace.is_none_or(|wanted| wanted == ns));
        for place in &gone {
            state.take(&place.namespace, &place.key);
        }
        self.changed(&mut state);
        Ok(gone)
    }

    fn keys(
        &self,
        namespace: &str,
        after: Option<&str>,
        at_most: usize,
    ) -> Result<Vec<(String, Stamp)>, StoreError> {
        let state = self.state();
        let keys = state.namespaces.get(namespace).into_iter().flatten();
        Ok(keys
            .filter(|(key, _)| after.is_none_or(|after| key.as_str() > after))
            .take(at_most)
            .map(|(key, held)| (key.clone(), held.record.stamp))
            .collect())
    }

    fn by_tag(&self, namespace: Option<&str>, tag: &str) -> Result<Vec<Located>, StoreError> {
        Ok(self.state().located(|ns, record| {
            namespace.is_none_or(|wanted| wanted == ns) && record.tags.iter().any(|t| t == tag)
        }))
    }

    fn usage(&self) -> Usage {
        self.state().usage
    }

    fn trim(&self, target: Usage) -> Result<u64, StoreError> {
        let mut state = self.state();
        let mut evicted = 0;
        for (ns, key) in state.names_by(|held| Some(held.seq)) {
            if state.usage.fits(target) {
                break;
            }
            state.take(&ns, &key);
            self.changed(&mut state);
            evicted += 1;
        }
        Ok(evicted)
    }

    fn sweep(&self, expired_before_us: i64, at_most: usize) -> Result<u64, StoreError> {
        let mut state = self.state();
        let ended = state.names_by(|held| {
            let end = held.record.stamp.expires_at_us();
            (end < expired_before_us).then_some((end, held.seq))
        });
        let mut swept = 0;
        for (ns, key) in ended.into_iter().take(at_most) {
            state.take(&ns, &key);
            self.changed(&mut state);
            swept += 1;
        }
        Ok(swept)
    }

    fn flush(&self) -> Result<Ticket, StoreError> {
        Ok(self.latest())
    }

    fn latest(&self) -> Ticket {
        Ticket(self.state().latest)
    }

    fn durable(&self) -> watch::Receiver<Ticket> {
        self.durable.subscribe()
    }

    fn health(&self) -> Health {
        Health::default()
    }
}
