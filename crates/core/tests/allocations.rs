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

const ENTITIES: u32 = 2_000;
const READINGS: usize = 60_000;

/// Most bytes for an entity with its name, history, timers and a rule that
/// others share, on a machine with 64-bit pointers; a tenth over what was
/// measured. Tables that double when they grow count in full.
const MOST_BYTES: usize = 280;

/// One test, because others beside it would allocate, too.
#[test]
fn readings_allocate_nothing_and_entities_little() {
    let names = load::names(ENTITIES);
    let readings = load::Readings::of(ENTITIES, READINGS, true);
    let still = load::still(ENTITIES);
    let before = Region::new(ALLOCATOR);

    let mut optimizer = Optimizer::new();
    let handles = optimizer.intern(&names).unwrap();
    for &handle in &handles {
        let rule = load::rule(handle);
        optimizer.set_rule(&[handle], Some(&rule)).unwrap();
    }
    let mut mono_us = 0;
    for batch in readings.batches(100) {
        mono_us += 100 * load::spacing_us(ENTITIES);
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
    let each = bytes / ENTITIES as usize;
    println!("{each} bytes for each entity");
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
