//! A slow and obvious model of one namespace: a `Vec` in order of use, searched
//! from end to end.

use super::*;

#[derive(Debug, Clone)]
pub(super) struct Remembered {
    pub(super) key: String,
    pub(super) value: Vec<u8>,
    pub(super) put_at_us: i64,
    pub(super) end_us: u64,
    pub(super) uses: u64,
}

impl Remembered {
    pub(super) fn bytes(&self) -> u64 {
        (self.key.len() + self.value.len()) as u64
    }
}

/// Least recently used first.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) settings: Settings,
    pub(super) entries: Vec<Remembered>,
    pub(super) memory: LevelTotals,
    pub(super) disk: LevelTotals,
    /// Removals that were not acknowledged, with their dates.
    pub(super) removals: Vec<(Doomed, i64)>,
    /// The latest date of a removal, acknowledged or not, and of a write.
    pub(super) latest_removal_us: i64,
    pub(super) newest_put_us: i64,
}

/// Keys that were removed.
#[derive(Debug, Clone)]
pub(super) enum Doomed {
    Key(String),
    EndingWith(String),
    All,
}

impl Doomed {
    pub(super) fn names(&self, key: &str) -> bool {
        match self {
            Self::Key(removed) => key == removed,
            Self::EndingWith(suffix) => key.ends_with(suffix),
            Self::All => true,
        }
    }
}

impl Model {
    pub(super) fn bytes(&self) -> u64 {
        self.entries.iter().map(Remembered::bytes).sum()
    }

    pub(super) fn live(&self, now: Now) -> impl DoubleEndedIterator<Item = &Remembered> {
        self.entries
            .iter()
            .filter(move |entry| entry.end_us > now.mono_us)
    }

    pub(super) fn date_write(&mut self, now: Now) -> i64 {
        let put_at_us = now.dated_us.max(self.latest_removal_us);
        self.newest_put_us = self.newest_put_us.max(put_at_us);
        put_at_us
    }

    pub(super) fn decide(&mut self, now: Now, doomed: Doomed) {
        let before_us = now.dated_us.max(self.newest_put_us) + 1;
        self.latest_removal_us = before_us;
        self.removals.push((doomed, before_us));
    }

    fn is_removed(&self, now: Now, key: &str, put_at_us: i64) -> bool {
        self.removals.iter().any(|(doomed, before_us)| {
            let unknown = put_at_us > now.dated_us.max(self.newest_put_us);
            doomed.names(key) && (put_at_us < *before_us || unknown)
        })
    }

    /// Takes the entry of a key out if it is live; a dead one just leaves.
    pub(super) fn take(&mut self, now: Now, key: &str) -> Option<Remembered> {
        let position = self.entries.iter().position(|entry| entry.key == key)?;
        let entry = self.entries.remove(position);
        if entry.end_us > now.mono_us {
            return Some(entry);
        }
        self.memory.expirations += 1;
        None
    }

    pub(super) fn drop_dead(&mut self, now: Now) {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.end_us > now.mono_us);
        self.memory.expirations += (before - self.entries.len()) as u64;
    }

    pub(super) fn fit(&mut self, now: Now, most_entries: usize, most_bytes: u64) {
        if self.entries.len() > most_entries || self.bytes() > most_bytes {
            self.drop_dead(now);
        }
        while self.entries.len() > most_entries || self.bytes() > most_bytes {
            self.entries.remove(0);
            self.memory.evictions += 1;
        }
    }

    pub(super) fn write(&mut self, now: Now, mut entry: Remembered) {
        entry.uses += self.take(now, &entry.key).map_or(0, |older| older.uses);
        let (capacity, max_bytes) = (self.settings.capacity as usize, self.settings.max_bytes);
        if capacity > 0 && entry.bytes() <= max_bytes {
            self.fit(now, capacity - 1, max_bytes - entry.bytes());
            self.entries.push(entry);
        }
    }

    pub(super) fn get(&mut self, now: Now, key: &str) -> Option<(Vec<u8>, i64)> {
        let Some(mut entry) = self.take(now, key) else {
            self.memory.misses += 1;
            return None;
        };
        self.memory.hits += 1;
        entry.uses += 1;
        let found = (
            entry.value.clone(),
            (entry.end_us - now.mono_us).cast_signed(),
        );
        self.entries.push(entry);
        Some(found)
    }

    pub(super) fn admit(&mut self, now: Now, key: &str, stored: Option<Stored>) -> Admitted {
        let Some(stored) = stored else {
            self.disk.misses += 1;
            return Admitted::Miss;
        };
        if self.is_removed(now, key, stored.stamp.put_at_us) {
            self.disk.misses += 1;
            return Admitted::Remove;
        }
        let age_us = (now.dated_us - stored.stamp.put_at_us).max(0);
        let remaining_us = stored.stamp.life_us - age_us;
        if remaining_us <= 0 {
            self.disk.misses += 1;
            self.disk.expirations += 1;
            return Admitted::Remove;
        }
        self.disk.hits += 1;
        let put_at_us = stored.stamp.put_at_us;
        let outdated = self
            .live(now)
            .all(|entry| entry.key != key || entry.put_at_us < put_at_us);
        if outdated {
            let life_us = remaining_us.min(stored.stamp.memory_life_us);
            let end_us = now.mono_us + life_us as u64;
            self.write(
                now,
                Remembered {
                    key: key.into(),
                    value: stored.value,
                    put_at_us,
                    end_us,
                    uses: 1,
                },
            );
        }
        Admitted::Hit(remaining_us)
    }

    pub(super) fn remove_where(&mut self, now: Now, doomed: impl Fn(&str) -> bool) -> Vec<String> {
        self.drop_dead(now);
        let (gone, kept) = core::mem::take(&mut self.entries)
            .into_iter()
            .partition(|entry| doomed(&entry.key));
        self.entries = kept;
        let gone: Vec<Remembered> = gone;
        gone.into_iter().map(|entry| entry.key).collect()
    }
}
