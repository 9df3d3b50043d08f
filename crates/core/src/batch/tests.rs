use super::*;
use alloc::collections::VecDeque;
use alloc::vec;
use proptest::prelude::*;

const MS: u64 = 1_000;

fn batcher(window_ms: i64, max: u32) -> Batcher {
    let mut batcher = Batcher::default();
    let settings = Batching {
        window_us: window_ms * 1_000,
        max,
        ..Batching::default()
    };
    batcher.configure(settings).unwrap();
    batcher
}

/// Lets time pass to `until_ms`, closing each window at its deadline.
fn run(batcher: &mut Batcher, until_ms: u64) -> Vec<(u64, Vec<u32>)> {
    let mut sent = Vec::new();
    while let Some(due) = batcher.deadline_us().filter(|&due| due <= until_ms * MS) {
        batcher.tick(due);
        while let Some(batch) = batcher.poll() {
            sent.push((due / MS, batch));
        }
    }
    sent
}

#[test]
fn a_window_opens_at_the_first_dirty_entity_and_closes_once() {
    let mut batcher = batcher(100, 50);
    batcher.mark(10 * MS, 1);
    batcher.mark(60 * MS, 2);
    batcher.mark(90 * MS, 1);
    assert_eq!(run(&mut batcher, 109), vec![]);
    assert_eq!(run(&mut batcher, 500), vec![(110, vec![1, 2])]);
    let totals = batcher.totals();
    assert_eq!(
        (
            totals.updates,
            totals.coalesced,
            totals.sent,
            totals.pending
        ),
        (3, 1, 2, 0)
    );
}

#[test]
fn the_remainder_opens_the_next_window_in_order() {
    let mut batcher = batcher(100, 2);
    for entity in [5, 3, 9, 1, 7] {
        batcher.mark(0, entity);
    }
    assert_eq!(
        run(&mut batcher, 1_000),
        vec![(100, vec![5, 3]), (200, vec![9, 1]), (300, vec![7])]
    );
}

#[test]
fn a_window_of_zero_means_the_next_turn() {
    let mut batcher = batcher(0, 2);
    for entity in 0..3 {
        batcher.mark(7 * MS, entity);
    }
    assert_eq!(run(&mut batcher, 7), vec![(7, vec![0, 1]), (7, vec![2])]);
}

#[test]
fn flush_on_full_sends_at_once_whichever_comes_first() {
    let mut batcher = Batcher::default();
    let settings = Batching {
        window_us: 5_000_000,
        max: 3,
        flush_on_full: true,
        ..Batching::default()
    };
    batcher.configure(settings).unwrap();
    for (at, entity) in [(0, 1), (10, 2), (20, 3), (30, 4)] {
        batcher.mark(at * MS, entity);
    }
    assert_eq!(
        run(&mut batcher, 10_000),
        vec![(20, vec![1, 2, 3]), (5_020, vec![4])]
    );
}

#[test]
fn a_removed_entity_leaves_and_takes_an_empty_window_along() {
    let mut batcher = batcher(100, 50);
    batcher.mark(0, 1);
    assert_eq!(batcher.remove(&[1, 1]), 1);
    assert_eq!(batcher.remove(&[1, 99]), 0);
    assert_eq!(batcher.deadline_us(), None);
}

#[test]
fn beyond_the_capacity_the_chosen_side_is_dropped_and_counted() {
    for (overflow, expected) in [
        (Overflow::DropOldest, vec![2, 3]),
        (Overflow::DropNew, vec![1, 2]),
    ] {
        let mut batcher = Batcher::default();
        let settings = Batching {
            max: 2,
            capacity: 2,
            overflow,
            ..Batching::default()
        };
        batcher.configure(settings).unwrap();
        for entity in [1, 2, 2, 3] {
            batcher.mark(0, entity);
        }
        batcher.flush();
        assert_eq!(batcher.poll(), Some(expected));
        let totals = batcher.totals();
        assert_eq!(
            (totals.updates, totals.coalesced, totals.dropped),
            (4, 1, 1)
        );
    }
}

#[test]
fn nonsense_is_refused_by_name() {
    let sound = Batching::default();
    for (name, settings) in [
        (
            "window",
            Batching {
                window_us: -1,
                ..sound
            },
        ),
        ("max", Batching { max: 0, ..sound }),
        (
            "capacity",
            Batching {
                max: 50,
                capacity: 49,
                ..sound
            },
        ),
    ] {
        match Batcher::default().configure(settings) {
            Err(Error::InvalidArgument(text)) => assert!(text.starts_with(name), "{text}"),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn what_is_due_and_not_taken_costs_no_memory_and_sends_the_latest_once() {
    let mut batcher = batcher(100, 2);
    for turn in 0..1_000 {
        for entity in [4, 8, 6] {
            batcher.mark(turn * 200 * MS, entity);
        }
        batcher.tick(turn * 200 * MS + 100 * MS);
    }
    assert_eq!(batcher.totals().pending, 3);
    batcher.flush();
    assert_eq!(batcher.poll(), Some(vec![4, 8]));
    assert_eq!(batcher.remove(&[6]), 1);
    assert_eq!(batcher.poll(), None);
    let totals = batcher.totals();
    assert_eq!((totals.removed, totals.sent, totals.pending), (1, 2, 0));
}

#[test]
fn the_mean_size_is_that_of_batches_handed_out() {
    let mut batcher = batcher(100, 3);
    assert!(batcher.totals().mean_size().abs() < f64::EPSILON);
    for entity in 0..4 {
        batcher.mark(0, entity);
    }
    run(&mut batcher, 1_000);
    assert!((batcher.totals().mean_size() - 2.0).abs() < f64::EPSILON);
}

#[test]
fn telling_the_same_settings_again_keeps_what_the_load_taught() {
    let mut batcher = Batcher::default();
    let settings = Batching {
        adaptive: Some(Adaptive {
            window_from_us: 10_000,
            window_to_us: 1_000_000,
            max_from: 5,
            max_to: 500,
            target_latency_us: 50_000,
        }),
        ..Batching::default()
    };
    batcher.configure(settings).unwrap();
    batcher.mark(0, 1);
    run(&mut batcher, 100);
    batcher.report_latency(1, 80_000);
    batcher.mark(200 * MS, 1);
    run(&mut batcher, 300);
    let adapted = batcher.totals();
    assert_eq!((adapted.window_us, adapted.max), (200_000, 25));
    batcher.configure(settings).unwrap();
    assert_eq!(batcher.totals(), adapted);
    let other = Batching {
        flush_on_full: true,
        ..settings
    };
    batcher.configure(other).unwrap();
    assert_eq!(batcher.totals().window_us, 100_000);
}

/// An entity that is owed a write: since when, and how many windows may close
/// before it is sent.
struct Owed {
    entity: u32,
    windows: u32,
}

proptest! {
    /// Without overflow, every dirty entity is sent exactly once per time it
    /// became dirty, in the order of that, in batches of at most the cap; and
    /// with `n` waiting before and with it, within the next `n / max` windows,
    /// rounded up.
    #[test]
    fn nothing_is_lost_sent_twice_or_starved(
        window_ms in 1_i64..200,
        max in 1_u32..6,
        marks in proptest::collection::vec((0_u64..50, 0_u32..12), 0..80),
    ) {
        let mut batcher = batcher(window_ms, max);
        let mut now_ms = 0;
        let mut owed: VecDeque<Owed> = VecDeque::new();
        let settle = |batcher: &mut Batcher, until: u64, owed: &mut VecDeque<Owed>| {
            let mut closed = None;
            for (at, batch) in run(batcher, until) {
                assert!(closed.is_none_or(|last| at >= last + window_ms.unsigned_abs()));
                closed = Some(at);
                assert!(batch.len() <= max as usize);
                for sent in batch {
                    let first = owed.pop_front().map(|first| (first.entity, first.windows > 0));
                    assert_eq!(first, Some((sent, true)), "out of order, twice or too late");
                }
                for waiting in owed.iter_mut() {
                    waiting.windows -= 1;
                }
            }
        };
        for (pause_ms, entity) in marks {
            now_ms += pause_ms;
            settle(&mut batcher, now_ms, &mut owed);
            batcher.mark(now_ms * MS, entity);
            if !owed.iter().any(|waiting| waiting.entity == entity) {
                let windows = (owed.len() as u32 + 1).div_ceil(max);
                owed.push_back(Owed { entity, windows });
            }
        }
        settle(&mut batcher, now_ms + 100_000, &mut owed);
        prop_assert!(owed.is_empty());
        let totals = batcher.totals();
        prop_assert_eq!(totals.updates, totals.coalesced + totals.sent);
    }

    /// Within one window an entity is written at most once, however often it
    /// became dirty, with either kind of overflow.
    #[test]
    fn one_write_per_entity_and_window(
        drop_new: bool,
        capacity in 6_u32..12,
        marks in proptest::collection::vec((0_u64..40, 0_u32..20), 0..200),
    ) {
        let mut batcher = Batcher::default();
        let settings = Batching {
            max: 6,
            capacity,
            overflow: if drop_new { Overflow::DropNew } else { Overflow::DropOldest },
            ..Batching::default()
        };
        batcher.configure(settings).unwrap();
        let mut last_sent: [Option<u64>; 20] = [None; 20];
        let mut now_ms = 0;
        let mut settle = |batcher: &mut Batcher, until: u64| {
            for (at, batch) in run(batcher, until) {
                for entity in batch {
                    let before = last_sent[entity as usize].replace(at);
                    assert!(before.is_none_or(|before| at >= before + 100));
                }
            }
        };
        for (pause_ms, entity) in marks {
            now_ms += pause_ms;
            settle(&mut batcher, now_ms);
            batcher.mark(now_ms * MS, entity);
            prop_assert!(batcher.totals().pending <= capacity);
        }
        settle(&mut batcher, now_ms + 10_000);
        prop_assert_eq!(batcher.totals().pending, 0);
    }

    /// Whatever the load does, window and size stay within their bounds, and
    /// nothing is lost on the way.
    #[test]
    fn adapting_keeps_to_its_bounds(
        turns in proptest::collection::vec((0_u32..400, 0_u64..300, 0_u64..200), 1..60),
    ) {
        let mut batcher = Batcher::default();
        let adaptive = Adaptive {
            window_from_us: 30_000,
            window_to_us: 500_000,
            max_from: 7,
            max_to: 120,
            target_latency_us: 100_000,
        };
        batcher.configure(Batching { adaptive: Some(adaptive), ..Batching::default() }).unwrap();
        let mut now_ms = 0;
        for (entities, pause_ms, latency_ms) in turns {
            for entity in 0..entities {
                batcher.mark(now_ms * MS, entity);
            }
            now_ms += pause_ms;
            for (_, batch) in run(&mut batcher, now_ms) {
                prop_assert!(batch.len() <= 120);
            }
            let totals = batcher.totals();
            batcher.report_latency(totals.batches, latency_ms * MS);
            prop_assert!((30_000..=500_000).contains(&totals.window_us));
            prop_assert!((7..=120).contains(&totals.max));
        }
        run(&mut batcher, now_ms + 100_000);
        let totals = batcher.totals();
        prop_assert_eq!(totals.pending, 0);
        prop_assert_eq!(totals.updates, totals.coalesced + totals.sent);
    }
}

#[test]
fn a_capacity_that_shrank_holds_from_the_next_update_on() {
    let mut batcher = batcher(100, 2);
    for entity in 0..10 {
        batcher.mark(0, entity);
    }
    let settings = Batching {
        max: 2,
        capacity: 3,
        ..Batching::default()
    };
    batcher.configure(settings).unwrap();
    batcher.mark(0, 10);
    let totals = batcher.totals();
    assert_eq!((totals.pending, totals.dropped), (3, 8));
    batcher.flush();
    assert_eq!(batcher.poll(), Some(vec![8, 9]));
    assert_eq!(batcher.poll(), Some(vec![10]));
}
