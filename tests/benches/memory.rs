//! What an entity takes in memory: natively as its allocations, in the
//! component as growth of its linear memory.
//!
//! A program of its own, because an allocator that counts makes the native core
//! slower. Run it with `cargo xtask bench`.

use std::alloc::System;

use anyhow::{Context, Result};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use weirhouse_runner::operations::Optimizer;
use weirhouse_runner::wit::types::Instant;
use weirhouse_runner::{Component, Engine};
use weirhouse_tests::component;
use weirhouse_tests::load::{Home, Readings};
use weirhouse_tests::native::Native;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Readings of each entity, on average.
const READINGS: usize = 30;

fn main() -> Result<()> {
    let engine = Engine::new()?;
    let core = component::path()?;
    println!("Memory for each entity with name, history, timers and a shared rule, bytes");
    println!("| entities | component | native |");
    println!("|---|---|---|");
    for entities in [2_000, 10_000, 100_000] {
        let home = Home::new(entities);
        let readings = Readings::of(entities, READINGS * entities as usize, true);

        let mut in_wasm = Component::load(&engine, &core)?;
        let empty = memory_of(&in_wasm)?;
        live(&mut in_wasm, &home, &readings)?;
        let grown = memory_of(&in_wasm)? - empty;

        let region = Region::new(ALLOCATOR);
        let mut native = Native::new();
        live(&mut native, &home, &readings)?;
        let held = region.change();
        drop(native);
        let held = held.bytes_allocated - held.bytes_deallocated;

        let each = |bytes: usize| bytes as f64 / f64::from(entities);
        println!("| {entities} | {:.0} | {:.0} |", each(grown), each(held));
    }
    println!();
    println!(
        "Linear memory grows by pages of 64 KiB and holds what was needed at once; tables that double count in full."
    );
    Ok(())
}

fn memory_of(component: &Component) -> Result<usize> {
    component
        .memory_bytes()
        .context("the component has no live instance")
}

/// Lets a home report for a while.
fn live(optimizer: &mut dyn Optimizer, home: &Home, readings: &Readings) -> Result<()> {
    const BATCH: usize = 100;
    home.introduce(optimizer)?;
    let mut now = Instant { mono: 0, wall: 0 };
    for batch in readings.batches(BATCH) {
        now.mono += BATCH as u64 * home.spacing_us();
        optimizer.observe_texts(now, batch.series, batch.text, batch.lengths, &[])?;
        optimizer.tick(now)?;
        optimizer.poll_published()?;
        while !optimizer.poll_batch()?.is_empty() {}
    }
    Ok(())
}
