//! What plugins may ask for, answered from what the host holds ready.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use weirhouse_runner::plugin::Services;
use weirhouse_runner::plugin::wit::entities::Metadata;
use weirhouse_runner::plugin::wit::log::Level;
use weirhouse_runner::plugin::wit::store::Refusal;

/// Most bytes of keys and values that a plugin may store.
pub const MOST_STORED_BYTES: usize = 64 << 10;

/// Longest key.
const MOST_KEY_BYTES: usize = 128;

/// Most that a plugin may log in [`LOG_SPAN`].
const MOST_LOGGED_BYTES: usize = 64 << 10;
const LOG_SPAN: Duration = Duration::from_mins(1);

/// Longest line of the log.
const MOST_LINE_CHARS: usize = 1000;

/// What a plugin stands on: it outlives its instances.
#[derive(Debug, Default)]
pub struct Ground {
    /// The plugin's name, for the log.
    pub name: String,
    /// Its settings, defaults included.
    pub settings: BTreeMap<String, String>,
    /// What it stored.
    pub stored: BTreeMap<String, Vec<u8>>,
    /// Since when something of that is not on disk, if something is not.
    pub unsaved_since: Option<Instant>,
    /// Entities by their number.
    entities: Vec<Metadata>,
    numbers: HashMap<Box<str>, u32>,
    logged: Option<Logged>,
}

/// What was logged in the span under way.
#[derive(Debug)]
struct Logged {
    since: Instant,
    bytes: usize,
    dropped: u64,
}

impl Ground {
    /// For a plugin that has met no entity and logged nothing yet.
    pub fn new(
        name: &str,
        settings: BTreeMap<String, String>,
        stored: BTreeMap<String, Vec<u8>>,
    ) -> Self {
        Self {
            name: name.to_owned(),
            settings,
            stored,
            ..Self::default()
        }
    }

    /// The number of an entity; `metadata` describes one that is new.
    pub(super) fn number(&mut self, entity_id: &str, metadata: impl FnOnce() -> Metadata) -> u32 {
        if let Some(number) = self.numbers.get(entity_id) {
            return *number;
        }
        let number = u32::try_from(self.entities.len()).unwrap_or(u32::MAX);
        self.entities.push(metadata());
        self.numbers.insert(entity_id.into(), number);
        number
    }

    /// Whether a line of so many bytes may be logged now.
    fn may_log(&mut self, bytes: usize, now: Instant) -> bool {
        let over = |it: &Logged| now.duration_since(it.since) >= LOG_SPAN;
        if let Some(logged) = self.logged.take_if(|it| over(it))
            && logged.dropped > 0
        {
            tracing::warn!(
                plugin = self.name,
                lines = logged.dropped,
                "it logged more than 64 KiB in a minute; the rest was dropped"
            );
        }
        let logged = self.logged.get_or_insert(Logged {
            since: now,
            bytes: 0,
            dropped: 0,
        });
        logged.bytes = logged.bytes.saturating_add(bytes);
        let fits = logged.bytes <= MOST_LOGGED_BYTES;
        logged.dropped += u64::from(!fits);
        fits
    }

    fn note_unsaved(&mut self) {
        self.unsaved_since.get_or_insert_with(Instant::now);
    }

    fn store(&mut self, key: String, value: Vec<u8>) -> Result<(), Refusal> {
        if key.is_empty() || key.len() > MOST_KEY_BYTES {
            return Err(Refusal::BadKey);
        }
        let others = self.stored.iter().filter(|(name, _)| **name != key);
        let stored: usize = others.map(|(name, value)| name.len() + value.len()).sum();
        if stored + key.len() + value.len() > MOST_STORED_BYTES {
            return Err(Refusal::Full);
        }
        self.stored.insert(key, value);
        self.note_unsaved();
        Ok(())
    }
}

/// A plugin's ground, shared between whoever asks it and its instance.
#[derive(Debug, Clone, Default)]
pub(super) struct SharedGround(Arc<Mutex<Ground>>);

impl SharedGround {
    pub(super) fn new(ground: Ground) -> Self {
        Self(Arc::new(Mutex::new(ground)))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Ground> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Services for SharedGround {
    fn log(&mut self, level: Level, message: String) {
        let mut ground = self.lock();
        if !ground.may_log(message.len(), Instant::now()) {
            return;
        }
        let line: String = message
            .chars()
            .map(|it| if it.is_control() { ' ' } else { it })
            .take(MOST_LINE_CHARS)
            .collect();
        let plugin = &ground.name;
        match level {
            Level::Debug => tracing::debug!(plugin, "{line}"),
            Level::Info => tracing::info!(plugin, "{line}"),
            Level::Warn => tracing::warn!(plugin, "{line}"),
            Level::Error => tracing::error!(plugin, "{line}"),
        }
    }

    fn setting(&mut self, name: &str) -> Option<String> {
        self.lock().settings.get(name).cloned()
    }

    fn entity(&mut self, entity: u32) -> Option<Metadata> {
        self.lock().entities.get(entity as usize).cloned()
    }

    fn load(&mut self, key: &str) -> Option<Vec<u8>> {
        self.lock().stored.get(key).cloned()
    }

    fn store(&mut self, key: String, value: Vec<u8>) -> Result<(), Refusal> {
        self.lock().store(key, value)
    }

    fn delete(&mut self, key: &str) -> bool {
        let mut ground = self.lock();
        let existed = ground.stored.remove(key).is_some();
        if existed {
            ground.note_unsaved();
        }
        existed
    }

    fn keys(&mut self) -> Vec<String> {
        self.lock().stored.keys().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_store_is_bounded_and_a_refused_value_changes_nothing() {
        let mut ground = SharedGround::default();
        let half = vec![1; MOST_STORED_BYTES / 2];
        assert!(ground.store("a".to_owned(), half.clone()).is_ok());
        assert_eq!(
            ground.store("b".to_owned(), half.clone()),
            Err(Refusal::Full)
        );
        assert!(ground.store("a".to_owned(), half[1..].to_vec()).is_ok());
        assert_eq!(
            ground.store(String::new(), Vec::new()),
            Err(Refusal::BadKey)
        );
        assert_eq!(ground.keys(), ["a"]);
        assert!(ground.delete("a") && !ground.delete("a"));
    }

    #[test]
    fn a_flood_of_lines_is_cut_off_for_a_minute() {
        let mut ground = Ground::default();
        let start = Instant::now();
        let lines = (0..200).filter(|_| ground.may_log(1024, start)).count();
        assert_eq!(lines, 64);
        assert!(ground.may_log(1024, start + LOG_SPAN));
    }
}
