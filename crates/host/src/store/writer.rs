//! The thread that commits: one durable commit per flush interval, sooner when
//! asked or when much is pending, and retries with growing pauses while the
//! disk does not take it. It decides nothing about what is stored.

use std::sync::{MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tracing::{info, warn};

use super::commit::commit;
use super::file;
use super::guard::guarded;
use super::overlay::Overlay;
use super::shared::{Fault, Shared, State};
use super::{LastCommit, RedbOptions, Ticket, Usage};

/// When there is something to do.
enum Due {
    Now,
    At(Instant),
    Idle,
}

/// Runs until the state says to stop; commits once more then.
pub(super) fn run(shared: &Shared) {
    let mut pause = shared.options.retry_first;
    loop {
        let mut state = wait_for_work(shared);
        let stopping = state.stopping;
        state.attempt += 1;
        state.flush_wanted = false;
        state.committing = true;
        drop(state);
        let outcome = attempt(shared);
        let mut state = shared.lock();
        state.committing = false;
        match outcome {
            Ok(()) => {
                pause = shared.options.retry_first;
                state.retry_at = None;
                if let Some(reason) = state.degraded.take() {
                    info!(store = %shared.path.display(), "the store works again after: {reason}");
                }
            }
            Err(reason) => {
                state.failed_attempt = Some(state.attempt);
                state.retry_at = Some(Instant::now() + pause);
                pause = (pause * 2).min(shared.options.retry_longest);
                state.degrade(reason);
            }
        }
        if stopping {
            if !state.overlay.is_empty() {
                warn!(
                    store = %shared.path.display(),
                    lost = state.overlay.len(),
                    "stopped with changes that could not be written"
                );
            }
            close(shared, &mut state);
            return;
        }
        drop(state);
        shared.done.notify_all();
    }
}

fn wait_for_work(shared: &Shared) -> MutexGuard<'_, State> {
    let mut state = shared.lock();
    loop {
        let now = Instant::now();
        state = match state.due(now, &shared.options) {
            Due::Now => return state,
            Due::Idle => shared
                .work
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner),
            Due::At(when) => {
                let wait = when.saturating_duration_since(now);
                let waited = shared.work.wait_timeout(state, wait);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        };
    }
}

impl State {
    fn due(&self, now: Instant, options: &RedbOptions) -> Due {
        if self.stopping || self.flush_wanted {
            return Due::Now;
        }
        let broken = self.db.is_none() || self.fault.is_some();
        if self.overlay.is_empty() && !broken {
            return Due::Idle;
        }
        let full = self.overlay.bytes() >= options.flush_bytes;
        let when = match (self.retry_at, self.pending_since) {
            (Some(retry_at), _) => retry_at,
            (None, Some(since)) if !broken && !full => since + options.flush_interval,
            (None, _) => now,
        };
        if when <= now { Due::Now } else { Due::At(when) }
    }
}

/// Reopens the file if it must be, then commits what is pending.
fn attempt(shared: &Shared) -> Result<(), String> {
    let mut state = shared.lock();
    if state.fault.is_some() || state.db.is_none() {
        let fault = state.fault.take();
        reopen(shared, &mut state, fault)?;
    }
    let Some(db) = state.db.clone() else {
        return Err(format!("{} is closed", shared.path.display()));
    };
    let batch = state.overlay.clone();
    let upto = state.latest;
    drop(state);
    if batch.is_empty() {
        return Ok(());
    }
    let began = Instant::now();
    let outcome = guarded(|| shared.mark.committing(|| commit(&db, &batch)));
    drop(db);
    match outcome {
        Ok(usage) => {
            note_commit(shared, &batch, upto, began.elapsed(), usage);
            Ok(())
        }
        Err(error) => {
            let reason = shared.explain(&error);
            after_failure(shared, Fault::of(&error));
            Err(reason)
        }
    }
}

fn note_commit(shared: &Shared, batch: &Overlay, upto: u64, took: Duration, usage: Usage) {
    let mut state = shared.lock();
    state.overlay.prune(upto);
    state.committed = upto;
    state.replaced = false;
    state.too_slow = false;
    // The rows that trimming has passed over are gone from the file now.
    state.trimmed_to = 0;
    state.pending_since = (!state.overlay.is_empty()).then(Instant::now);
    if state.overlay.is_empty() {
        state.usage = usage;
    }
    state.last_commit = Some(LastCommit {
        at: SystemTime::now(),
        took,
        changes: batch.len(),
    });
    drop(state);
    shared.durable.send_replace(Ticket(upto));
}

/// redb refuses even reads after an I/O error, so the file is reopened at once
/// rather than at the next attempt: what is committed stays readable.
fn after_failure(shared: &Shared, fault: Fault) {
    let mut state = shared.lock();
    match fault {
        Fault::Handle => {
            state.fault = None;
            if let Err(reason) = reopen(shared, &mut state, None) {
                warn!("{reason}");
            }
        }
        // Replacing the file waits for the next attempt, so that a disk that
        // damages everything written to it is not filled with set-aside files.
        damaged @ Fault::Damaged(_) => state.fault = Some(damaged),
    }
}

/// Closes the file and opens it again, or a fresh one in its place. Callers
/// wait meanwhile: there is nothing to read from.
fn reopen(shared: &Shared, state: &mut State, fault: Option<Fault>) -> Result<(), String> {
    close(shared, state);
    let cache_bytes = shared.options.cache_bytes;
    let opened = match fault {
        Some(Fault::Damaged(reason)) if !state.replaced => {
            file::replace(&shared.path, cache_bytes, reason)
        }
        _ => file::open(&shared.path, cache_bytes),
    };
    let file = opened.map_err(|error| error.to_string())?;
    if let Some(aside) = &file.set_aside {
        warn!("{aside}");
    }
    shared
        .install(state, file)
        .map_err(|error| shared.explain(&error))
}

/// Closes the file, which commits redb's record of free pages once more.
fn close(shared: &Shared, state: &mut State) {
    // Callers use the file under the lock only: this is the last handle.
    let Some(db) = state.db.take() else {
        return;
    };
    let closed = guarded(|| {
        shared.mark.committing(|| drop(db));
        Ok(())
    });
    if let Err(error) = closed {
        warn!("while closing: {}", shared.explain(&error));
    }
}
