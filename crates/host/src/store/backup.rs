//! A copy of the database file for backups that read the data folder while the
//! store is written to: such a backup would tear the file itself.
//!
//! The copy lies beside the file until the backup is over. A data folder that
//! comes back from a backup holds the copy in place of the file, and opening
//! the store puts it where it belongs.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::StoreError;

/// Where the copy of a store lies.
fn copy_of(path: &Path) -> PathBuf {
    with_suffix(path, ".backup")
}

/// Copies the file, which nothing writes to meanwhile. Durable on return; what
/// was there before stays until then.
pub(super) fn leave(path: &Path) -> Result<(), StoreError> {
    let draft = with_suffix(path, ".backup.new");
    let copied = (|| {
        let mut source = File::open(path)?;
        let mut copy = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&draft)?;
        io::copy(&mut source, &mut copy)?;
        copy.sync_all()?;
        fs::rename(&draft, copy_of(path))
    })();
    copied.map_err(|source| {
        // What was written of it may be the space that is missing.
        let _ = fs::remove_file(&draft);
        failed("copy", path, source)
    })
}

/// Removes the copy, if there is one.
pub(super) fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(copy_of(path)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(failed("remove the copy of", path, error))
        }
        _ => Ok(()),
    }
}

/// Puts the copy in the place of a file that is missing.
pub(super) fn restore(path: &Path) -> Result<(), StoreError> {
    let copy = copy_of(path);
    if path.exists() || !copy.exists() {
        return Ok(());
    }
    fs::rename(&copy, path).map_err(|source| failed("restore", path, source))?;
    tracing::info!(store = %path.display(), "the store came back from a backup");
    Ok(())
}

fn failed(action: &'static str, path: &Path, source: io::Error) -> StoreError {
    StoreError::Backup {
        action,
        path: path.to_owned(),
        source,
    }
}

fn with_suffix(path: &Path, suffix: impl AsRef<OsStr>) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
