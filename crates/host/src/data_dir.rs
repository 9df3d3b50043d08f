//! The data folder: one process at a time, and the few paths in it.
//!
//! Opens and locks the folder and keeps the API token. What the files besides
//! the token contain is the business of their own modules.

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Random bytes in a generated token: beyond guessing.
const TOKEN_BYTES: usize = 32;
/// Fewest characters of a token that someone wrote by hand.
const TOKEN_MIN_LEN: usize = 32;

/// A data folder this process owns while the value lives.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    /// Locked; the operating system releases it with the process, however it ends.
    _lock: File,
}

/// Why the data folder cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataDirError {
    /// The operating system refused.
    #[error(
        "cannot {action} {}: {source}; give this user access to it or choose another data folder",
        path.display()
    )]
    Io {
        /// What was attempted.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Another process has it.
    #[error(
        "the data folder {} is in use by another instance; stop that one or choose another folder",
        path.display()
    )]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The token file has no usable token.
    #[error(
        "the token file {} {problem}; delete it to have a new token generated",
        path.display()
    )]
    Token {
        /// The token file.
        path: PathBuf,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The operating system gave no random bytes.
    #[error("cannot generate an API token: {0}; write one of your own to the token file")]
    NoRandomness(getrandom::Error),
}

/// The bearer token of the local API. Formatting it shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// The text of the token.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl DataDir {
    /// Creates the folder if needed, for this user only, and locks it.
    pub fn open(path: &Path) -> Result<Self, DataDirError> {
        let failed = |action, path: &Path, source| DataDirError::Io {
            action,
            path: path.to_owned(),
            source,
        };
        if !path.is_dir() {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(path)
                .map_err(|source| failed("create the data folder", path, source))?;
        }
        let lock_path = path.join("lock");
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&lock_path)
            .map_err(|source| failed("open the lock file", &lock_path, source))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(DataDirError::InUse {
                path: path.to_owned(),
            }),
            Err(TryLockError::Error(source)) => Err(failed("lock", &lock_path, source)),
        }
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The L2 store's file.
    pub fn l2_path(&self) -> PathBuf {
        self.path.join("l2.redb")
    }

    /// The API token's file.
    pub fn token_path(&self) -> PathBuf {
        self.path.join("token")
    }

    /// The API token: read from its file, or generated into it. The file is
    /// made readable for its owner only.
    pub fn token(&self) -> Result<Token, DataDirError> {
        let path = self.token_path();
        if let Some(token) = read_token(&path)? {
            return Ok(token);
        }
        let token = generate()?;
        write_atomically(&path, format!("{}\n", token.0).as_bytes()).map_err(|source| {
            DataDirError::Io {
                action: "write the token file",
                path,
                source,
            }
        })?;
        Ok(token)
    }
}

/// The token in this file, which is made readable for its owner only; `None`
/// without a file.
pub(crate) fn read_token(path: &Path) -> Result<Option<Token>, DataDirError> {
    let failed = |action, source| DataDirError::Io {
        action,
        path: path.to_owned(),
        source,
    };
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(failed("read the token file", source)),
    };
    let mode = fs::metadata(path)
        .map_err(|source| failed("inspect the token file", source))?
        .permissions()
        .mode();
    if mode & 0o077 != 0 {
        fs::set_permissions(path, Permissions::from_mode(mode & 0o700))
            .map_err(|source| failed("restrict the token file", source))?;
    }
    let token = parse(&text).map_err(|problem| DataDirError::Token {
        path: path.to_owned(),
        problem,
    })?;
    Ok(Some(token))
}

fn generate() -> Result<Token, DataDirError> {
    let mut bytes = [0; TOKEN_BYTES];
    getrandom::fill(&mut bytes).map_err(DataDirError::NoRandomness)?;
    let mut text = String::with_capacity(2 * TOKEN_BYTES);
    for byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(nibble.into(), 16));
        }
    }
    Ok(Token(text))
}

/// Takes what RFC 6750 allows in a bearer token, with the newline an editor
/// leaves behind it.
fn parse(text: &[u8]) -> Result<Token, &'static str> {
    let text = str::from_utf8(text).map_err(|_| "is not text")?.trim();
    if text.is_empty() {
        return Err("is empty");
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._~+/=".contains(c);
    if !text.chars().all(allowed) {
        return Err("has characters other than letters, digits and -._~+/=");
    }
    if text.len() < TOKEN_MIN_LEN {
        return Err("has fewer than 32 characters");
    }
    Ok(Token(text.to_owned()))
}

/// Writes a file for its owner only so that, whatever happens, either the old
/// or the new content is there, whole. Durable on return.
pub(crate) fn write_atomically(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(".new");
    let draft = PathBuf::from(draft);
    let written = (|| {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&draft)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&draft, path)
    })();
    if let Err(error) = written {
        // What was written of it may be the space that is missing.
        let _ = fs::remove_file(&draft);
        return Err(error);
    }
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_new_folder_is_private_and_belongs_to_one_instance() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a/b");
        let first = DataDir::open(&path).unwrap();
        assert_eq!(mode(&path), 0o700);
        let second = DataDir::open(&path).unwrap_err();
        assert!(matches!(second, DataDirError::InUse { .. }));
        let message = second.to_string();
        assert!(message.contains(&*path.to_string_lossy()), "{message}");
        assert!(message.contains("stop that one"), "{message}");
        drop(first);
        DataDir::open(&path).unwrap();
    }

    #[test]
    fn a_file_in_place_of_the_folder_is_named() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("data");
        fs::write(&path, "").unwrap();
        let error = DataDir::open(&path).unwrap_err().to_string();
        assert!(error.contains("create the data folder"), "{error}");
        assert!(error.contains(&*path.to_string_lossy()), "{error}");
    }

    #[test]
    fn a_token_is_generated_once_private_and_never_formatted() {
        let parent = tempfile::tempdir().unwrap();
        let data = DataDir::open(parent.path()).unwrap();
        let token = data.token().unwrap();
        assert_eq!(token.expose().len(), 64);
        assert_eq!(mode(&data.token_path()), 0o600);
        assert_eq!(data.token().unwrap(), token);
        assert!(!format!("{token:?}").contains(token.expose()));
        let other = tempfile::tempdir().unwrap();
        assert_ne!(DataDir::open(other.path()).unwrap().token().unwrap(), token);
    }

    #[test]
    fn a_readable_token_file_is_tightened() {
        let parent = tempfile::tempdir().unwrap();
        let data = DataDir::open(parent.path()).unwrap();
        let own = "0123456789abcdef-0123456789ABCDEF";
        fs::write(data.token_path(), format!("{own}\r\n")).unwrap();
        fs::set_permissions(data.token_path(), Permissions::from_mode(0o644)).unwrap();
        assert_eq!(data.token().unwrap().expose(), own);
        assert_eq!(mode(&data.token_path()), 0o600);
    }

    #[test]
    fn an_unusable_token_file_is_named_and_left() {
        let parent = tempfile::tempdir().unwrap();
        let data = DataDir::open(parent.path()).unwrap();
        for (content, problem) in [
            (&b""[..], "is empty"),
            (b" \n", "is empty"),
            (b"short", "fewer than 32"),
            (b"0123456789abcdef 0123456789abcdef", "characters other"),
            (b"\xff\xfe0123456789abcdef0123456789abcdef", "not text"),
        ] {
            fs::write(data.token_path(), content).unwrap();
            let error = data.token().unwrap_err().to_string();
            assert!(error.contains(problem), "{error}");
            assert!(error.contains("delete it"), "{error}");
            assert!(!error.contains("0123"), "{error}");
            assert_eq!(fs::read(data.token_path()).unwrap(), content);
        }
    }
}
