//! What a plugin learned and stored, on its way to the disk and back.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use super::Work;
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
        if self.has_unsaved() {
            self.save_stored();
        }
    }

    pub(super) fn has_unsaved(&self) -> bool {
        self.ground
            .as_ref()
            .is_some_and(|ground| ground.lock().unsaved)
    }

    pub(super) fn save_stored(&self) {
        let Some(ground) = &self.ground else {
            return;
        };
        let mut ground = ground.lock();
        ground.unsaved = false;
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
