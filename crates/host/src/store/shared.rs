//! What the callers of a [`super::RedbStore`] and its writer thread share: the
//! open file, the overlay above it, and the state between the two.
//!
//! One mutex guards all of it. Callers hold it for a change or a read, the
//! writer only to take a batch and to note its outcome, never across a commit.

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use redb::Database;
use tokio::sync::watch;
use tracing::warn;

use super::commit_mark::CommitMark;
use super::file::{self, OpenFile};
use super::guard::guarded;
use super::overlay::{Overlay, Seen};
use super::record::{Damage, Summary};
use super::view::View;
use super::{LastCommit, RedbOptions, SetAside, StoreError, Ticket, Usage};

pub(super) struct Shared {
    pub(super) path: PathBuf,
    pub(super) options: RedbOptions,
    pub(super) mark: CommitMark,
    state: Mutex<State>,
    /// Signalled when the writer has something to do.
    pub(super) work: Condvar,
    /// Signalled when the writer has finished an attempt.
    pub(super) done: Condvar,
    pub(super) durable: watch::Sender<Ticket>,
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a request or a fact of its own, in any combination"
)]
pub(super) struct State {
    /// `None` while the file is closed because it could not be reopened.
    pub(super) db: Option<Arc<Database>>,
    pub(super) overlay: Overlay,
    /// Ticket of the latest change.
    pub(super) latest: u64,
    /// Everything up to this ticket is on disk.
    pub(super) committed: u64,
    /// File and overlay together.
    pub(super) usage: Usage,
    /// Every record of the file up to this ticket is mentioned by the overlay:
    /// trimming begins behind it. Starts over with each commit.
    pub(super) trimmed_to: u64,
    /// When the oldest pending change came.
    pub(super) pending_since: Option<Instant>,
    pub(super) flush_wanted: bool,
    pub(super) stopping: bool,
    /// Whether the writer is using the file outside the lock.
    pub(super) committing: bool,
    /// Attempts begun, the number of the current or last one.
    pub(super) attempt: u64,
    pub(super) failed_attempt: Option<u64>,
    pub(super) retry_at: Option<Instant>,
    pub(super) fault: Option<Fault>,
    /// Whether the file has replaced a damaged one and carried no commit yet:
    /// damage met now is not the file's, and it is not replaced again.
    pub(super) replaced: bool,
    pub(super) degraded: Option<String>,
    /// Whether writes were refused since the last commit although nothing fails.
    pub(super) too_slow: bool,
    pub(super) last_commit: Option<LastCommit>,
    pub(super) damaged_records: u64,
    pub(super) set_aside: Option<SetAside>,
}

/// Why the file must be opened anew.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// The disk failed; redb refuses all further work on this handle.
    Handle,
    /// The content is unusable.
    Damaged(String),
}

impl Fault {
    pub(super) fn of(error: &redb::Error) -> Self {
        if file::is_damage(error) {
            Self::Damaged(error.to_string())
        } else {
            Self::Handle
        }
    }
}

impl Shared {
    pub(super) fn new(path: PathBuf, options: RedbOptions, mark: CommitMark) -> Self {
        Self {
            path,
            options,
            mark,
            state: Mutex::new(State::new()),
            work: Condvar::new(),
            done: Condvar::new(),
            durable: watch::channel(Ticket(0)).0,
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // The state is consistent between any two statements that can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the file below the overlay. A failure has the writer reopen it.
    pub(super) fn read<T>(
        &self,
        state: &mut State,
        read: impl FnOnce(&View, &Overlay) -> Result<T, redb::Error>,
    ) -> Result<T, StoreError> {
        let Some(db) = &state.db else {
            return Err(self.closed(state));
        };
        match guarded(|| read(&View::of(db)?, &state.overlay)) {
            Ok(answer) => Ok(answer),
            Err(error) => {
                let reason = self.explain(&error);
                state.fault = Some(Fault::of(&error));
                if state.degraded.is_none() {
                    state.degrade(reason.clone());
                }
                self.work.notify_one();
                Err(StoreError::Unavailable { reason })
            }
        }
    }

    /// The error of a call that needs the file while there is none.
    pub(super) fn closed(&self, state: &State) -> StoreError {
        let reopening = || format!("{} is being reopened", self.path.display());
        StoreError::Unavailable {
            reason: state.degraded.clone().unwrap_or_else(reopening),
        }
    }

    /// What the file has under a name the overlay does not mention. Damaged
    /// records are removed.
    pub(super) fn below(
        &self,
        state: &mut State,
        ns: &str,
        key: &str,
    ) -> Result<Option<Summary>, StoreError> {
        match self.read(state, |view, _| view.summary(ns, key))? {
            Some(Ok(summary)) => Ok(Some(summary)),
            Some(Err(damage)) => {
                self.remove_damaged(state, ns, key, damage, None);
                Ok(None)
            }
            None => Ok(None),
        }
    }

    /// Takes a damaged record out, whose weight may not be known: its row in
    /// the order of writes then counts until trimming meets it.
    pub(super) fn remove_damaged(
        &self,
        state: &mut State,
        ns: &str,
        key: &str,
        damage: Damage,
        weight: Option<u64>,
    ) {
        warn!(
            namespace = ns,
            key,
            store = %self.path.display(),
            "removed a damaged record: {damage}"
        );
        state.damaged_records += 1;
        let seq = self.next(state);
        state.overlay.remove(ns, key, seq);
        if let Some(weight) = weight {
            state.usage.subtract(weight);
        }
    }

    /// The ticket of a change that is about to enter the overlay.
    pub(super) fn next(&self, state: &mut State) -> u64 {
        state.latest += 1;
        if state.pending_since.is_none() {
            state.pending_since = Some(Instant::now());
            self.work.notify_one();
        }
        state.latest
    }

    /// Lets readers and the next commit use a newly opened file.
    pub(super) fn install(&self, state: &mut State, file: OpenFile) -> Result<(), redb::Error> {
        state.usage = guarded(|| total(&View::of(&file.db)?, &state.overlay, file.usage))?;
        if state.latest == 0 {
            state.latest = file.newest;
            state.committed = file.newest;
            self.durable.send_replace(Ticket(file.newest));
        }
        state.db = Some(Arc::new(file.db));
        if file.set_aside.is_some() {
            state.replaced = true;
            state.set_aside = file.set_aside;
        }
        Ok(())
    }

    /// One sentence: what is wrong and what to do.
    pub(super) fn explain(&self, error: &redb::Error) -> String {
        let path = self.path.display();
        match error {
            redb::Error::Io(error) if is_full(error) => format!(
                "no space is left for {path}; free some, and what waits is written by itself; until then it is in memory only"
            ),
            _ => format!("{path}: {error}; check the disk, the store retries by itself"),
        }
    }
}

/// Whether space or quota is used up.
pub(super) fn is_full(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded)
}

impl State {
    fn new() -> Self {
        Self {
            db: None,
            overlay: Overlay::default(),
            latest: 0,
            committed: 0,
            usage: Usage::default(),
            trimmed_to: 0,
            pending_since: None,
            flush_wanted: false,
            stopping: false,
            committing: false,
            attempt: 0,
            failed_attempt: None,
            retry_at: None,
            fault: None,
            replaced: false,
            degraded: None,
            too_slow: false,
            last_commit: None,
            damaged_records: 0,
            set_aside: None,
        }
    }

    /// Notes what ails the disk, and tells it once: those who are refused meanwhile are told by their answers.
    pub(super) fn degrade(&mut self, reason: String) {
        if self.degraded.as_ref() != Some(&reason) {
            warn!(pending = self.overlay.len(), "{reason}");
        }
        self.degraded = Some(reason);
    }
}

/// What file and overlay hold together.
fn total(view: &View, overlay: &Overlay, file: Usage) -> Result<Usage, redb::Error> {
    let mut usage = if overlay.hides_all() {
        Usage::default()
    } else {
        file
    };
    if !overlay.hides_all() {
        for ns in overlay.cleared() {
            view.records(Some(ns), None, |_, _, summary| {
                if let Ok(summary) = summary {
                    usage.subtract(summary.weight);
                }
                std::ops::ControlFlow::Continue(())
            })?;
        }
        let replaced = overlay.puts().map(|put| (put.ns, put.key));
        for (ns, key) in replaced.chain(overlay.removals()) {
            if overlay.hides(ns) {
                continue;
            }
            if let Some(Ok(summary)) = view.summary(ns, key)? {
                usage.subtract(summary.weight);
            }
        }
        for row in overlay.stale_rows() {
            if let Some(row) = view.row(row)? {
                usage.subtract(row.weight);
            }
        }
    }
    for put in overlay.puts() {
        usage.add(put.record.weight(put.ns, put.key));
    }
    Ok(usage)
}

/// Whether the file's record under this name still counts.
pub(super) fn shines_through(overlay: &Overlay, ns: &str, key: &str) -> bool {
    matches!(overlay.look(ns, key), Seen::Below)
}
