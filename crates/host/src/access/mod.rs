//! Who may use the API: tokens, what each may do, and how often.
//!
//! One token lies in clear in the file `token` of the data folder: it belongs
//! to whoever owns the folder and may do everything. All others are made with
//! `weirhouse token create`, and only their hashes are kept, in `tokens.json`.

mod file;
mod rate;
mod scope;
mod secret;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::watch;

pub use file::{Date, TokenFile, TokenFileError, TokenRecord, TokensLock};
pub use rate::RateLimit;
pub use scope::{Scope, Scopes};
pub use secret::Secret;

use crate::data_dir::{DataDirError, Token, read_token};
use rate::Bucket;
use secret::Digest;

/// Name by which the token of the file `token` is known.
pub const OWNER: &str = "owner";

/// Name and id of whoever comes through Home Assistant's ingress.
const VISITOR: &str = "ingress";

/// The tokens in force. Cheap to ask; replaced as a whole.
pub struct Access {
    folder: PathBuf,
    tokens: watch::Sender<Arc<Tokens>>,
    /// The `tokens.json` that was read last; locked until what it says counts.
    version: Mutex<Option<Version>>,
}

/// What tells a file from the one that was there before: when it was written, and how long it is.
type Version = (SystemTime, u64);

/// All tokens at one time.
struct Tokens {
    owner: Option<(Digest, Arc<Caller>)>,
    others: Vec<Issued>,
    limit: RateLimit,
}

/// A token that was made by command.
struct Issued {
    record: TokenRecord,
    caller: Arc<Caller>,
    bucket: Option<Arc<Bucket>>,
}

/// Whose token a request carries.
#[derive(Debug, PartialEq, Eq)]
pub struct Caller {
    /// The token's id; empty for the owner's.
    id: String,
    /// The name it was given.
    pub name: String,
    /// What it may do.
    pub scopes: Scopes,
}

impl Caller {
    /// Whether this is no token's, but Home Assistant's ingress.
    pub fn is_visitor(&self) -> bool {
        self.id == VISITOR
    }
}

/// Why a token is not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denied {
    /// No token of this instance.
    Unknown,
    /// It was valid until some time ago; this is its name.
    Expired(String),
    /// It asked too often and may again after this.
    TooOften(Duration),
}

/// Tells when a token is no longer accepted.
pub struct Revocation {
    caller: Arc<Caller>,
    tokens: watch::Receiver<Arc<Tokens>>,
}

impl Access {
    /// The tokens of a data folder.
    ///
    /// # Errors
    /// When `tokens.json` cannot be read.
    pub fn open(folder: &Path, owner: &Token, limit: RateLimit) -> Result<Self, TokenFileError> {
        let tokens = Tokens {
            owner: Some(owned_by(owner)),
            others: Vec::new(),
            limit,
        };
        let version = version(folder);
        let tokens = tokens.with(TokenFile::read(folder)?, limit);
        Ok(Self {
            folder: folder.to_owned(),
            tokens: watch::Sender::new(Arc::new(tokens)),
            version: Mutex::new(version),
        })
    }

    /// Files whose change asks for a [`reload`](Self::reload).
    pub fn files(&self) -> [PathBuf; 2] {
        [TokenFile::path(&self.folder), self.folder.join("token")]
    }

    /// Reads the tokens anew. One that is gone is refused from now on; who was
    /// limited stays so.
    ///
    /// # Errors
    /// When a file cannot be read; the tokens stay as they were.
    pub fn reload(&self) -> Result<(), ReloadError> {
        self.reload_over(&mut self.version())
    }

    fn reload_over(&self, read: &mut Option<Version>) -> Result<(), ReloadError> {
        // Before it is read: one that is written meanwhile is another.
        *read = version(&self.folder);
        let file = TokenFile::read(&self.folder)?;
        let owner = read_token(&self.folder.join("token"))?;
        self.tokens.send_modify(|tokens| {
            let mut changed = tokens.with(file, tokens.limit);
            changed.owner = owner.as_ref().map(owned_by);
            *tokens = Arc::new(changed);
        });
        Ok(())
    }

    /// Changes how often each token may ask, from now on.
    pub fn set_limit(&self, limit: RateLimit) {
        self.tokens.send_if_modified(|tokens| {
            let differs = tokens.limit != limit;
            if differs {
                let file = TokenFile::new(tokens.others.iter().map(|it| it.record.clone()));
                *tokens = Arc::new(tokens.with(file, limit));
            }
            differs
        });
    }

    /// Whose token this is, if it is accepted; counts the request.
    ///
    /// # Errors
    /// Why it is not accepted.
    pub fn admit(&self, shown: &str) -> Result<Arc<Caller>, Denied> {
        let admitted = self.admit_known(shown);
        if admitted == Err(Denied::Unknown) {
            // It may have been made a moment ago, and the file's change is not heard of or is being read.
            self.catch_up();
            return self.admit_known(shown);
        }
        admitted
    }

    /// Reads `tokens.json` if it is another than the one that was read last.
    fn catch_up(&self) {
        let mut read = self.version();
        if *read != version(&self.folder) {
            // What is wrong with the file is said by who hears of it.
            let _ = self.reload_over(&mut read);
        }
    }

    fn admit_known(&self, shown: &str) -> Result<Arc<Caller>, Denied> {
        let tokens = Arc::clone(&self.tokens.borrow());
        tokens.admit(shown, SystemTime::now())
    }

    fn version(&self) -> MutexGuard<'_, Option<Version>> {
        self.version.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one more request of a caller who was admitted before.
    ///
    /// # Errors
    /// Why their token is no longer accepted.
    pub fn count(&self, caller: &Caller) -> Result<(), Denied> {
        let tokens = Arc::clone(&self.tokens.borrow());
        if !tokens.has(caller) {
            return Err(Denied::Unknown);
        }
        let issued = tokens.others.iter().find(|it| *it.caller == *caller);
        match issued.and_then(|it| it.bucket.as_ref()) {
            Some(bucket) => bucket.take().map_err(Denied::TooOften),
            None => Ok(()),
        }
    }

    /// Whoever comes through Home Assistant's ingress, without a token: they
    /// may read.
    pub fn visitor(&self) -> Arc<Caller> {
        Arc::new(Caller {
            id: VISITOR.to_owned(),
            name: VISITOR.to_owned(),
            scopes: Scope::Read.into(),
        })
    }

    /// Something to wait on for the end of a caller's token.
    pub fn revocation(&self, caller: &Arc<Caller>) -> Revocation {
        Revocation {
            caller: Arc::clone(caller),
            tokens: self.tokens.subscribe(),
        }
    }
}

impl Revocation {
    /// Returns when the token is revoked, changed or expired.
    pub async fn wait(&mut self) {
        let caller = &self.caller;
        let expires = self.tokens.borrow().expires(caller);
        let gone = self.tokens.wait_for(|tokens| !tokens.has(caller));
        match expires.map(|at| at.duration_since(SystemTime::now()).unwrap_or_default()) {
            Some(left) => {
                let _ = tokio::time::timeout(left, gone).await;
            }
            None => {
                let _ = gone.await;
            }
        }
    }
}

impl Tokens {
    /// These tokens in place of the issued ones; the buckets of those that stay
    /// keep their level unless the limit is another.
    fn with(&self, file: TokenFile, limit: RateLimit) -> Self {
        let same_limit = self.limit == limit;
        let others = file.into_records().map(|record| {
            let known = self.others.iter().find(|it| it.record.id == record.id);
            let kept = known.and_then(|known| known.bucket.clone());
            let unlimited = record.scopes.contains(Scope::Admin);
            Issued {
                caller: Arc::new(Caller {
                    id: record.id.clone(),
                    name: record.name.clone(),
                    scopes: record.scopes,
                }),
                bucket: match kept {
                    _ if unlimited => None,
                    Some(bucket) if same_limit => Some(bucket),
                    _ => limit.bucket().map(Arc::new),
                },
                record,
            }
        });
        Self {
            owner: self.owner.clone(),
            others: others.collect(),
            limit,
        }
    }

    /// All comparisons of digests take the same time wherever they differ. The
    /// id by which a token is found is no secret.
    fn admit(&self, shown: &str, now: SystemTime) -> Result<Arc<Caller>, Denied> {
        let digest = Digest::of(shown);
        if let Some((owner, caller)) = &self.owner
            && owner.matches(&digest)
        {
            return Ok(Arc::clone(caller));
        }
        let id = secret::id_of(shown).ok_or(Denied::Unknown)?;
        let found = self.others.iter().find(|it| it.record.id == id);
        let issued = found
            .filter(|it| it.record.sha256.matches(&digest))
            .ok_or(Denied::Unknown)?;
        if issued.record.is_expired(now) {
            return Err(Denied::Expired(issued.record.name.clone()));
        }
        if let Some(bucket) = &issued.bucket {
            bucket.take().map_err(Denied::TooOften)?;
        }
        Ok(Arc::clone(&issued.caller))
    }

    fn has(&self, caller: &Caller) -> bool {
        if caller.is_visitor() {
            return true;
        }
        let owner = self.owner.iter().map(|(_, owner)| owner);
        let mut all = owner.chain(self.others.iter().map(|it| &it.caller));
        all.any(|known| **known == *caller)
    }

    fn expires(&self, caller: &Caller) -> Option<SystemTime> {
        let issued = self.others.iter().find(|it| *it.caller == *caller)?;
        issued.record.expires.map(|at| at.0)
    }
}

fn version(folder: &Path) -> Option<Version> {
    let file = fs::metadata(TokenFile::path(folder)).ok()?;
    Some((file.modified().ok()?, file.len()))
}

/// The owner's token. Another text makes another caller, so that streams
/// opened with the one before end.
fn owned_by(token: &Token) -> (Digest, Arc<Caller>) {
    let digest = Digest::of(token.expose());
    let caller = Caller {
        id: format!("owner-{digest}"),
        name: OWNER.to_owned(),
        scopes: Scope::Admin.into(),
    };
    (digest, Arc::new(caller))
}

/// Why the tokens could not be read anew.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// The issued ones.
    #[error(transparent)]
    Issued(#[from] TokenFileError),
    /// The owner's.
    #[error(transparent)]
    Owner(#[from] DataDirError),
}
