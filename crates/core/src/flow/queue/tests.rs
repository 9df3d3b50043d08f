//! The queue by its rules, and against a slow and obvious model.

use alloc::vec;

use proptest::prelude::*;

use super::*;

fn queue(capacity: u32, overflow: Overflow) -> Queue {
    Queue::new(QueueSettings { capacity, overflow }).unwrap()
}

fn push(queue: &mut Queue, key: Option<Key>, item: Item) -> (Vec<Item>, Vec<Item>) {
    let mut gone = Gone::default();
    queue.push(key, item, &mut gone);
    (gone.coalesced, gone.dropped)
}

#[test]
fn a_newer_item_of_a_key_takes_its_place_before_any_is_dropped() {
    let mut queue = queue(2, Overflow::DropOldest);
    push(&mut queue, Some(7), 1);
    push(&mut queue, None, 2);
    assert_eq!(push(&mut queue, Some(7), 3), (vec![1], vec![]));
    assert_eq!(queue.items(), [3, 2]);
    assert_eq!(push(&mut queue, Some(8), 4), (vec![], vec![3]));
    assert_eq!(push(&mut queue, Some(7), 5), (vec![], vec![2]));
    assert_eq!(queue.items(), [4, 5]);
}

#[test]
fn a_full_queue_may_refuse_what_is_new() {
    let mut queue = queue(2, Overflow::DropNew);
    for item in 1..=2 {
        push(&mut queue, Some(item), item);
    }
    assert_eq!(push(&mut queue, Some(3), 3), (vec![], vec![3]));
    assert_eq!(push(&mut queue, Some(1), 4), (vec![1], vec![]));
    assert_eq!(queue.take(9), [4, 2]);
    assert_eq!(push(&mut queue, Some(1), 5), (vec![], vec![]));
    assert_eq!(
        queue.totals(),
        QueueTotals {
            pushed: 5,
            coalesced: 1,
            dropped: 1,
            taken: 2,
            pending: 1
        }
    );
}

#[test]
fn a_lowered_capacity_holds_at_once() {
    for (overflow, dropped, left) in [
        (Overflow::DropOldest, [1, 2], [3, 4]),
        (Overflow::DropNew, [4, 3], [1, 2]),
    ] {
        let mut queue = queue(4, Overflow::DropOldest);
        for item in 1..=4 {
            push(&mut queue, Some(item), item);
        }
        let settings = QueueSettings {
            capacity: 2,
            overflow,
        };
        assert_eq!(queue.configure(settings), Ok(dropped.to_vec()));
        assert_eq!(queue.items(), left);
        assert_eq!(queue.totals().dropped, 2);
    }
}

#[test]
fn absurd_capacities_are_refused() {
    let mut queue = queue(3, Overflow::DropNew);
    push(&mut queue, None, 1);
    for capacity in [0, 1_000_001] {
        let settings = QueueSettings {
            capacity,
            overflow: Overflow::DropOldest,
        };
        assert!(Queue::new(settings).is_err());
        assert!(queue.configure(settings).is_err());
    }
    assert_eq!(queue.items(), [1]);
}

#[derive(Debug, Clone)]
enum Step {
    Push(Option<Key>),
    Take(u32),
    Configure(u32, bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => prop::option::of(0_u64..6).prop_map(Step::Push),
        2 => (0_u32..4).prop_map(Step::Take),
        1 => (1_u32..6, any::<bool>()).prop_map(|(most, old)| Step::Configure(most, old)),
    ];
    prop::collection::vec(step, 0..80)
}

fn overflow(old: bool) -> Overflow {
    if old {
        Overflow::DropOldest
    } else {
        Overflow::DropNew
    }
}

proptest! {
    /// Against a `Vec` searched from end to end: never over its capacity, in
    /// order, and every item is accounted for exactly once.
    #[test]
    fn random_steps_match_the_model(steps in steps(), capacity in 1_u32..6, old: bool) {
        let mut queue = queue(capacity, overflow(old));
        let (mut capacity, mut old) = (capacity as usize, old);
        let mut model: Vec<(Option<Key>, Item)> = Vec::new();
        let mut totals = QueueTotals::default();
        for (item, step) in (0..).zip(steps) {
            match step {
                Step::Push(key) => {
                    let gone = push(&mut queue, key, item);
                    totals.pushed += 1;
                    let same = |(other, _): &(Option<Key>, Item)| key.is_some() && *other == key;
                    if let Some(index) = model.iter().position(same) {
                        prop_assert_eq!(gone, (vec![model[index].1], vec![]));
                        model[index].1 = item;
                        totals.coalesced += 1;
                    } else if model.len() < capacity {
                        prop_assert_eq!(gone, (vec![], vec![]));
                        model.push((key, item));
                    } else {
                        totals.dropped += 1;
                        if old {
                            prop_assert_eq!(gone, (vec![], vec![model.remove(0).1]));
                            model.push((key, item));
                        } else {
                            prop_assert_eq!(gone, (vec![], vec![item]));
                        }
                    }
                }
                Step::Take(most) => {
                    let count = model.len().min(most as usize);
                    let taken: Vec<Item> = model.drain(..count).map(|(_, item)| item).collect();
                    totals.taken += count as u64;
                    prop_assert_eq!(queue.take(most), taken);
                }
                Step::Configure(most, other) => {
                    (capacity, old) = (most as usize, other);
                    let mut dropped = Vec::new();
                    while model.len() > capacity {
                        let index = if old { 0 } else { model.len() - 1 };
                        dropped.push(model.remove(index).1);
                    }
                    totals.dropped += dropped.len() as u64;
                    let settings = QueueSettings { capacity: most, overflow: overflow(old) };
                    prop_assert_eq!(queue.configure(settings), Ok(dropped));
                }
            }
            totals.pending = model.len() as u32;
            let items: Vec<Item> = model.iter().map(|(_, item)| *item).collect();
            prop_assert!(items.len() <= capacity);
            prop_assert_eq!(queue.items(), items);
            prop_assert_eq!(queue.totals(), totals);
        }
    }
}
