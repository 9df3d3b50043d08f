//! Hit ratios of eviction policies at equal size, against the optimum.
//!
//! Run it with `cargo xtask bench hit_ratio`. Traces come from fixed seeds and
//! no clock is read, so every run prints the same. The policies of the cache are
//! measured through [`Cache`] itself; the others are small models of what was
//! not chosen.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a bench that goes wrong may only end"
)]

mod belady;
mod s3_fifo;
mod sieve;
mod traces;

use weirhouse_core::Now;
use weirhouse_core::cache::{Cache, Eviction, Levels, Lookup, Options, Settings};

use traces::Trace;

/// A moment: nothing expires here.
const NOW: Now = Now {
    mono_us: 0,
    dated_us: 0,
};

fn main() {
    println!("| trace | room | LRU | W-TinyLFU | S3-FIFO | SIEVE | optimum | W-TinyLFU − LRU |");
    println!("|---|---|---|---|---|---|---|---|");
    let mut worst = f64::MAX;
    for Trace { name, keys, rooms } in traces::all() {
        for room in rooms {
            let percent = |hits: usize| 100.0 * hits as f64 / keys.len() as f64;
            let lru = percent(through_cache(&keys, room, Eviction::Lru));
            let frequent = percent(through_cache(&keys, room, Eviction::WTinyLfu));
            let fifo = percent(s3_fifo::hits(&keys, room));
            let sieve = percent(sieve::hits(&keys, room));
            let best = percent(belady::hits(&keys, room));
            let gain = frequent - lru;
            worst = worst.min(gain);
            println!(
                "| {name} | {room} | {lru:.1} | {frequent:.1} | {fifo:.1} | {sieve:.1} | {best:.1} | {gain:+.1} |"
            );
        }
    }
    println!();
    println!("W-TinyLFU against LRU where it does worst: {worst:+.2} points.");
}

/// Hits of a cache that is asked for each key and given what it lacks.
fn through_cache(keys: &[u32], room: usize, eviction: Eviction) -> usize {
    let mut cache = Cache::new();
    let settings = Settings {
        capacity: u32::try_from(room).unwrap(),
        levels: Levels::MemoryOnly,
        eviction,
        ..Settings::default()
    };
    cache.configure(0, settings).unwrap();
    let mut hits = 0;
    for key in keys {
        let key = key.to_string();
        if let Lookup::Hit(_) = cache.get(NOW, "bench", &key).unwrap() {
            hits += 1;
        } else {
            cache
                .put(NOW, "bench", &key, Vec::new(), Options::default())
                .unwrap();
        }
    }
    hits
}
