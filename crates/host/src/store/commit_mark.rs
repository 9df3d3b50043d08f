//! A byte beside the database file that tells whether a commit is running.
//!
//! On some damage redb panics in the middle of a commit and once more while
//! unwinding, which ends the process. The mark left behind has the next start
//! verify the whole file before it is used, so that such a file cannot end
//! every start the same way. A plain kill in the middle of a commit costs the
//! same verification, and nothing else.
//!
//! The mark is never synchronized: it has to outlive the process, not the
//! machine. Where it cannot be written, nothing is marked.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use tracing::warn;

const IDLE: u8 = b'0';
const COMMITTING: u8 = b'1';
const VERIFYING: u8 = b'2';

/// What the last run left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LastRun {
    /// Nothing that concerns the file.
    Orderly,
    /// It ended in the middle of a commit: verify the file.
    InCommit,
    /// It ended while verifying: do not touch the file again.
    InVerification,
}

#[derive(Debug)]
pub(super) struct CommitMark(Option<File>);

impl CommitMark {
    pub(super) fn open(store: &Path) -> (Self, LastRun) {
        let mut path = store.as_os_str().to_owned();
        path.push(".mark");
        let path = PathBuf::from(path);
        let opened = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path);
        match opened {
            Ok(file) => {
                let mut byte = [IDLE];
                // An empty or unreadable mark says nothing.
                let _ = file.read_at(&mut byte, 0);
                let last_run = match byte {
                    [COMMITTING] => LastRun::InCommit,
                    [VERIFYING] => LastRun::InVerification,
                    _ => LastRun::Orderly,
                };
                (Self(Some(file)), last_run)
            }
            Err(error) => {
                warn!("cannot mark commits in {}: {error}", path.display());
                (Self(None), LastRun::Orderly)
            }
        }
    }

    pub(super) fn verifying<T>(&self, verify: impl FnOnce() -> T) -> T {
        self.during(VERIFYING, verify)
    }

    pub(super) fn committing<T>(&self, commit: impl FnOnce() -> T) -> T {
        self.during(COMMITTING, commit)
    }

    fn during<T>(&self, mark: u8, run: impl FnOnce() -> T) -> T {
        self.write(mark);
        let outcome = run();
        self.write(IDLE);
        outcome
    }

    fn write(&self, mark: u8) {
        if let Self(Some(file)) = self {
            // Without the mark a start verifies less; that is all.
            let _ = file.write_all_at(&[mark], 0);
        }
    }
}
