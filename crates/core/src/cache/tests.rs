//! The rules of the cache, one test each, and what those tests share.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::*;

mod ahead;
mod fetch_model;
mod fetching;
mod first_level;
mod frequency;
mod late_store;
mod model;
mod random;
mod refusals;
mod removal;
mod removals;
mod second_level;
mod settings;

const SECOND_US: i64 = 1_000_000;
/// The anchored date at monotonic zero.
const EPOCH_US: i64 = 1_700_000_000 * SECOND_US;

fn at(seconds: i64) -> Now {
    let elapsed_us = seconds * SECOND_US;
    Now {
        mono_us: elapsed_us as u64,
        dated_us: EPOCH_US + elapsed_us,
    }
}

fn put(cache: &mut Cache, seconds: i64, namespace: &str, key: &str) -> Option<Stamp> {
    cache
        .put(at(seconds), namespace, key, key.into(), Options::default())
        .expect("proper put")
}

/// Whether a key is found in memory.
fn hits(cache: &mut Cache, seconds: i64, namespace: &str, key: &str) -> bool {
    matches!(cache.get(at(seconds), namespace, key), Ok(Lookup::Hit(_)))
}

fn stored(put_at_seconds: i64, life_seconds: i64, memory_life_seconds: i64) -> Stored {
    Stored {
        value: b"stored".to_vec(),
        media_type: 7,
        tags: vec!["room".into()],
        stamp: Stamp {
            put_at_us: at(put_at_seconds).dated_us,
            life_us: life_seconds * SECOND_US,
            memory_life_us: memory_life_seconds * SECOND_US,
            stale: StaleLives::default(),
        },
    }
}

fn limited(capacity: u32) -> Cache {
    let mut cache = Cache::new();
    cache
        .configure(
            0,
            Settings {
                capacity,
                ..Settings::default()
            },
        )
        .expect("proper settings");
    cache
}

fn keys(places: &[Place]) -> Vec<&str> {
    places.iter().map(|place| place.key.as_str()).collect()
}
