//! `tokens.json`: what is kept of the tokens that were made.
//!
//! Written whole by commands, each under a lock; read by the instance at work.
//! It holds hashes, no tokens.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::secret::{Digest, Secret};
use super::{OWNER, Scopes};
use crate::data_dir::write_atomically;

/// The version of the file's form.
const VERSION: u32 = 1;
/// Most tokens; more are forgotten ones.
const MOST_TOKENS: usize = 1000;
/// Longest name, in bytes.
const LONGEST_NAME: usize = 64;

/// One token as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TokenRecord {
    /// The public part of the token.
    pub id: String,
    /// What its maker calls it; no other has that name.
    pub name: String,
    /// What it may do.
    pub scopes: Scopes,
    pub(super) sha256: Digest,
    /// When it was made.
    pub created: Date,
    /// When it ends; never without.
    pub expires: Option<Date>,
}

/// The whole file.
#[derive(Debug, Serialize, Deserialize)]
pub struct TokenFile {
    version: u32,
    tokens: Vec<TokenRecord>,
}

/// Keeps other commands from changing the file meanwhile.
#[derive(Debug)]
pub struct TokensLock {
    folder: PathBuf,
    _lock: File,
}

/// Why the tokens cannot be read or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenFileError {
    /// The operating system refused.
    #[error("cannot {action} {}: {source}; give this user access to it", path.display())]
    Io {
        /// What was attempted.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file is not what a command wrote.
    #[error(
        "{} is not a list of tokens: {problem}; restore it, or delete it and make the tokens anew",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A name that cannot be given.
    #[error("the name `{name}` {problem}")]
    Name {
        /// The name.
        name: String,
        /// Why not.
        problem: String,
    },
    /// There are as many as there may be.
    #[error("there are {MOST_TOKENS} tokens already; revoke those no longer used")]
    TooMany,
    /// The operating system gave no random bytes.
    #[error("cannot generate a token: {0}")]
    NoRandomness(getrandom::Error),
}

impl TokenRecord {
    /// Whether its time is over.
    pub fn is_expired(&self, now: SystemTime) -> bool {
        self.expires.is_some_and(|at| at.0 <= now)
    }
}

impl TokenFile {
    /// Where it lies in a data folder.
    pub fn path(folder: &Path) -> PathBuf {
        folder.join("tokens.json")
    }

    pub(super) fn new(tokens: impl Iterator<Item = TokenRecord>) -> Self {
        Self {
            version: VERSION,
            tokens: tokens.collect(),
        }
    }

    /// Reads the file; where there is none there are no tokens.
    ///
    /// # Errors
    /// When it cannot be read or understood.
    pub fn read(folder: &Path) -> Result<Self, TokenFileError> {
        let path = Self::path(folder);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self::new(std::iter::empty()));
            }
            Err(source) => {
                return Err(TokenFileError::Io {
                    action: "read",
                    path,
                    source,
                });
            }
        };
        let damaged = |problem| TokenFileError::Damaged {
            path: path.clone(),
            problem,
        };
        let file: Self =
            serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
        if file.version != VERSION {
            return Err(damaged(format!(
                "it has version {}, this program knows {VERSION}",
                file.version
            )));
        }
        Ok(file)
    }

    /// The tokens, oldest first.
    pub fn records(&self) -> &[TokenRecord] {
        &self.tokens
    }

    pub(super) fn into_records(self) -> impl Iterator<Item = TokenRecord> {
        self.tokens.into_iter()
    }
}

impl TokensLock {
    /// Waits for other commands to be done with the tokens of a folder.
    ///
    /// # Errors
    /// When the folder is not there or not this user's.
    pub fn take(folder: &Path) -> Result<Self, TokenFileError> {
        let path = folder.join("tokens.lock");
        let failed = |source| TokenFileError::Io {
            action: "lock",
            path: path.clone(),
            source,
        };
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        lock.lock().map_err(failed)?;
        Ok(Self {
            folder: folder.to_owned(),
            _lock: lock,
        })
    }

    /// Makes a token and keeps its hash. Durable on return.
    ///
    /// # Errors
    /// When the name is taken or unfit, or the file cannot be written; then
    /// nothing was made.
    pub fn create(
        &self,
        name: &str,
        scopes: Scopes,
        created: SystemTime,
        expires: Option<SystemTime>,
    ) -> Result<Secret, TokenFileError> {
        let mut file = TokenFile::read(&self.folder)?;
        let refused = |problem: String| TokenFileError::Name {
            name: name.to_owned(),
            problem,
        };
        if !is_name(name) {
            return Err(refused(format!(
                "must be 1 to {LONGEST_NAME} letters, digits, dots, dashes or underscores"
            )));
        }
        if name == OWNER {
            return Err(refused(
                "stands for the token in the file `token`; choose another".to_owned(),
            ));
        }
        if file.tokens.iter().any(|token| token.name == name) {
            return Err(refused(format!(
                "is taken; choose another, or end that token with `weirhouse token revoke {name}`"
            )));
        }
        if file.tokens.len() >= MOST_TOKENS {
            return Err(TokenFileError::TooMany);
        }
        let secret = loop {
            let drawn = Secret::generate().map_err(TokenFileError::NoRandomness)?;
            if file.tokens.iter().all(|token| token.id != drawn.id()) {
                break drawn;
            }
        };
        file.tokens.push(TokenRecord {
            id: secret.id().to_owned(),
            name: name.to_owned(),
            scopes,
            sha256: secret.digest(),
            created: Date(created),
            expires: expires.map(Date),
        });
        self.write(&file)?;
        Ok(secret)
    }

    /// Ends the token of this name or id; `None` when there is none. Durable on
    /// return.
    ///
    /// # Errors
    /// When the file cannot be read or written; then nothing was ended.
    pub fn revoke(&self, name: &str) -> Result<Option<TokenRecord>, TokenFileError> {
        let mut file = TokenFile::read(&self.folder)?;
        let named = |token: &TokenRecord| token.name == name || token.id == name;
        let Some(at) = file.tokens.iter().position(named) else {
            return Ok(None);
        };
        let revoked = file.tokens.remove(at);
        self.write(&file)?;
        Ok(Some(revoked))
    }

    fn write(&self, file: &TokenFile) -> Result<(), TokenFileError> {
        let path = TokenFile::path(&self.folder);
        let failed = |source| TokenFileError::Io {
            action: "write",
            path: path.clone(),
            source,
        };
        let mut text =
            serde_json::to_vec_pretty(file).map_err(|error| failed(io::Error::other(error)))?;
        text.push(b'\n');
        write_atomically(&path, &text).map_err(failed)
    }
}

fn is_name(name: &str) -> bool {
    (1..=LONGEST_NAME).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

/// A time, to the second, written as RFC 3339 has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date(pub SystemTime);

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_rfc3339_seconds(self.0).fmt(f)
    }
}

impl Serialize for Date {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let parsed = humantime::parse_rfc3339(&text);
        parsed.map(Self).map_err(serde::de::Error::custom)
    }
}
