//! What must stay the same over restarts so that Home Assistant knows this
//! instance again.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Name of the file in the data folder.
const FILE: &str = "mqtt.json";

/// This instance as Home Assistant knows it.
#[derive(Debug)]
pub struct Installation {
    path: PathBuf,
    kept: Kept,
}

#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    /// Eight hexadecimal digits.
    id: String,
    /// Whether Home Assistant was told of it.
    shown: bool,
}

impl Installation {
    /// The one of a data folder, new where there is none or it cannot be read.
    ///
    /// # Errors
    /// When there is no randomness to make one from.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let path = folder.join(FILE);
        let kept = fs::read(&path)
            .ok()
            .and_then(|bytes| serde_json::from_slice::<Kept>(&bytes).ok())
            .filter(|kept| kept.id.len() == 8 && kept.id.bytes().all(|it| it.is_ascii_hexdigit()));
        let kept = match kept {
            Some(kept) => kept,
            None => Kept {
                id: format!("{:08x}", getrandom::u32().map_err(io::Error::other)?),
                shown: false,
            },
        };
        Ok(Self { path, kept })
    }

    /// What tells it from others at the same broker.
    pub(super) fn id(&self) -> &str {
        &self.kept.id
    }

    /// Whether Home Assistant was told of it.
    pub(super) fn is_shown(&self) -> bool {
        self.kept.shown
    }

    /// Notes whether Home Assistant was told of it.
    pub(super) fn set_shown(&mut self, shown: bool) {
        if self.kept.shown == shown {
            return;
        }
        self.kept.shown = shown;
        let written = serde_json::to_vec(&self.kept)
            .map_err(io::Error::other)
            .and_then(|bytes| fs::write(&self.path, bytes));
        if let Err(error) = written {
            let path = self.path.display();
            tracing::warn!(%error, %path, "after the next start, Home Assistant may show figures twice");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_same_after_a_restart_and_new_where_it_is_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = Installation::open(folder.path()).unwrap();
        assert!(!first.is_shown());
        first.set_shown(true);
        let second = Installation::open(folder.path()).unwrap();
        assert_eq!(second.id(), first.id());
        assert!(second.is_shown());
        fs::write(folder.path().join(FILE), r#"{"id":"../#","shown":true}"#).unwrap();
        let third = Installation::open(folder.path()).unwrap();
        assert_ne!(third.id(), first.id());
        assert!(!third.is_shown());
    }
}
