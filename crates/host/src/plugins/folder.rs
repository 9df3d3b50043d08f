//! The folder of plugins: components that users put there, and what the host
//! keeps of them beside.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

/// A folder with `NAME.wasm` files.
///
/// Beside them, or elsewhere if the user shares that folder, lie
/// `register.json`, what the user said of them, and two folders of the host's
/// own: `compiled`, machine code that can be made again, and `state`, what
/// plugins learned and stored.
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
    kept: PathBuf,
}

/// A component in the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// Where it lies.
    pub path: PathBuf,
    /// Its SHA-256, in hexadecimal digits.
    pub sha256: String,
}

/// Why the folder cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}: {source}; check the folder's permissions and free space", path.display())]
pub struct FolderError {
    pub(super) action: &'static str,
    pub(super) path: PathBuf,
    pub(super) source: io::Error,
}

impl FolderError {
    pub(super) fn at(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self {
            action,
            path,
            source,
        }
    }
}

impl Folder {
    /// That folder, which need not exist.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self {
            kept: path.clone(),
            path,
        }
    }

    /// With what the host keeps in another folder, for it alone.
    #[must_use]
    pub fn keeping_in(self, kept: impl Into<PathBuf>) -> Self {
        Self {
            kept: kept.into(),
            ..self
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes what the host keeps in, for this user only. A folder of its own is
    /// the business of whoever shares it.
    pub fn make(&self) -> Result<(), FolderError> {
        // Machine code is run: nobody else may write there.
        let mut private = DirBuilder::new();
        private.recursive(true).mode(0o700);
        for path in [self.kept.clone(), self.compiled(), self.state()] {
            private
                .create(&path)
                .map_err(FolderError::at("make", &path))?;
        }
        Ok(())
    }

    /// Where machine code lies.
    pub(super) fn compiled(&self) -> PathBuf {
        self.kept.join("compiled")
    }

    /// Where what plugins keep lies.
    pub(super) fn state(&self) -> PathBuf {
        self.kept.join("state")
    }

    /// What whoever changes the register locks.
    pub(super) fn register_lock(&self) -> PathBuf {
        self.kept.join("register.lock")
    }

    /// Where what the user said lies.
    pub(super) fn register(&self) -> PathBuf {
        self.kept.join("register.json")
    }

    /// Where a plugin of this name is installed.
    pub fn place(&self, name: &str) -> PathBuf {
        self.path.join(name).with_extension("wasm")
    }

    /// The components in it, by path. A folder that is not there has none.
    pub fn components(&self) -> Result<Vec<PathBuf>, FolderError> {
        let entries = match fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(FolderError::at("list", &self.path)(error)),
        };
        let mut components: Vec<PathBuf> = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|it| it == "wasm") && path.is_file())
            .collect();
        components.sort();
        Ok(components)
    }

    /// Removes what the host keeps of a plugin beside its component.
    pub fn forget(&self, name: &str) {
        for path in [self.learned(name), self.stored(name)] {
            // Whatever is left is overwritten by the next of this name.
            let _ = fs::remove_file(path);
        }
    }

    /// What a plugin learned.
    pub(super) fn learned(&self, name: &str) -> PathBuf {
        self.state().join(name).with_extension("learned")
    }

    /// What a plugin stored.
    pub(super) fn stored(&self, name: &str) -> PathBuf {
        self.state().join(name).with_extension("stored")
    }
}

impl Installed {
    /// Reads a component's bytes for their hash.
    pub fn at(path: &Path) -> Result<Self, FolderError> {
        let bytes = fs::read(path).map_err(FolderError::at("read", path))?;
        Ok(Self {
            path: path.to_owned(),
            sha256: sha256(&bytes),
        })
    }
}

/// In hexadecimal digits.
pub(super) fn sha256(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let digest = Sha256::digest(bytes);
    digest.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
