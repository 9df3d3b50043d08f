//! What many clients of a stream ask of the allocator: nothing for a change that
//! is suppressed, and for a row only where a client differs from the rest.

#![allow(clippy::unwrap_used, reason = "a test may end so")]

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use weirhouse_core::shaping::{Changes, ProfileSettings, Scope, Significance};
use weirhouse_core::{Instant, Optimizer};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const CLIENTS: u32 = 200;
const ROWS: u32 = 1_000;

/// Offers every row, each as this number.
fn offer(optimizer: &mut Optimizer, mono_us: u64, number: f64) -> Vec<u32> {
    let rows: Vec<u32> = (0..ROWS).collect();
    let count = rows.len();
    let changes = Changes {
        rows: &rows,
        numbers: &vec![number; count],
        states: &vec![number.to_bits(); count],
        attributes: &vec![0; count],
    };
    let region = Region::new(ALLOCATOR);
    let named = optimizer.offer_rows(at(mono_us), &changes).unwrap();
    let change = region.change();
    println!("{} allocations for {number}", change.allocations);
    if named.is_empty() && number > 20.1 {
        assert_eq!((change.allocations, change.reallocations), (0, 0));
    }
    named
}

fn at(mono_us: u64) -> Instant {
    Instant {
        mono_us,
        wall_us: 0,
    }
}

/// Bytes held for each row of each client by clients that were given all and
/// have seen it change a little since.
fn bytes_for_each(settings: &ProfileSettings) -> f64 {
    let mut optimizer = Optimizer::new();
    offer(&mut optimizer, 0, 20.0);
    let before = Region::new(ALLOCATOR);
    for _ in 0..CLIENTS {
        optimizer.shaping.open(settings, Scope::All).unwrap();
    }
    for (mono_us, number) in [(1, 20.1), (2, 20.2), (3, 20.3)] {
        for client in offer(&mut optimizer, mono_us, number) {
            // As fast clients do, which take what there is in parts.
            while optimizer.take_rows(at(mono_us), client, 50).unwrap().left > 0 {}
        }
    }
    let held = before.change();
    let bytes = held.bytes_allocated - held.bytes_deallocated;
    bytes as f64 / f64::from(CLIENTS) / f64::from(ROWS)
}

#[test]
fn a_client_costs_where_it_differs_and_a_suppressed_change_nothing() {
    let raw = ProfileSettings::default();
    let deadband = ProfileSettings {
        significance: Significance::Absolute(5.0),
        ..raw
    };
    let each = bytes_for_each(&deadband);
    println!("{each} bytes for each row within a deadband");
    assert!(each <= 70.0, "{each}");
    let each = bytes_for_each(&raw);
    println!("{each} bytes for each row of a client that gets all at once");
    assert!(each <= 5.0, "{each}");
}
