//! The cache against the model, side by side under random operations.

use alloc::format;
use alloc::string::ToString;
use core::cmp::Reverse;

use proptest::prelude::*;

use super::model::{Doomed, Model, Remembered};
use super::*;

pub(super) const NAMESPACE: &str = "porch";

/// Something done to both. Lives and ages are in microseconds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Operation {
    Advance {
        by_us: u64,
    },
    Get {
        key: u8,
    },
    Put {
        key: u8,
        bytes: usize,
        memory_life_us: Option<i64>,
        disk_life_us: Option<i64>,
    },
    Admit {
        key: u8,
        bytes: usize,
        age_us: i64,
        life_us: i64,
        memory_life_us: i64,
    },
    AdmitNothing {
        key: u8,
    },
    Delete {
        key: u8,
    },
    Invalidate {
        digit: u8,
    },
    Clear,
    /// The store has made every removal durable.
    Acknowledge,
    Resize {
        capacity: u32,
    },
    Configure {
        max_bytes: u64,
    },
    /// To the other eviction and back.
    Switch,
}

pub(super) fn operations() -> impl Strategy<Value = Vec<Operation>> {
    use Operation as Op;
    let key = || 0..24_u8;
    let life = || 1..60_i64;
    let operation = prop_oneof![
        4 => (0..25_u64).prop_map(|by_us| Op::Advance { by_us }),
        8 => key().prop_map(|key| Op::Get { key }),
        8 => (key(), 0..45_usize, prop::option::of(life()), prop::option::of(life())).prop_map(
            |(key, bytes, memory_life_us, disk_life_us)| Op::Put { key, bytes, memory_life_us, disk_life_us }
        ),
        4 => (key(), 0..45_usize, -5..60_i64, life(), life()).prop_map(
            |(key, bytes, age_us, life_us, memory_life_us)| Op::Admit { key, bytes, age_us, life_us, memory_life_us }
        ),
        1 => key().prop_map(|key| Op::AdmitNothing { key }),
        2 => key().prop_map(|key| Op::Delete { key }),
        1 => (0..3_u8).prop_map(|digit| Op::Invalidate { digit }),
        1 => Just(Op::Clear),
        2 => Just(Op::Acknowledge),
        1 => (0..9_u32).prop_map(|capacity| Op::Resize { capacity }),
        1 => (0..200_u64).prop_map(|max_bytes| Op::Configure { max_bytes }),
        1 => Just(Op::Switch),
    ];
    prop::collection::vec(operation, 1..120)
}

/// Both, side by side.
struct Pair {
    cache: Cache,
    model: Model,
    now: Now,
}

impl Pair {
    fn new() -> Self {
        let settings = Settings {
            capacity: 6,
            max_bytes: 150,
            memory_life_us: 30,
            disk_life_us: 50,
            ..Settings::default()
        };
        let mut cache = Cache::new();
        cache
            .configure_own(0, NAMESPACE, settings.into())
            .expect("proper settings");
        let (memory, disk) = Default::default();
        let model = Model {
            settings,
            entries: Vec::new(),
            memory,
            disk,
            removals: Vec::new(),
            latest_removal_us: i64::MIN,
            newest_put_us: i64::MIN,
        };
        Self {
            cache,
            model,
            now: Now {
                mono_us: 0,
                dated_us: EPOCH_US,
            },
        }
    }

    fn perform(&mut self, operation: Operation) -> Result<(), TestCaseError> {
        let Self { cache, model, now } = self;
        match operation {
            Operation::Advance { by_us } => {
                now.mono_us += by_us;
                now.dated_us += by_us.cast_signed();
                // Lets the cache know: not every call that follows tells it.
                prop_assert_eq!(cache.get(*now, "another", "absent"), Ok(Lookup::Below));
            }
            Operation::Get { key } => {
                let found = cache.get(*now, NAMESPACE, &name(key)).expect("proper key");
                let expected = model.get(*now, &name(key));
                let expected = expected
                    .as_ref()
                    .map_or(Lookup::Below, |(value, remaining_us)| {
                        Lookup::Hit(Entry {
                            value,
                            media_type: 0,
                            remaining_us: *remaining_us,
                        })
                    });
                prop_assert_eq!(found, expected);
            }
            Operation::Put {
                key,
                bytes,
                memory_life_us,
                disk_life_us,
            } => {
                let value = vec![key; bytes];
                let options = Options {
                    memory_life_us,
                    disk_life_us,
                    ..Options::default()
                };
                let stamp = cache.put(*now, NAMESPACE, &name(key), value.clone(), options);
                let memory_life_us = memory_life_us.unwrap_or(model.settings.memory_life_us);
                let life_us = disk_life_us.unwrap_or(model.settings.disk_life_us);
                let put_at_us = model.date_write(*now);
                let moved_us = put_at_us - now.dated_us;
                prop_assert_eq!(
                    stamp,
                    Ok(Some(Stamp {
                        put_at_us,
                        life_us: (life_us - moved_us).max(1),
                        memory_life_us,
                        stale: StaleLives::default(),
                    }))
                );
                let end_us = now.mono_us + memory_life_us as u64;
                model.write(
                    *now,
                    Remembered {
                        key: name(key),
                        value,
                        put_at_us,
                        end_us,
                        uses: 1,
                    },
                );
            }
            Operation::Admit {
                key,
                bytes,
                age_us,
                life_us,
                memory_life_us,
            } => {
                let stamp = Stamp {
                    put_at_us: now.dated_us - age_us,
                    life_us,
                    memory_life_us,
                    stale: StaleLives::default(),
                };
                let stored = Stored {
                    value: vec![key; bytes],
                    media_type: 0,
                    tags: vec![],
                    stamp,
                };
                let admitted = cache.admit(*now, NAMESPACE, &name(key), Some(stored.clone()));
                prop_assert_eq!(admitted, Ok(model.admit(*now, &name(key), Some(stored))));
            }
            Operation::AdmitNothing { key } => {
                let admitted = cache.admit(*now, NAMESPACE, &name(key), None);
                prop_assert_eq!(admitted, Ok(model.admit(*now, &name(key), None)));
            }
            upkeep => self.perform_upkeep(upkeep)?,
        }
        Ok(())
    }

    fn perform_upkeep(&mut self, operation: Operation) -> Result<(), TestCaseError> {
        let Self { cache, model, now } = self;
        match operation {
            Operation::Delete { key } => {
                let deleted = cache.delete(*now, NAMESPACE, &name(key));
                prop_assert_eq!(deleted, Ok(model.take(*now, &name(key)).is_some()));
                model.decide(*now, Doomed::Key(name(key)));
            }
            Operation::Invalidate { digit } => {
                let pattern = format!("*{digit}");
                let gone = cache
                    .invalidate(*now, NAMESPACE, &pattern)
                    .expect("proper pattern");
                let doomed = Doomed::EndingWith(digit.to_string());
                let expected = model.remove_where(*now, |key| doomed.names(key));
                prop_assert_eq!(owned_keys(gone), expected);
                model.decide(*now, doomed);
            }
            Operation::Clear => {
                let expected = model.remove_where(*now, |_| true);
                prop_assert_eq!(owned_keys(cache.clear(*now, Some(NAMESPACE))), expected);
                model.decide(*now, Doomed::All);
            }
            Operation::Acknowledge => {
                if let Some(last) = cache.poll_removals(u32::MAX).last() {
                    let known = cache.acknowledge_removals(last.sequence);
                    prop_assert!(known.is_ok_and(|count| count > 0));
                }
                prop_assert_eq!(cache.removal_totals().pending, 0);
                model.removals.clear();
            }
            Operation::Resize { capacity } => {
                cache
                    .resize(now.mono_us, Some(NAMESPACE), capacity)
                    .expect("proper name");
                model.settings.capacity = capacity;
                model.fit(*now, capacity as usize, model.settings.max_bytes);
            }
            Operation::Configure { max_bytes } => {
                model.settings.max_bytes = max_bytes;
                cache
                    .configure_own(now.mono_us, NAMESPACE, model.settings.into())
                    .expect("proper settings");
                model.fit(*now, model.settings.capacity as usize, max_bytes);
            }
            Operation::Switch => {
                // Entries and their order of use outlive it.
                for eviction in [Eviction::WTinyLfu, Eviction::Lru] {
                    let settings = Settings {
                        eviction,
                        ..model.settings
                    };
                    cache
                        .configure_own(now.mono_us, NAMESPACE, settings.into())
                        .expect("proper settings");
                }
            }
            other => unreachable!("{other:?} is performed above"),
        }
        Ok(())
    }

    fn compare(&self) -> Result<(), TestCaseError> {
        let (cache, model) = (&self.cache, &self.model);
        let totals = cache.totals(Some(NAMESPACE));
        prop_assert_eq!((totals.memory, totals.disk), (model.memory, model.disk));
        prop_assert_eq!(totals.memory_entries as usize, model.entries.len());
        prop_assert_eq!(totals.memory_bytes, model.bytes());
        prop_assert!((0.0..=1.0).contains(&totals.hit_rate));

        let in_order_of_use = owned_keys(cache.clone().clear(self.now, Some(NAMESPACE)));
        let expected: Vec<String> = model
            .live(self.now)
            .map(|entry| entry.key.clone())
            .collect();
        prop_assert_eq!(in_order_of_use, expected);

        let mut hottest: Vec<&Remembered> = model.live(self.now).rev().collect();
        hottest.sort_by_key(|entry| Reverse(entry.uses));
        let expected: Vec<String> = hottest
            .iter()
            .take(3)
            .map(|entry| entry.key.clone())
            .collect();
        prop_assert_eq!(owned_keys(cache.hottest(3)), expected);
        Ok(())
    }
}

pub(super) fn name(key: u8) -> String {
    format!("key{key}")
}

pub(super) fn owned_keys(places: Vec<Place>) -> Vec<String> {
    places.into_iter().map(|place| place.key).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn the_cache_does_what_the_slow_model_does(operations in operations()) {
        let mut pair = Pair::new();
        for operation in operations {
            pair.perform(operation)?;
            pair.compare()?;
        }
    }
}
