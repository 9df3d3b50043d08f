//! What holds under every eviction, whichever entry it chooses, under random
//! operations: values, lives, bounds and statistics.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::ToString;

use proptest::prelude::*;

use super::random::{NAMESPACE, Operation, name, operations, owned_keys};
use super::*;

/// What was last written under a key, whether or not it is still held.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Last {
    value: Vec<u8>,
    put_at_us: i64,
    end_us: u64,
}

/// A cache under W-TinyLFU, and what is known of it without knowing the policy.
struct Witness {
    cache: Cache,
    settings: Settings,
    now: Now,
    last: BTreeMap<String, Last>,
    reads: u64,
    hits: u64,
}

impl Witness {
    fn new() -> Self {
        let settings = Settings {
            capacity: 6,
            max_bytes: 150,
            memory_life_us: 30,
            disk_life_us: 50,
            eviction: Eviction::WTinyLfu,
            ..Settings::default()
        };
        let mut cache = Cache::new();
        cache
            .configure_own(0, NAMESPACE, settings.into())
            .expect("proper settings");
        Self {
            cache,
            settings,
            now: at(0),
            last: BTreeMap::new(),
            reads: 0,
            hits: 0,
        }
    }

    fn configure(&mut self) {
        self.cache
            .configure_own(self.now.mono_us, NAMESPACE, self.settings.into())
            .expect("proper settings");
    }

    /// The live keys in memory, and that each is one that was written and has
    /// not ended.
    fn live(&self) -> Result<Vec<String>, TestCaseError> {
        let keys = owned_keys(self.cache.clone().clear(self.now, Some(NAMESPACE)));
        for key in &keys {
            let last = self.last.get(key);
            prop_assert!(last.is_some_and(|last| last.end_us > self.now.mono_us));
        }
        Ok(keys)
    }

    fn perform(&mut self, operation: Operation) -> Result<(), TestCaseError> {
        match operation {
            Operation::Advance { by_us } => {
                self.now.mono_us += by_us;
                self.now.dated_us += by_us.cast_signed();
                // Lets the cache know: not every call that follows tells it.
                let deleted = self.cache.delete(self.now, NAMESPACE, "absent");
                prop_assert_eq!(deleted, Ok(false));
            }
            Operation::Get { key } => {
                self.reads += 1;
                let found = self.cache.get(self.now, NAMESPACE, &name(key));
                if let Ok(Lookup::Hit(entry)) = found {
                    self.hits += 1;
                    let last = &self.last[&name(key)];
                    prop_assert_eq!(entry.value, &last.value);
                    prop_assert_eq!(
                        entry.remaining_us,
                        (last.end_us - self.now.mono_us).cast_signed()
                    );
                } else {
                    prop_assert_eq!(found, Ok(Lookup::Below));
                }
            }
            Operation::Put {
                key,
                bytes,
                memory_life_us,
                disk_life_us,
            } => {
                // Tells one write from the next.
                let value = vec![self.last.len() as u8; bytes];
                let options = Options {
                    memory_life_us,
                    disk_life_us,
                    ..Options::default()
                };
                let stamp = self
                    .cache
                    .put(self.now, NAMESPACE, &name(key), value.clone(), options)
                    .expect("proper put")
                    .expect("both levels");
                let life_us = memory_life_us.unwrap_or(self.settings.memory_life_us);
                self.wrote(key, value, stamp.put_at_us, life_us)?;
            }
            Operation::Admit {
                key,
                bytes,
                age_us,
                life_us,
                memory_life_us,
            } => self.admit(key, bytes, age_us, life_us, memory_life_us)?,
            Operation::AdmitNothing { key } => {
                let admitted = self.cache.admit(self.now, NAMESPACE, &name(key), None);
                prop_assert_eq!(admitted, Ok(Admitted::Miss));
            }
            Operation::Delete { key } => {
                let live = self.live()?.contains(&name(key));
                let deleted = self.cache.delete(self.now, NAMESPACE, &name(key));
                prop_assert_eq!(deleted, Ok(live));
                prop_assert!(!self.live()?.contains(&name(key)));
            }
            Operation::Invalidate { digit } => {
                let suffix = digit.to_string();
                let (doomed, rest): (Vec<_>, Vec<_>) = self
                    .live()?
                    .into_iter()
                    .partition(|key| key.ends_with(&suffix));
                let gone = self
                    .cache
                    .invalidate(self.now, NAMESPACE, &format!("*{digit}"))
                    .expect("proper pattern");
                prop_assert_eq!(owned_keys(gone), doomed);
                prop_assert_eq!(self.live()?, rest);
            }
            Operation::Clear => {
                let live = self.live()?;
                let gone = self.cache.clear(self.now, Some(NAMESPACE));
                prop_assert_eq!(owned_keys(gone), live);
            }
            Operation::Acknowledge => {}
            Operation::Resize { capacity } => {
                self.settings.capacity = capacity;
                self.cache
                    .resize(self.now.mono_us, Some(NAMESPACE), capacity)
                    .expect("proper name");
            }
            Operation::Configure { max_bytes } => {
                self.settings.max_bytes = max_bytes;
                self.configure();
            }
            Operation::Switch => {
                let before = self.live()?;
                self.settings.eviction = match self.settings.eviction {
                    Eviction::Lru => Eviction::WTinyLfu,
                    Eviction::WTinyLfu => Eviction::Lru,
                };
                self.configure();
                prop_assert_eq!(self.live()?, before, "entries outlive a switch");
            }
        }
        self.acknowledge();
        Ok(())
    }

    fn admit(
        &mut self,
        key: u8,
        bytes: usize,
        age_us: i64,
        life_us: i64,
        memory_life_us: i64,
    ) -> Result<(), TestCaseError> {
        let put_at_us = self.now.dated_us - age_us;
        let held = self.live()?.contains(&name(key));
        let newer = held && self.last[&name(key)].put_at_us >= put_at_us;
        let stored = Stored {
            value: vec![255 - key; bytes],
            media_type: 0,
            tags: vec![],
            stamp: Stamp {
                put_at_us,
                life_us,
                memory_life_us,
                stale: StaleLives::default(),
            },
        };
        let remaining_us = life_us - age_us.max(0);
        let admitted = self
            .cache
            .admit(self.now, NAMESPACE, &name(key), Some(stored));
        let expected = match remaining_us {
            1.. => Admitted::Hit(remaining_us),
            _ => Admitted::Remove,
        };
        prop_assert_eq!(admitted, Ok(expected));
        if remaining_us > 0 && !newer {
            let life_us = memory_life_us.min(remaining_us);
            self.wrote(key, vec![255 - key; bytes], put_at_us, life_us)?;
        }
        Ok(())
    }

    /// The store performs every removal at once.
    fn acknowledge(&mut self) {
        if let Some(last) = self.cache.poll_removals(u32::MAX).last() {
            self.cache
                .acknowledge_removals(last.sequence)
                .expect("it was handed out");
        }
    }

    /// Takes note of a write: it is in memory now, if it fits there at all.
    fn wrote(
        &mut self,
        key: u8,
        value: Vec<u8>,
        put_at_us: i64,
        life_us: i64,
    ) -> Result<(), TestCaseError> {
        let bytes = (name(key).len() + value.len()) as u64;
        let fits = self.settings.capacity > 0 && bytes <= self.settings.max_bytes;
        self.last.insert(
            name(key),
            Last {
                value,
                put_at_us,
                end_us: self.now.mono_us + life_us as u64,
            },
        );
        prop_assert_eq!(self.live()?.contains(&name(key)), fits);
        Ok(())
    }

    fn check(&self) -> Result<(), TestCaseError> {
        let totals = self.cache.totals(Some(NAMESPACE));
        prop_assert!(totals.memory_entries <= self.settings.capacity);
        prop_assert!(totals.memory_bytes <= self.settings.max_bytes);
        let live = self.live()?;
        prop_assert!(live.len() <= totals.memory_entries as usize);
        let bytes: usize = live
            .iter()
            .map(|key| key.len() + self.last[key].value.len())
            .sum();
        prop_assert!(bytes as u64 <= totals.memory_bytes);
        prop_assert_eq!(totals.memory.hits, self.hits);
        prop_assert_eq!(totals.memory.hits + totals.memory.misses, self.reads);
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]
    #[test]
    fn values_lives_bounds_and_statistics_hold_whatever_leaves(operations in operations()) {
        let mut witness = Witness::new();
        for operation in operations {
            let before = (witness.live()?.len(), witness.cache.totals(Some(NAMESPACE)));
            witness.perform(operation)?;
            witness.check()?;
            // A live entry leaves for want of room only, never while a dead one stays.
            let totals = witness.cache.totals(Some(NAMESPACE));
            if totals.memory.evictions > before.1.memory.evictions {
                prop_assert_eq!(witness.live()?.len(), totals.memory_entries as usize);
            }
        }
    }
}
