//! [`RedbStore`]: records in one database file, written behind.
//!
//! A change enters the overlay and is visible at once; the writer thread
//! commits the overlay durably every flush interval. What a crash can lose is
//! therefore what changed since the last commit, never anything a reader of
//! [`L2Store::durable`] was told is safe.
//!
//! A file that cannot be used is set aside and replaced, a record that cannot
//! be verified is removed; neither stops anything. While the disk is full or
//! fails, changes wait in memory up to a bound and committed records are
//! served as before.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tracing::warn;

use super::commit_mark::CommitMark;
use super::overlay::Seen;
use super::record;
use super::shared::{Shared, State, is_full, shines_through};
use super::{
    Health, L2Store, Located, Record, SetAside, Stamp, StoreError, Ticket, Usage, backup, evict,
    file, writer,
};

/// How a [`RedbStore`] trades memory and disk writes for freshness.
#[derive(Debug, Clone)]
pub struct RedbOptions {
    /// Longest time a change stays uncommitted on a working disk. Default 1 s:
    /// a commit costs one synchronization of the disk however much it carries.
    pub flush_interval: Duration,
    /// Pending bytes that start a commit at once. Default 4 MiB.
    pub flush_bytes: usize,
    /// Pending bytes at which `put` is refused until a commit has made room. One
    /// record may exceed it. Default 32 MiB.
    pub pending_limit: usize,
    /// The database's page cache in bytes. Default 4 MiB: hot values are in
    /// memory one level up, and the operating system caches the file.
    pub cache_bytes: usize,
    /// Pause before the first retry of a failed commit; it doubles with each
    /// failure. Default 1 s.
    pub retry_first: Duration,
    /// Longest pause between retries. Default 30 s.
    pub retry_longest: Duration,
}

/// Why a change is refused while nothing is wrong with the disk.
const SLOW_DISK: &str = "writes come faster than the disk takes them; try again in a second";

impl Default for RedbOptions {
    fn default() -> Self {
        Self {
            flush_interval: Duration::from_secs(1),
            flush_bytes: 4 << 20,
            pending_limit: 32 << 20,
            cache_bytes: 4 << 20,
            retry_first: Duration::from_secs(1),
            retry_longest: Duration::from_secs(30),
        }
    }
}

/// A store that opened.
#[derive(Debug)]
pub struct Opened {
    /// The store, ready.
    pub store: RedbStore,
    /// The file found in its place, if it could not be used.
    pub set_aside: Option<SetAside>,
}

/// A second cache level in one file. Dropping it commits what is pending.
pub struct RedbStore {
    shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
}

impl RedbStore {
    /// Opens or creates the store at `path`, whose folder exists. With no
    /// space for a new file the store starts degraded and recovers by itself.
    pub fn open(path: &Path, options: RedbOptions) -> Result<Opened, StoreError> {
        backup::restore(path)?;
        let (mark, last_run) = CommitMark::open(path);
        let shared = Shared::new(path.to_owned(), options, mark);
        let mut state = shared.lock();
        match file::open_after(last_run, &shared.mark, path, shared.options.cache_bytes) {
            Ok(file) => {
                let installed = shared.install(&mut state, file);
                installed.map_err(|error| StoreError::Unavailable {
                    reason: shared.explain(&error),
                })?;
            }
            Err(StoreError::Unreadable { source, .. }) if is_full(&source) && !path.exists() => {
                state.degrade(shared.explain(&redb::Error::Io(source)));
                state.retry_at = Some(Instant::now() + shared.options.retry_first);
            }
            Err(error) => return Err(error),
        }
        let set_aside = state.set_aside.clone();
        drop(state);
        let shared = Arc::new(shared);
        let writer = std::thread::Builder::new()
            .name("l2-writer".into())
            .spawn({
                let shared = Arc::clone(&shared);
                move || writer::run(&shared)
            })
            .map_err(StoreError::NoThread)?;
        Ok(Opened {
            store: Self {
                shared,
                writer: Some(writer),
            },
            set_aside,
        })
    }

    /// The state, once no commit is under way. None begins while it is held.
    fn between_commits(&self) -> MutexGuard<'_, State> {
        let mut state = self.shared.lock();
        while state.committing {
            state = self.wait_for_attempt(state);
        }
        state
    }

    fn wait_for_attempt<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let waited = self.shared.done.wait(state);
        waited.unwrap_or_else(PoisonError::into_inner)
    }

    /// Refuses a change while too many wait. It does not wait itself: whoever
    /// writes faster than the disk must slow down, and nobody else with them.
    fn check_room(&self, state: &mut State) -> Result<(), StoreError> {
        let pending_bytes = state.overlay.bytes();
        if pending_bytes < self.shared.options.pending_limit {
            return Ok(());
        }
        state.flush_wanted = true;
        self.shared.work.notify_one();
        let reason = state
            .degraded
            .clone()
            .unwrap_or_else(|| SLOW_DISK.to_owned());
        // Of a disk that fails the writer has told.
        if state.degraded.is_none() && !std::mem::replace(&mut state.too_slow, true) {
            warn!(pending_bytes, "no more is taken for now: {reason}");
        }
        Err(StoreError::Backlog {
            pending_bytes,
            reason,
        })
    }

    /// Stamp and weight of what is under a name now.
    fn present(
        &self,
        state: &mut State,
        ns: &str,
        key: &str,
    ) -> Result<Option<(Stamp, u64)>, StoreError> {
        match state.overlay.look(ns, key) {
            Seen::Put(record) => Ok(Some((record.stamp, record.weight(ns, key)))),
            Seen::Removed => Ok(None),
            Seen::Below => {
                let below = self.shared.below(state, ns, key)?;
                Ok(below.map(|summary| (summary.header.stamp, summary.weight)))
            }
        }
    }

    /// Everything in one namespace or in all.
    fn listing(&self, state: &mut State, ns: Option<&str>) -> Result<Listing, StoreError> {
        let mut found = BTreeMap::new();
        self.shared.read(state, |view, overlay| {
            if ns.map_or(overlay.hides_all(), |ns| overlay.hides(ns)) {
                return Ok(());
            }
            view.records(ns, None, |ns, key, summary| {
                if let (true, Ok(summary)) = (shines_through(overlay, ns, key), summary) {
                    let listed = (summary.header.stamp, summary.weight);
                    found.insert((ns.to_owned(), key.to_owned()), listed);
                }
                ControlFlow::Continue(())
            })
        })?;
        for put in state.overlay.puts() {
            if ns.is_none_or(|ns| ns == put.ns) {
                let listed = (put.record.stamp, put.record.weight(put.ns, put.key));
                found.insert((put.ns.to_owned(), put.key.to_owned()), listed);
            }
        }
        Ok(found)
    }
}

/// Stamps and weights by namespace and key.
type Listing = BTreeMap<(String, String), (Stamp, u64)>;

fn located(found: Listing) -> Vec<Located> {
    let places = found
        .into_iter()
        .map(|((namespace, key), (stamp, _))| Located {
            namespace,
            key,
            stamp,
        });
    places.collect()
}

impl L2Store for RedbStore {
    fn get(&self, namespace: &str, key: &str) -> Result<Option<Record>, StoreError> {
        let mut state = self.shared.lock();
        match state.overlay.look(namespace, key) {
            Seen::Put(record) => return Ok(Some(Record::clone(record))),
            Seen::Removed => return Ok(None),
            Seen::Below => {}
        }
        let found = self.shared.read(&mut state, |view, _| {
            view.frame(namespace, key, |frame| {
                record::decode(namespace, key, frame).map_err(|damage| {
                    let header = record::summary(namespace, key, frame).ok();
                    (damage, header.map(|summary| summary.weight))
                })
            })
        })?;
        match found {
            Some(Ok(record)) => Ok(Some(record)),
            Some(Err((damage, weight))) => {
                self.shared
                    .remove_damaged(&mut state, namespace, key, damage, weight);
                Ok(None)
            }
            None => Ok(None),
        }
    }

    fn stamp(&self, namespace: &str, key: &str) -> Result<Option<Stamp>, StoreError> {
        let present = self.present(&mut self.shared.lock(), namespace, key)?;
        Ok(present.map(|(stamp, _)| stamp))
    }

    fn list(&self, namespace: Option<&str>) -> Result<Vec<Located>, StoreError> {
        Ok(located(self.listing(&mut self.shared.lock(), namespace)?))
    }

    fn put(&self, namespace: &str, key: &str, record: Record) -> Result<Ticket, StoreError> {
        record.check_size(namespace, key)?;
        let mut state = self.shared.lock();
        self.check_room(&mut state)?;
        // When the file cannot be read, its usage is counted anew on reopening.
        if let Ok(Some((_, weight))) = self.present(&mut state, namespace, key) {
            state.usage.subtract(weight);
        }
        state.usage.add(record.weight(namespace, key));
        let seq = self.shared.next(&mut state);
        state.overlay.put(namespace, key, seq, Arc::new(record));
        if state.overlay.bytes() >= self.shared.options.flush_bytes {
            self.shared.work.notify_one();
        }
        Ok(Ticket(seq))
    }

    fn remove(&self, namespace: &str, key: &str) -> Result<Option<Stamp>, StoreError> {
        let mut state = self.shared.lock();
        let present = self.present(&mut state, namespace, key);
        if let Ok(None) = present {
            return Ok(None);
        }
        let seq = self.shared.next(&mut state);
        state.overlay.remove(namespace, key, seq);
        let present = present?;
        if let Some((_, weight)) = present {
            state.usage.subtract(weight);
        }
        Ok(present.map(|(stamp, _)| stamp))
    }

    fn clear(&self, namespace: Option<&str>) -> Result<Vec<Located>, StoreError> {
        let mut state = self.shared.lock();
        let gone = self.listing(&mut state, namespace);
        if namespace.is_none() {
            state.usage = Usage::default();
        } else if let Ok(gone) = &gone {
            for (_, weight) in gone.values() {
                state.usage.subtract(*weight);
            }
        }
        let seq = self.shared.next(&mut state);
        state.overlay.clear(namespace, seq);
        gone.map(located)
    }

    fn keys(
        &self,
        namespace: &str,
        after: Option<&str>,
        at_most: usize,
    ) -> Result<Vec<(String, Stamp)>, StoreError> {
        let mut state = self.shared.lock();
        let mut page = BTreeMap::new();
        let mut damaged = Vec::new();
        self.shared.read(&mut state, |view, overlay| {
            if overlay.hides(namespace) {
                return Ok(());
            }
            view.records(Some(namespace), after, |ns, key, summary| {
                if page.len() >= at_most {
                    return ControlFlow::Break(());
                }
                if shines_through(overlay, ns, key) {
                    match summary {
                        Ok(summary) => {
                            page.insert(key.to_owned(), summary.header.stamp);
                        }
                        Err(damage) => damaged.push((key.to_owned(), damage)),
                    }
                }
                ControlFlow::Continue(())
            })
        })?;
        for put in state.overlay.puts_in(namespace, after).take(at_most) {
            page.insert(put.key.to_owned(), put.record.stamp);
        }
        for (key, damage) in damaged {
            self.shared
                .remove_damaged(&mut state, namespace, &key, damage, None);
        }
        Ok(page.into_iter().take(at_most).collect())
    }

    fn by_tag(&self, namespace: Option<&str>, tag: &str) -> Result<Vec<Located>, StoreError> {
        let mut state = self.shared.lock();
        let mut found = BTreeMap::new();
        self.shared.read(&mut state, |view, overlay| {
            for (ns, key) in view.tagged(namespace, tag)? {
                if !shines_through(overlay, &ns, &key) {
                    continue;
                }
                // A row may outlive a damaged record; the record has the say.
                if let Some(Ok(summary)) = view.summary(&ns, &key)?
                    && summary.header.tags.iter().any(|t| t == tag)
                {
                    found.insert((ns, key), (summary.header.stamp, summary.weight));
                }
            }
            Ok(())
        })?;
        for put in state.overlay.puts() {
            if namespace.is_none_or(|ns| ns == put.ns) && put.record.tags.iter().any(|t| t == tag) {
                let listed = (put.record.stamp, put.record.weight(put.ns, put.key));
                found.insert((put.ns.to_owned(), put.key.to_owned()), listed);
            }
        }
        Ok(located(found))
    }

    fn usage(&self) -> Usage {
        self.shared.lock().usage
    }

    fn trim(&self, target: Usage) -> Result<u64, StoreError> {
        evict::trim(&self.shared, &mut self.shared.lock(), target)
    }

    fn sweep(&self, expired_before_us: i64, at_most: usize) -> Result<u64, StoreError> {
        evict::sweep(
            &self.shared,
            &mut self.shared.lock(),
            expired_before_us,
            at_most,
        )
    }

    fn flush(&self) -> Result<Ticket, StoreError> {
        let mut state = self.shared.lock();
        let wanted = state.latest;
        // An attempt that runs already may have begun without the last change.
        let first_attempt = state.attempt + 1;
        while state.committed < wanted {
            if state.failed_attempt >= Some(first_attempt) {
                return Err(StoreError::NotCommitted {
                    reason: state.degraded.clone().unwrap_or_default(),
                });
            }
            if state.attempt < first_attempt {
                state.flush_wanted = true;
                self.shared.work.notify_one();
            }
            state = self.wait_for_attempt(state);
        }
        Ok(Ticket(wanted))
    }

    fn leave_copy(&self) -> Result<(), StoreError> {
        self.flush()?;
        let _quiet = self.between_commits();
        backup::leave(&self.shared.path)
    }

    fn remove_copy(&self) -> Result<(), StoreError> {
        backup::remove(&self.shared.path)
    }

    fn latest(&self) -> Ticket {
        Ticket(self.shared.lock().latest)
    }

    fn durable(&self) -> watch::Receiver<Ticket> {
        self.shared.durable.subscribe()
    }

    fn health(&self) -> Health {
        let state = self.shared.lock();
        Health {
            degraded: state.degraded.clone(),
            pending_changes: state.overlay.len(),
            pending_bytes: state.overlay.bytes(),
            last_commit: state.last_commit,
            damaged_records: state.damaged_records,
            set_aside: state.set_aside.clone(),
        }
    }
}

impl Drop for RedbStore {
    fn drop(&mut self) {
        self.shared.lock().stopping = true;
        self.shared.work.notify_one();
        if let Some(writer) = self.writer.take() {
            // A writer that panicked has nothing left to commit with.
            let _ = writer.join();
        }
    }
}

impl std::fmt::Debug for RedbStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedbStore")
            .field("path", &self.shared.path)
            .finish_non_exhaustive()
    }
}
