//! When series ask to be looked at: a hierarchical timing wheel (Varghese and
//! Lauck, 1987), in which setting and firing a timer costs the same however many
//! there are.
//!
//! Time is counted in units of 2¹⁴ µs. A level has 64 slots; a slot of one level
//! spans all slots of the level below. A timer lies in the lowest level whose
//! slots still tell it from the present, and moves down as time comes near. The
//! timers of a slot are a list through the table of series. That a unit is
//! coarse is seen by nobody: timers keep their exact moments and fire in the
//! order of these.

use alloc::vec::Vec;

use crate::table::lengthen;
use crate::time::NEVER_US;

/// 16.4 ms to a unit: fine enough that few timers share one, and coarse enough
/// that most move down only once.
const UNIT_BITS: u32 = 14;

/// 64 slots to a level: as many as a word has bits.
const SLOT_BITS: u32 = 6;
const SLOTS: usize = 1 << SLOT_BITS;

/// Enough for every moment that a `u64` of microseconds can name.
const LEVELS: usize = (64 - UNIT_BITS).div_ceil(SLOT_BITS) as usize;

/// The end of a list.
const NONE: u32 = u32::MAX;

/// Marks a place that names a slot, and not a series: numbers of series are
/// below it.
const SLOT: u32 = 1 << 31;

/// The timers of all series, by handle; one for each series at most.
pub(super) struct Timers {
    nodes: Vec<Node>,
    /// The first series of each slot, level by level.
    slots: [u32; LEVELS * SLOTS],
    /// Which slots of each level are not empty.
    occupied: [u64; LEVELS],
    /// Units up to which everything has fired.
    elapsed: u64,
    /// When the earliest fires.
    earliest_us: u64,
}

/// The timer of one series.
#[derive(Clone, Copy)]
struct Node {
    /// [`NEVER_US`] where it is not set; the links mean nothing then.
    due_us: u64,
    /// The series before it in its slot, or the slot.
    before: u32,
    after: u32,
}

impl Node {
    const UNSET: Self = Self {
        due_us: NEVER_US,
        before: NONE,
        after: NONE,
    };
}

impl Default for Timers {
    fn default() -> Self {
        Self {
            nodes: Vec::new(),
            slots: [NONE; LEVELS * SLOTS],
            occupied: [0; LEVELS],
            elapsed: 0,
            earliest_us: NEVER_US,
        }
    }
}

impl Timers {
    /// Makes room for a series.
    pub(super) fn adopt(&mut self, handle: u32) {
        lengthen(&mut self.nodes, handle as usize + 1, || Node::UNSET);
    }

    /// When the timer of a series fires; [`NEVER_US`] if it is not set.
    #[inline]
    pub(super) fn due_us(&self, handle: u32) -> u64 {
        self.nodes[handle as usize].due_us
    }

    /// When the earliest fires.
    pub(super) fn earliest_us(&self) -> Option<u64> {
        (self.earliest_us != NEVER_US).then_some(self.earliest_us)
    }

    /// Sets the timer of a series in place of the one it had; [`NEVER_US`] for
    /// none.
    pub(super) fn set(&mut self, handle: u32, due_us: u64) {
        let had_us = self.due_us(handle);
        if had_us != NEVER_US {
            self.unlink(handle);
        }
        if due_us != NEVER_US {
            self.link(handle, due_us);
        }
        if due_us <= self.earliest_us {
            self.earliest_us = due_us;
        } else if had_us == self.earliest_us {
            self.find_earliest();
        }
    }

    /// Takes the timers that are due, and lists their moments and series in
    /// order. A moment before one that was given earlier takes those due until
    /// then.
    pub(super) fn take_due(&mut self, now_us: u64, due: &mut Vec<(u64, u32)>) {
        if self.earliest_us > now_us {
            return;
        }
        // What is overdue waits in the present unit, even where time has fallen.
        let target = (now_us >> UNIT_BITS).max(self.elapsed);
        while let Some((level, slot, start)) = self.first_slot()
            && start <= target
        {
            self.elapsed = self.elapsed.max(start);
            let mut next = self.take_slot(level, slot);
            while next != NONE {
                let handle = next;
                let node = &mut self.nodes[handle as usize];
                let due_us = node.due_us;
                next = node.after;
                if due_us <= now_us {
                    *node = Node::UNSET;
                    due.push((due_us, handle));
                } else {
                    self.link(handle, due_us);
                }
            }
            if level == 0 && start == target {
                break;
            }
        }
        self.elapsed = target;
        self.find_earliest();
        due.sort_unstable();
    }

    /// Puts a series into the slot of a moment.
    fn link(&mut self, handle: u32, due_us: u64) {
        // What is overdue fires next.
        let unit = (due_us >> UNIT_BITS).max(self.elapsed);
        let differs = (unit ^ self.elapsed) | (SLOTS as u64 - 1);
        let level = (differs.ilog2() / SLOT_BITS) as usize;
        let slot = (unit >> (level as u32 * SLOT_BITS)) as usize % SLOTS;
        let place = level * SLOTS + slot;
        let first = core::mem::replace(&mut self.slots[place], handle);
        if first != NONE {
            self.nodes[first as usize].before = handle;
        }
        self.nodes[handle as usize] = Node {
            due_us,
            before: SLOT | place as u32,
            after: first,
        };
        self.occupied[level] |= 1 << slot;
    }

    /// Takes a series out of its slot.
    fn unlink(&mut self, handle: u32) {
        let Node { before, after, .. } =
            core::mem::replace(&mut self.nodes[handle as usize], Node::UNSET);
        if after != NONE {
            self.nodes[after as usize].before = before;
        }
        if before & SLOT == 0 {
            self.nodes[before as usize].after = after;
            return;
        }
        let place = (before & !SLOT) as usize;
        self.slots[place] = after;
        if after == NONE {
            self.occupied[place / SLOTS] &= !(1 << (place % SLOTS));
        }
    }

    /// Empties a slot; gives the first series of it.
    fn take_slot(&mut self, level: usize, slot: usize) -> u32 {
        self.occupied[level] &= !(1 << slot);
        core::mem::replace(&mut self.slots[level * SLOTS + slot], NONE)
    }

    /// The level, number and first unit of the earliest slot that is not empty.
    fn first_slot(&self) -> Option<(usize, usize, u64)> {
        let level = self.occupied.iter().position(|&slots| slots != 0)?;
        let slot = self.occupied[level].trailing_zeros();
        let shift = level as u32 * SLOT_BITS;
        // Whatever lies in a level differs from the present in no higher bits.
        let above = (self.elapsed >> shift) >> SLOT_BITS << SLOT_BITS;
        let start = (above | u64::from(slot)) << shift;
        Some((level, slot as usize, start))
    }

    fn find_earliest(&mut self) {
        self.earliest_us = NEVER_US;
        let Some((level, slot, _)) = self.first_slot() else {
            return;
        };
        let mut next = self.slots[level * SLOTS + slot];
        while next != NONE {
            let node = &self.nodes[next as usize];
            self.earliest_us = self.earliest_us.min(node.due_us);
            next = node.after;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    const HANDLES: u32 = 12;

    #[derive(Debug, Clone)]
    enum Step {
        Set(u32, u64),
        Unset(u32),
        /// Takes what is due when time has passed, or fallen back by some of 256
        /// parts of it.
        Take {
            passes_us: u64,
            back: u8,
        },
    }

    fn step() -> impl Strategy<Value = Step> {
        // From within one unit to years.
        let length_us =
            || (0_u32..52, any::<u64>()).prop_map(|(bits, any)| any & ((1 << bits) - 1));
        prop_oneof![
            6 => (0..HANDLES, length_us()).prop_map(|(handle, in_us)| Step::Set(handle, in_us)),
            1 => (0..HANDLES).prop_map(Step::Unset),
            3 => length_us().prop_map(|passes_us| Step::Take { passes_us, back: 0 }),
            1 => any::<u8>().prop_map(|back| Step::Take { passes_us: 0, back }),
        ]
    }

    proptest! {
        /// Against a table that is searched from end to end.
        #[test]
        fn every_timer_fires_once_and_in_order(steps in proptest::collection::vec(step(), 1..200)) {
            let mut timers = Timers::default();
            timers.adopt(HANDLES - 1);
            let mut table = vec![NEVER_US; HANDLES as usize];
            let mut now_us = 0;
            for step in steps {
                match step {
                    // Every fourth is overdue.
                    Step::Set(handle, in_us) => {
                        let due_us = if in_us % 4 == 0 { now_us / 2 } else { now_us + in_us };
                        timers.set(handle, due_us);
                        table[handle as usize] = due_us;
                    }
                    Step::Unset(handle) => {
                        timers.set(handle, NEVER_US);
                        table[handle as usize] = NEVER_US;
                    }
                    Step::Take { passes_us, back } => {
                        now_us += passes_us;
                        let at_us = now_us - now_us / 256 * u64::from(back);
                        let mut expected: Vec<_> = (0..)
                            .zip(&table)
                            .filter_map(|(handle, &due_us)| (due_us <= at_us).then_some((due_us, handle)))
                            .collect();
                        expected.sort_unstable();
                        let mut fired = Vec::new();
                        timers.take_due(at_us, &mut fired);
                        prop_assert_eq!(&fired, &expected);
                        for (_, handle) in fired {
                            table[handle as usize] = NEVER_US;
                        }
                    }
                }
                let earliest = table.iter().copied().min().filter(|&due_us| due_us != NEVER_US);
                prop_assert_eq!(timers.earliest_us(), earliest);
                for (handle, &due_us) in (0..).zip(&table) {
                    prop_assert_eq!(timers.due_us(handle), due_us);
                }
            }
        }
    }
}
