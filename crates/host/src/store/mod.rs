//! The second cache level: records on disk, behind one trait.
//!
//! [`L2Store`] is what the host needs of a store; [`RedbStore`] keeps records
//! in an embedded database file, [`MemoryStore`] in memory, for scenarios and
//! as the reference the file store is tested against. [`Blobs`] keeps the few
//! single files the host has beside it, such as the optimizer's snapshot.
//!
//! A store moves bytes. It does not decide what lives how long, what is
//! promoted, what the bounds are or how much leaves: the core does, and a
//! [`Stamp`] is plain data here. An expired record is served like any other
//! until someone removes it.

mod backup;
mod blobs;
mod commit;
mod commit_mark;
mod compaction;
mod error;
mod evict;
mod file;
mod guard;
mod memory;
mod overlay;
mod record;
mod redb_store;
mod removal;
mod shared;
mod view;
mod wit;
mod writer;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

pub use blobs::{BlobError, Blobs};
pub use error::StoreError;
pub use memory::MemoryStore;
pub use redb_store::{Opened, RedbOptions, RedbStore};
pub(crate) use removal::{Judge, perform};

/// When a record was put and how long it lives, as the core dates it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Microseconds since the Unix epoch, on the core's clock.
    pub put_at_us: i64,
    /// Life on disk in microseconds.
    pub life_us: u64,
    /// Life in memory in microseconds, counted from `put_at_us` too.
    pub memory_life_us: u64,
    /// How long past its life it may be served while it is fetched anew, in
    /// microseconds.
    pub while_revalidate_us: u64,
    /// How long past its life it may be served when fetching it has failed, in
    /// microseconds.
    pub if_error_us: u64,
}

impl Stamp {
    /// When nobody can be served it any more, in microseconds since the Unix
    /// epoch; saturates instead of wrapping.
    pub fn expires_at_us(&self) -> i64 {
        let stale_us = self.while_revalidate_us.max(self.if_error_us);
        self.put_at_us
            .saturating_add_unsigned(self.life_us.saturating_add(stale_us))
    }
}

/// One stored value with everything needed to serve it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Any bytes, none included.
    pub value: Vec<u8>,
    /// The media type the value was put with.
    pub content_type: String,
    /// Labels for [`L2Store::by_tag`]; repeats count once.
    pub tags: Vec<String>,
    /// Date and lives.
    pub stamp: Stamp,
}

/// Most bytes of one record, names and labels included: far beyond what the
/// core lets through, and well below what the file format can hold.
pub const MAX_RECORD_BYTES: u64 = 256 << 20;

impl Record {
    fn check_size(&self, namespace: &str, key: &str) -> Result<(), StoreError> {
        match self.weight(namespace, key) {
            0..=MAX_RECORD_BYTES => Ok(()),
            bytes => Err(StoreError::TooLarge { bytes }),
        }
    }

    /// What the record counts for in [`Usage::bytes`] under this name.
    fn weight(&self, namespace: &str, key: &str) -> u64 {
        weight(
            namespace,
            key,
            &self.content_type,
            &self.tags,
            self.value.len(),
        )
    }
}

/// Bytes of names, labels and value together, without the store's own overhead.
fn weight(ns: &str, key: &str, content_type: &str, tags: &[String], value_len: usize) -> u64 {
    let tags: usize = tags.iter().map(String::len).sum();
    (ns.len() + key.len() + content_type.len() + tags + value_len) as u64
}

/// Where a record is, with its stamp.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// The record's namespace.
    pub namespace: String,
    /// The record's key within the namespace.
    pub key: String,
    /// The record's stamp.
    pub stamp: Stamp,
}

/// The number of a change. Later changes have greater tickets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// What a store holds, pending changes included, or a bound on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Records.
    pub entries: u64,
    /// Bytes of namespaces, keys, labels and values; the file itself is larger.
    pub bytes: u64,
}

impl Usage {
    /// Whether this is within both bounds.
    fn fits(self, bound: Usage) -> bool {
        self.entries <= bound.entries && self.bytes <= bound.bytes
    }

    fn add(&mut self, weight: u64) {
        self.entries = self.entries.saturating_add(1);
        self.bytes = self.bytes.saturating_add(weight);
    }

    fn subtract(&mut self, weight: u64) {
        self.entries = self.entries.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(weight);
    }
}

/// How a store is doing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Health {
    /// `None` while all is well, else one sentence: what is wrong and what to do.
    pub degraded: Option<String>,
    /// Changes that are visible to reads but not on disk yet.
    pub pending_changes: usize,
    /// Memory these changes take, in bytes.
    pub pending_bytes: usize,
    /// The last commit of this run.
    pub last_commit: Option<LastCommit>,
    /// Damaged records met and removed in this run.
    pub damaged_records: u64,
    /// The damaged file most recently set aside in this run.
    pub set_aside: Option<SetAside>,
}

/// One commit to disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastCommit {
    /// When it was complete.
    pub at: SystemTime,
    /// How long it took.
    pub took: Duration,
    /// Changes it carried.
    pub changes: usize,
}

/// A file that could not be used and was renamed; none of its data changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// Where the file is now.
    pub path: PathBuf,
    /// Why it could not be used.
    pub reason: String,
}

impl std::fmt::Display for SetAside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "the L2 store could not be used ({}) and was set aside as {}; a fresh one was started",
            self.reason,
            self.path.display()
        )
    }
}

/// A second cache level. Namespace and key are two strings, never joined; any
/// UTF-8 is fine for both, the empty string included.
///
/// Every change is visible to reads as soon as its call returns, and on disk
/// once [`durable`](Self::durable) has reached its ticket. Calls may block for
/// a disk read, never for a commit, except `flush`. A `put` that outruns the
/// disk is refused.
///
/// Where a call fails because the disk cannot be read, what it was to remove
/// is removed nonetheless; only the account of what was there is missing.
pub trait L2Store: Send + Sync {
    /// The record under a key. A damaged one is removed, counted in
    /// [`Health::damaged_records`], and not there.
    fn get(&self, namespace: &str, key: &str) -> Result<Option<Record>, StoreError>;

    /// The stamp of the record under a key.
    fn stamp(&self, namespace: &str, key: &str) -> Result<Option<Stamp>, StoreError>;

    /// Stores a record in place of what was there. An error leaves what was
    /// there untouched.
    fn put(&self, namespace: &str, key: &str, record: Record) -> Result<Ticket, StoreError>;

    /// Removes a record; says what was there.
    fn remove(&self, namespace: &str, key: &str) -> Result<Option<Stamp>, StoreError>;

    /// Empties one namespace, or all with `None`; lists what was there, by
    /// namespace and key.
    fn clear(&self, namespace: Option<&str>) -> Result<Vec<Located>, StoreError>;

    /// Everything in one namespace, or in all with `None`, by namespace and key.
    fn list(&self, namespace: Option<&str>) -> Result<Vec<Located>, StoreError>;

    /// A page of a namespace's keys in order, at most `at_most`, beginning
    /// behind `after`.
    fn keys(
        &self,
        namespace: &str,
        after: Option<&str>,
        at_most: usize,
    ) -> Result<Vec<(String, Stamp)>, StoreError>;

    /// Everything that carries a tag, in one namespace or in all, by namespace
    /// and key.
    fn by_tag(&self, namespace: Option<&str>, tag: &str) -> Result<Vec<Located>, StoreError>;

    /// What the store holds now.
    fn usage(&self) -> Usage;

    /// Removes the records written longest ago until `target` is met; says how
    /// many left. Overwriting a record makes it the newest.
    fn trim(&self, target: Usage) -> Result<u64, StoreError>;

    /// Removes records whose life ended before this date (microseconds since
    /// the Unix epoch), at most `at_most`, earliest end first; says how many.
    fn sweep(&self, expired_before_us: i64, at_most: usize) -> Result<u64, StoreError>;

    /// Commits everything pending now and returns when it is on disk, or with
    /// an error when the attempt failed; it is retried on schedule then.
    fn flush(&self) -> Result<Ticket, StoreError>;

    /// Leaves a consistent copy of what is committed beside the store's files,
    /// for a backup that reads them while the store is written to. The next
    /// start takes it where the store itself is missing. A store outside the
    /// data folder has nothing to leave.
    fn leave_copy(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Removes the copy again; there need be none.
    fn remove_copy(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// The ticket of the latest change of any kind.
    fn latest(&self) -> Ticket;

    /// The ticket up to which everything is on disk. Await a change with
    /// `store.durable().wait_for(|done| *done >= ticket)`.
    fn durable(&self) -> watch::Receiver<Ticket>;

    /// How the store is doing.
    fn health(&self) -> Health;
}
