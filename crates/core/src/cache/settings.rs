//! How a namespace is kept: bounds, lives, levels and what leaves.

use crate::{Error, length};

use super::classes::class_life;
use super::eviction::Room;

/// Which levels a namespace uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Levels {
    /// Memory and disk.
    #[default]
    Both,
    /// Memory only: nothing is ever stored.
    MemoryOnly,
}

/// What leaves a full namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Eviction {
    /// Exactly the least recently used.
    #[default]
    Lru,
    /// What was used least often lately (windowed tiny least frequently used):
    /// better where some keys are popular and many are met once.
    WTinyLfu,
}

/// How a namespace is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Most entries in memory; 0 keeps none there. Default 100.
    pub capacity: u32,
    /// Most bytes of keys and values in memory. Default 16 MiB.
    pub max_bytes: u64,
    /// Largest value taken at all, in bytes. Default 1 MiB.
    pub max_value_bytes: u64,
    /// Life in memory in microseconds, over 0, at most 10 years. Default 300 s:
    /// how long a value another host changed on a shared disk may be missed.
    pub memory_life_us: i64,
    /// Life on disk in microseconds, over 0, at most 10 years. Default 3,600 s.
    pub disk_life_us: i64,
    /// Default both.
    pub levels: Levels,
    /// Default least recently used.
    pub eviction: Eviction,
}

/// In what one namespace differs from the [`Settings`] for all; `None` is as
/// they have it, now and when they change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OwnSettings {
    /// In place of [`Settings::capacity`].
    pub capacity: Option<u32>,
    /// In place of [`Settings::max_bytes`].
    pub max_bytes: Option<u64>,
    /// In place of [`Settings::max_value_bytes`].
    pub max_value_bytes: Option<u64>,
    /// In place of [`Settings::memory_life_us`].
    pub memory_life_us: Option<i64>,
    /// In place of [`Settings::disk_life_us`].
    pub disk_life_us: Option<i64>,
    /// In place of [`Settings::levels`].
    pub levels: Option<Levels>,
    /// In place of [`Settings::eviction`].
    pub eviction: Option<Eviction>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            capacity: 100,
            max_bytes: 16 << 20,
            max_value_bytes: 1 << 20,
            memory_life_us: 300_000_000,
            disk_life_us: 3_600_000_000,
            levels: Levels::Both,
            eviction: Eviction::Lru,
        }
    }
}

impl Settings {
    /// What a namespace of this name gets where these are the defaults: a
    /// class its own lives, unless the defaults' are not those built in.
    pub(super) fn of(self, namespace: &str) -> Self {
        let built_in = Self::default();
        let lives = |settings: &Self| (settings.memory_life_us, settings.disk_life_us);
        match class_life(namespace) {
            Some(life_us) if lives(&self) == lives(&built_in) => Self {
                memory_life_us: life_us,
                disk_life_us: life_us,
                ..self
            },
            _ => self,
        }
    }

    /// These with what a namespace has of its own.
    pub(super) fn with(self, own: OwnSettings) -> Self {
        Self {
            capacity: own.capacity.unwrap_or(self.capacity),
            max_bytes: own.max_bytes.unwrap_or(self.max_bytes),
            max_value_bytes: own.max_value_bytes.unwrap_or(self.max_value_bytes),
            memory_life_us: own.memory_life_us.unwrap_or(self.memory_life_us),
            disk_life_us: own.disk_life_us.unwrap_or(self.disk_life_us),
            levels: own.levels.unwrap_or(self.levels),
            eviction: own.eviction.unwrap_or(self.eviction),
        }
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        length("memory-life", self.memory_life_us, false)?;
        length("disk-life", self.disk_life_us, false)?;
        Ok(())
    }

    /// The bounds on what memory holds.
    pub(super) fn room(&self) -> Room {
        Room {
            entries: self.capacity,
            bytes: self.max_bytes,
        }
    }
}

impl From<Settings> for OwnSettings {
    /// Differing in everything: what holds for all no longer matters.
    fn from(settings: Settings) -> Self {
        Self {
            capacity: Some(settings.capacity),
            max_bytes: Some(settings.max_bytes),
            max_value_bytes: Some(settings.max_value_bytes),
            memory_life_us: Some(settings.memory_life_us),
            disk_life_us: Some(settings.disk_life_us),
            levels: Some(settings.levels),
            eviction: Some(settings.eviction),
        }
    }
}
