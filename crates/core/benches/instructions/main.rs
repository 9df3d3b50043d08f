//! The load of `load.rs` on the core, natively, for a counter of instructions.
//!
//! `instructions CALL TIMES` makes one kind of call so many times over, and
//! prints how many items that were. It measures nothing itself: run it under
//! `valgrind --tool=callgrind` with two different TIMES, and the difference is
//! what the calls took. `tests/tests/instructions.rs` does.

#![allow(
    clippy::unwrap_used,
    reason = "a call that fails while it is counted may only end the bench"
)]

mod load;

use std::hint::black_box;

use load::Readings;
use weirhouse_core::batch::Batching;
use weirhouse_core::cache::{Joined, Lookup, Options};
use weirhouse_core::{Instant, Optimizer};

const ENTITIES: u32 = 2_000;
const READINGS: usize = 16_384;
const BATCH: usize = 1_024;
const NOW: Instant = Instant {
    mono_us: 0,
    wall_us: 0,
};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let call = arguments.next().unwrap_or_default();
    let Some(times) = arguments.next().and_then(|times| times.parse().ok()) else {
        // `cargo bench` passes `--bench`; there is nothing to print then.
        return;
    };
    let items = match call.as_str() {
        "observe numbers" => observe(times, false),
        "observe texts" => observe(times, true),
        "suppress numbers" => suppress(times),
        "batch" => batch(times),
        "cache get" => cache_get(times),
        "cache put" => cache_put(times),
        "next deadline" => next_deadline(times),
        other => unimplemented!("{other}"),
    };
    println!("{items}");
}

/// The home, known and with a rule for each entity.
fn home() -> Optimizer {
    let mut optimizer = Optimizer::new();
    let handles = optimizer.intern(&load::names(ENTITIES)).unwrap();
    for &handle in &handles {
        optimizer
            .set_rule(&[handle], Some(&load::rule(handle)))
            .unwrap();
    }
    // What a window brought leaves together.
    let batching = Batching {
        max: 1_000,
        ..Batching::default()
    };
    optimizer.set_batching(batching).unwrap();
    optimizer
}

/// Readings in batches, with the time that passes between them.
fn observe(times: usize, words: bool) -> usize {
    let mut optimizer = home();
    let readings = Readings::of(ENTITIES, READINGS, words);
    let mut mono_us = 0;
    for _ in 0..times {
        for batch in readings.batches(BATCH) {
            mono_us += BATCH as u64 * load::spacing_us(ENTITIES);
            let now = Instant {
                mono_us,
                wall_us: 0,
            };
            let verdicts = if words {
                optimizer.observe_texts(now, batch.series, batch.text, batch.lengths, &[])
            } else {
                optimizer.observe_numbers(now, batch.series, batch.numbers, &[])
            };
            assert_eq!(verdicts.unwrap().len(), BATCH);
            let due = optimizer.tick(now);
            if due.published > 0 {
                optimizer.poll_published();
            }
            for _ in 0..due.batches {
                optimizer.poll_batch();
            }
        }
    }
    times * READINGS
}

/// Batches in which no reading matters.
fn suppress(times: usize) -> usize {
    let mut optimizer = home();
    let batches = load::still(ENTITIES);
    for (series, numbers) in batches.iter().cycle().take(times + batches.len()) {
        let verdicts = optimizer.observe_numbers(NOW, series, numbers, &[]);
        black_box(verdicts.unwrap());
    }
    times * batches[0].0.len()
}

/// Entities into the batcher and out again.
fn batch(times: usize) -> usize {
    let mut optimizer = home();
    let entities: Vec<u32> = (0..1_000).collect();
    for time in 0..times {
        let now = Instant {
            mono_us: 200_000 * time as u64,
            wall_us: 0,
        };
        optimizer.mark_dirty(now, &entities).unwrap();
        optimizer.tick(Instant {
            mono_us: now.mono_us + 100_000,
            ..now
        });
        assert_eq!(optimizer.poll_batch().len(), entities.len());
    }
    times * entities.len()
}

fn cache_get(times: usize) -> usize {
    let mut optimizer = Optimizer::new();
    let keys = load::keys();
    let now = optimizer.moment(NOW);
    for key in &keys {
        let value = vec![7; load::VALUE_BYTES];
        let cache = &mut optimizer.cache;
        cache
            .put(now, "load", key, value, Options::default())
            .unwrap();
    }
    for key in keys.iter().cycle().take(times * keys.len()) {
        let now = optimizer.moment(NOW);
        let Lookup::Hit(entry) = optimizer.cache.get(now, "load", key).unwrap() else {
            unreachable!("it was put");
        };
        black_box(entry.value.to_vec());
    }
    times * keys.len()
}

fn cache_put(times: usize) -> usize {
    let mut optimizer = Optimizer::new();
    let keys = load::keys();
    for key in keys.iter().cycle().take(times * keys.len()) {
        let now = optimizer.moment(NOW);
        let bytes = [&[7; load::VALUE_BYTES], "load".as_bytes(), key.as_bytes()].concat();
        let joined = Joined::split(bytes, 4, key.len() as u32).unwrap();
        let cache = &mut optimizer.cache;
        cache.put_joined(now, joined, Options::default()).unwrap();
    }
    times * keys.len()
}

fn next_deadline(times: usize) -> usize {
    let optimizer = home();
    for _ in 0..times {
        black_box(optimizer.next_deadline());
    }
    times
}
