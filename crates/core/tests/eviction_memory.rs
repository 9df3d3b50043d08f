//! What an eviction costs in memory.

#![allow(clippy::unwrap_used, reason = "a test may end so")]

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use weirhouse_core::cache::{Eviction, Options, Settings};
use weirhouse_core::{Instant, Optimizer};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Most bytes that W-TinyLFU takes beyond LRU for an entry of a full namespace;
/// its documentation tells what was measured.
const MOST_MORE_BYTES: usize = 110;

#[test]
fn w_tiny_lfu_takes_little_more_than_lru() {
    for capacity in [100, 1_000, 10_000] {
        let [lru, other] = [Eviction::Lru, Eviction::WTinyLfu].map(|it| held(it, capacity));
        let more = other.saturating_sub(lru) / capacity as usize;
        println!("{more} bytes more for each of {capacity} entries");
        assert!(more <= MOST_MORE_BYTES, "{more} bytes, {capacity} entries");
    }
}

/// Bytes held by a namespace through which twice its capacity went.
fn held(eviction: Eviction, capacity: u32) -> usize {
    let region = Region::new(ALLOCATOR);
    let mut optimizer = Optimizer::new();
    let settings = Settings {
        capacity,
        eviction,
        ..Settings::default()
    };
    optimizer
        .cache
        .configure_own(0, "weather", settings.into())
        .unwrap();
    let now = optimizer.moment(Instant {
        mono_us: 0,
        wall_us: 0,
    });
    for number in 0..2 * capacity {
        let key = format!("{number:08}");
        let options = Options::default();
        optimizer
            .cache
            .put(now, "weather", &key, vec![0; 100], options)
            .unwrap();
    }
    let change = region.change();
    change.bytes_allocated - change.bytes_deallocated
}
