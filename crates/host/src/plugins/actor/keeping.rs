//! What a plugin learned and stored, on its way to the disk and back.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use super::{STORE_AFTER, Work};
use crate::data_dir::write_atomically;

impl Work {
    /// What the live instance learned.
    pub(super) fn learned(&mut self) -> Option<Vec<u8>> {
        match self.live.as_mut()?.learned() {
            Ok(learned) => learned,
            Err(fault) => {
                self.live = None;
                self.strike(fault.cause(), &fault.to_string());
                None
            }
        }
    }

    pub(super) fn save_learned(&mut self) {
        self.saved = Instant::now();
        if let Some(learned) = self.learned() {
            self.write(&self.folder.learned(&self.name), &learned);
        }
        self.save_stored();
    }

    /// How long what was stored may still wait for being written, if something
    /// waits.
    pub(super) fn store_within(&self) -> Option<Duration> {
        let since = self.ground.as_ref()?.lock().unsaved_since?;
        Some(STORE_AFTER.saturating_sub(since.elapsed()))
    }

    /// Writes what was stored, unless it is written.
    pub(super) fn save_stored(&self) {
        let Some(ground) = &self.ground else {
            return;
        };
        let mut ground = ground.lock();
        if ground.unsaved_since.take().is_none() {
            return;
        }
        if let Ok(bytes) = postcard::to_allocvec(&ground.stored) {
            self.write(&self.folder.stored(&self.name), &bytes);
        }
    }

    pub(super) fn load_stored(&self) -> BTreeMap<String, Vec<u8>> {
        let path = self.folder.stored(&self.name);
        let Ok(bytes) = std::fs::read(&path) else {
            return BTreeMap::new();
        };
        postcard::from_bytes(&bytes).unwrap_or_else(|error| {
            tracing::warn!(plugin = self.name, %error, "what it stored is damaged; it starts with nothing");
            BTreeMap::new()
        })
    }

    fn write(&self, path: &Path, bytes: &[u8]) {
        if let Err(error) = write_atomically(path, bytes) {
            tracing::warn!(plugin = self.name, %error, path = %path.display(), "what it keeps was not written");
        }
    }
}
