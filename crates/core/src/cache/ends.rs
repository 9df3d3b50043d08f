//! Which lives end next.
//!
//! A heap that is told of new ends only: an entry that is removed or written
//! again leaves its former end behind, to be dropped when it comes up or when
//! such remains outnumber the entries. That makes a write cheap, since a new
//! life mostly ends after all others, and a removal free.

use alloc::collections::BinaryHeap;
use core::cmp::Reverse;

use super::slab::Slot;

/// Remains that are not worth clearing away.
const FEW: usize = 32;

/// Ends of lives on the monotonic clock, in microseconds, with their slots.
#[derive(Debug, Clone, Default)]
pub(super) struct Ends(BinaryHeap<Reverse<(u64, Slot)>>);

impl Ends {
    /// Takes note of the end of an entry.
    pub(super) fn push(&mut self, end_us: u64, slot: Slot) {
        self.0.push(Reverse((end_us, slot)));
    }

    /// Whether there are so many ends for so many entries that it is time to
    /// start again from the current ones.
    pub(super) fn is_littered(&self, entries: u32) -> bool {
        self.0.len() > 2 * entries as usize + FEW
    }

    /// Only these ends and slots.
    pub(super) fn restart(&mut self, current: impl Iterator<Item = (u64, Slot)>) {
        self.0.clear();
        self.0.extend(current.map(Reverse));
    }

    /// Takes the earliest end not after `mono_us`. It may be one that is no
    /// longer current.
    #[inline]
    pub(super) fn pop_ended(&mut self, mono_us: u64) -> Option<(u64, Slot)> {
        let Reverse((end_us, _)) = self.0.peek()?;
        if *end_us > mono_us {
            return None;
        }
        self.pop()
    }

    #[inline(never)]
    fn pop(&mut self) -> Option<(u64, Slot)> {
        self.0.pop().map(|Reverse(end)| end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_come_in_order_of_time_and_not_before() {
        let mut ends = Ends::default();
        for (end_us, slot) in [(30, 0), (10, 1), (20, 2)] {
            ends.push(end_us, slot);
        }
        assert_eq!(ends.pop_ended(9), None);
        assert_eq!(ends.pop_ended(20), Some((10, 1)));
        assert_eq!(ends.pop_ended(20), Some((20, 2)));
        assert_eq!(ends.pop_ended(20), None);
        assert_eq!(ends.pop_ended(30), Some((30, 0)));
    }

    #[test]
    fn starting_again_leaves_only_what_is_current() {
        let mut ends = Ends::default();
        let mut pushed = 0;
        while !ends.is_littered(1) {
            ends.push(pushed, 0);
            pushed += 1;
        }
        assert!(pushed > 2, "a few remains are no litter");
        ends.restart([(7, 0)].into_iter());
        assert!(!ends.is_littered(1));
        assert_eq!(ends.pop_ended(u64::MAX), Some((7, 0)));
        assert_eq!(ends.pop_ended(u64::MAX), None);
    }
}
