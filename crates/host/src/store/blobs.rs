//! Named single files of the host, such as the optimizer's snapshot.
//!
//! They are files of their own, not records of the L2 store: what was learned
//! then survives a store that had to be set aside, works the same with a store
//! that has no file, and one atomic rename is all the transaction it needs.
//! Nothing here expires, and there are few enough that nothing is listed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::data_dir::write_atomically;

/// Begins every blob; the digit is the version of this layout.
const MAGIC: &[u8; 8] = b"whblob1\n";
const CRC_LEN: usize = size_of::<u32>();

/// A folder of blobs.
#[derive(Debug, Clone)]
pub struct Blobs {
    folder: PathBuf,
}

/// Why a blob could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BlobError {
    /// The name is empty or has other characters than `a`–`z`, `0`–`9`, `-`, `_`.
    #[error("'{0}' is no name for a file of the host: use a-z, 0-9, '-' and '_'")]
    Name(String),
    /// The content is not what was saved; the file was renamed.
    #[error(
        "{} is damaged and was set aside as {}; starting without it",
        path.display(),
        set_aside.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where it is now.
        set_aside: PathBuf,
    },
    /// The operating system refused.
    #[error(
        "cannot read or write {}: {source}; check the folder's permissions and free space",
        path.display()
    )]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

impl Blobs {
    /// Blobs in `folder`, which exists.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    /// What was saved last under this name, byte for byte; `None` if nothing.
    /// A damaged blob is set aside: the next call finds nothing.
    pub fn load(&self, name: &str) -> Result<Option<Vec<u8>>, BlobError> {
        let path = self.path(name)?;
        let content = match fs::read(&path) {
            Ok(content) => content,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(BlobError::Io { path, source }),
        };
        if let Some(bytes) = verified(&content) {
            return Ok(Some(bytes.to_vec()));
        }
        let set_aside = path.with_extension("blob.damaged");
        match fs::rename(&path, &set_aside) {
            Ok(()) => Err(BlobError::Damaged { path, set_aside }),
            Err(source) => Err(BlobError::Io { path, source }),
        }
    }

    /// Replaces what is saved under this name; durable on return. After a
    /// crash or an error the earlier content is still there, whole.
    pub fn save(&self, name: &str, bytes: &[u8]) -> Result<(), BlobError> {
        let path = self.path(name)?;
        let mut content = Vec::with_capacity(MAGIC.len() + CRC_LEN + bytes.len());
        content.extend_from_slice(MAGIC);
        content.extend_from_slice(&crc32fast::hash(bytes).to_le_bytes());
        content.extend_from_slice(bytes);
        write_atomically(&path, &content).map_err(|source| BlobError::Io { path, source })
    }

    fn path(&self, name: &str) -> Result<PathBuf, BlobError> {
        let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
        if name.is_empty() || !name.chars().all(fine) {
            return Err(BlobError::Name(name.to_owned()));
        }
        Ok(Path::new(&self.folder).join(format!("{name}.blob")))
    }
}

fn verified(content: &[u8]) -> Option<&[u8]> {
    let rest = content.strip_prefix(MAGIC)?;
    let (crc, bytes) = rest.split_first_chunk::<CRC_LEN>()?;
    (u32::from_le_bytes(*crc) == crc32fast::hash(bytes)).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_save_is_loaded_and_an_empty_one_is_not_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::new(folder.path());
        assert!(blobs.load("snapshot").unwrap().is_none());
        for bytes in [&b"one"[..], b"", &[0xff; 5000]] {
            blobs.save("snapshot", bytes).unwrap();
            assert_eq!(blobs.load("snapshot").unwrap().unwrap(), bytes);
        }
    }

    #[test]
    fn damage_is_named_once_and_then_there_is_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::new(folder.path());
        let path = folder.path().join("snapshot.blob");
        for position in [0, MAGIC.len(), MAGIC.len() + CRC_LEN] {
            blobs.save("snapshot", b"learned").unwrap();
            let mut content = fs::read(&path).unwrap();
            content[position] ^= 1;
            fs::write(&path, &content).unwrap();
            let error = blobs.load("snapshot").unwrap_err();
            assert!(
                error.to_string().contains("snapshot.blob.damaged"),
                "{error}"
            );
            assert!(blobs.load("snapshot").unwrap().is_none());
            assert_eq!(
                fs::read(path.with_extension("blob.damaged")).unwrap(),
                content
            );
        }
    }

    #[test]
    fn a_name_cannot_leave_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::new(folder.path());
        for name in ["", ".", "..", "../x", "a/b", "A", "a.b", "ä"] {
            assert!(
                matches!(blobs.save(name, b""), Err(BlobError::Name(_))),
                "{name}"
            );
            assert!(
                matches!(blobs.load(name), Err(BlobError::Name(_))),
                "{name}"
            );
        }
    }
}
