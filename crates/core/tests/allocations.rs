//! What the core asks of the allocator: nothing for a reading that is
//! suppressed, and little for an entity that is tracked.

#![allow(clippy::unwrap_used, reason = "a test may end so")]

#[path = "../benches/instructions/load.rs"]
#[allow(dead_code, reason = "this needs a part of it")]
mod load;

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use weirhouse_core::{Instant, Optimizer};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Sizes of homes; at the last, tables that double would be half empty.
const ENTITIES: [u32; 3] = [2_000, 5_000, 10_000];

/// Readings of each entity.
const READINGS: usize = 30;

/// Most bytes for an entity with its name, history, timer and a rule that others
/// share, on a machine with 64-bit pointers. What tables keep free counts.
const MOST_BYTES: usize = 200;

/// One test, because others beside it would allocate, too.
#[test]
fn readings_allocate_nothing_and_entities_little() {
    for entities in ENTITIES {
        measure(entities);
    }
}

fn measure(entities: u32) {
    let names = load::names(entities);
    let readings = load::Readings::of(entities, READINGS * entities as usize, true);
    let still = load::still(entities);
    let before = Region::new(ALLOCATOR);

    let mut optimizer = Optimizer::new();
    let handles = optimizer.intern(&names).unwrap();
    for &handle in &handles {
        let rule = load::rule(handle);
        optimizer.set_rule(&[handle], Some(&rule)).unwrap();
    }
    let mut mono_us = 0;
    for batch in readings.batches(100) {
        mono_us += 100 * load::spacing_us(entities);
        let now = Instant {
            mono_us,
            wall_us: 0,
        };
        let (series, text, lengths) = (batch.series, batch.text, batch.lengths);
        optimizer
            .observe_texts(now, series, text, lengths, &[])
            .unwrap();
        optimizer.tick(now);
        optimizer.poll_published();
        while !optimizer.poll_batch().is_empty() {}
    }
    drop(handles);
    let held = before.change();
    let bytes = held.bytes_allocated - held.bytes_deallocated;
    let each = bytes / entities as usize;
    println!("{each} bytes for each of {entities} entities");
    assert!(each <= MOST_BYTES, "{each} bytes for each entity");

    let now = Instant {
        mono_us,
        wall_us: 0,
    };
    for (series, numbers) in &still {
        optimizer
            .observe_numbers(now, series, numbers, &[])
            .unwrap();
    }
    for (series, numbers) in &still[1..] {
        for count in [1, 16, series.len()] {
            let region = Region::new(ALLOCATOR);
            let reasons = optimizer
                .observe_numbers(now, &series[..count], &numbers[..count], &[])
                .unwrap();
            let change = region.change();
            assert!(reasons.iter().all(|reason| !reason.publishes()));
            assert_eq!(
                (change.allocations, change.reallocations),
                (1, 0),
                "the list of reasons alone, for {count} readings"
            );
        }
    }
}
