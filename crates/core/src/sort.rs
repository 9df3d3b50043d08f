//! Sorting in little machine code.
//!
//! The sorts of the standard library are made for millions of items, and take
//! five to ten kilobytes of WebAssembly for each type and order they are used
//! with. The lists sorted here are of some thousand items at most, and seldom.

use core::cmp::Ordering;

/// Sorts ascending, in place.
pub(crate) fn sort<T: Ord>(items: &mut [T]) {
    sort_by(items, T::cmp);
}

/// Sorts by an order, in place; items that are equal by it may change places.
///
/// A heapsort: n log n comparisons at worst.
pub(crate) fn sort_by<T>(items: &mut [T], order: impl Fn(&T, &T) -> Ordering) {
    for root in (0..items.len() / 2).rev() {
        sink(items, root, &order);
    }
    let mut heap = items;
    while let [first, .., last] = heap {
        core::mem::swap(first, last);
        let rest = heap.len() - 1;
        heap = &mut heap[..rest];
        sink(heap, 0, &order);
    }
}

/// Moves an item down a heap until none below is greater.
fn sink<T>(heap: &mut [T], mut place: usize, order: &impl Fn(&T, &T) -> Ordering) {
    loop {
        let left = 2 * place + 1;
        let Some(mut below) = heap.get(left) else {
            return;
        };
        let mut next = left;
        if let Some(right) = heap.get(left + 1)
            && order(below, right).is_lt()
        {
            (below, next) = (right, left + 1);
        }
        if order(&heap[place], below).is_ge() {
            return;
        }
        heap.swap(place, next);
        place = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn sorts_as_the_standard_library_does(
            mut items in prop::collection::vec(any::<(u8, u16)>(), 0..200),
        ) {
            let mut expected = items.clone();
            expected.sort_unstable();
            sort(&mut items);
            prop_assert_eq!(&items, &expected);
            expected.reverse();
            sort_by(&mut items, |one, other| other.cmp(one));
            prop_assert_eq!(items, expected);
        }
    }

    #[test]
    fn compares_seldom_even_at_worst() {
        const LENGTH: u64 = 1 << 12;
        for pattern in [1, LENGTH - 1, 5, 1_237] {
            let comparisons = core::cell::Cell::new(0_u64);
            let mut items: Vec<u64> = (0..LENGTH).map(|it| it * pattern % LENGTH).collect();
            sort_by(&mut items, |one, other| {
                comparisons.set(comparisons.get() + 1);
                one.cmp(other)
            });
            assert!(items.is_sorted());
            let most = 2 * LENGTH * u64::from(LENGTH.ilog2());
            assert!(comparisons.get() <= most, "{}", comparisons.get());
        }
    }
}
