use super::*;
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
fn a_forgotten_entity_leaves_and_takes_an_empty_window_along() {
    let mut batcher = batcher(100, 50);
    batcher.mark(0, 1);
    assert!(batcher.forget(1));
    assert!(!batcher.forget(1));
    assert!(!batcher.forget(99));
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

proptest! {
    /// Every dirty entity is sent exactly once per time it became dirty, no
    /// batch exceeds its cap, and none waits longer than its place in the
    /// queue demands.
    #[test]
    fn nothing_is_lost_or_sent_twice(
        window_ms in 0_i64..200,
        max in 1_u32..6,
        marks in proptest::collection::vec((0_u64..50, 0_u32..12), 0..80),
    ) {
        let mut batcher = batcher(window_ms, max);
        let mut now_ms = 0;
        let mut owed: Vec<(u32, u64)> = Vec::new();
        let settle = |batcher: &mut Batcher, until: u64, owed: &mut Vec<(u32, u64)>| {
            for (at, batch) in run(batcher, until) {
                assert!(batch.len() <= max as usize);
                for entity in batch {
                    let place = owed.iter().position(|&(other, _)| other == entity);
                    let place = place.unwrap_or_else(|| panic!("{entity} was not dirty"));
                    assert_eq!(place, 0, "sent out of order");
                    let (_, since) = owed.remove(place);
                    assert!(at <= since + (window_ms.unsigned_abs()) * 14);
                }
            }
        };
        for (pause_ms, entity) in marks {
            now_ms += pause_ms;
            settle(&mut batcher, now_ms, &mut owed);
            batcher.mark(now_ms * MS, entity);
            if !owed.iter().any(|&(other, _)| other == entity) {
                owed.push((entity, now_ms));
            }
        }
        settle(&mut batcher, now_ms + 100_000, &mut owed);
        prop_assert!(owed.is_empty());
        let totals = batcher.totals();
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
