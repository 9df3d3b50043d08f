//! What can go wrong with a store, each with its way out.
//!
//! Damaged records and files are no errors: a store removes or sets them aside
//! and goes on (see [`super::Health`]).

use std::io;
use std::path::PathBuf;

use super::shared::is_full;

/// Why a store could not be opened or a call could not be answered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The operating system does not let the file be opened; it is left as it is.
    #[error(
        "cannot open the L2 store {}: {source}; {} or choose another data folder",
        path.display(),
        way_out(source)
    )]
    Unreadable {
        /// The store's file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Another process has the file open.
    #[error(
        "the L2 store {} is in use by another process; stop that one or choose another data folder",
        path.display()
    )]
    InUse {
        /// The store's file.
        path: PathBuf,
    },
    /// The file is damaged and cannot be renamed.
    #[error(
        "the L2 store {} is damaged ({reason}) and could not be set aside: {source}; move it away by hand",
        path.display()
    )]
    StuckDamaged {
        /// The store's file.
        path: PathBuf,
        /// What is wrong with its contents.
        reason: String,
        /// Why it could not be renamed.
        source: io::Error,
    },
    /// The store's thread could not be started.
    #[error("cannot start the L2 store's writer thread: {0}; raise the limit on threads")]
    NoThread(io::Error),
    /// The record exceeds [`super::MAX_RECORD_BYTES`]; nothing was changed.
    #[error(
        "a record of {bytes} bytes is too large for the L2 store; at most {} are stored",
        super::MAX_RECORD_BYTES
    )]
    TooLarge {
        /// Bytes of names, labels and value.
        bytes: u64,
    },
    /// The disk cannot be read now.
    #[error("the L2 store cannot be read: {reason}")]
    Unavailable {
        /// One sentence: what is wrong and what to do.
        reason: String,
    },
    /// Too much waits for the disk; the change was not accepted.
    #[error(
        "the L2 store holds {pending_bytes} bytes that are not written yet and takes no more: {reason}"
    )]
    Backlog {
        /// Bytes waiting.
        pending_bytes: usize,
        /// One sentence: what is wrong and what to do.
        reason: String,
    },
    /// The copy for a backup could not be made, removed or taken.
    #[error(
        "cannot {action} the L2 store {}: {source}; {}",
        path.display(),
        if is_full(source) { "free some space" } else { "look at the rights of its folder" }
    )]
    Backup {
        /// What was tried.
        action: &'static str,
        /// The store's file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A flush failed; everything stays pending and is retried.
    #[error("the L2 store could not be written: {reason}")]
    NotCommitted {
        /// One sentence: what is wrong and what to do.
        reason: String,
    },
}

/// What lets a file be opened that the operating system refused.
fn way_out(refusal: &io::Error) -> &'static str {
    if is_full(refusal) {
        "free some space"
    } else {
        "give this user read and write access to it"
    }
}
