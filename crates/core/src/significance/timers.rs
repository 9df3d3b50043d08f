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

    /// Sets the timer of a series if that is sooner than it is set; gives when it
    /// fires then. One that fires before it is due is set again, which keeps the
    /// cost of a reading independent of its timer.
    #[inline]
    pub(super) fn set_sooner(&mut self, handle: u32, due_us: u64) -> u64 {
        let set_us = self.due_us(handle);
        if due_us >= set_us {
            return set_us;
        }
        self.set(handle, due_us);
        due_us
    }

    /// Takes the timers that are due, and lists their moments and series in
    /// order. A moment before one that was given earlier takes those due until
    /// then.
    ///
    /// `asked` says for which moment a timer that comes near would be set now,
    /// which is not before the one that it is set for. So most timers that were
    /// overtaken move on from a high level, and never fire.
    pub(super) fn take_due(
        &mut self,
        now_us: u64,
        due: &mut Vec<(u64, u32)>,
        mut asked: impl FnMut(u32) -> u64,
    ) {
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
                next = node.after;
                let due_us = asked(handle);
                if due_us <= now_us {
                    due.push((due_us, handle));
                }
                if due_us <= now_us || due_us == NEVER_US {
                    *node = Node::UNSET;
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
    #[inline]
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
        /// Has it asked for later, or not at all, without setting it.
        Overtake(u32, Option<u64>),
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
            2 => (0..HANDLES, proptest::option::weighted(0.9, length_us()))
                .prop_map(|(handle, by_us)| Step::Overtake(handle, by_us)),
            3 => length_us().prop_map(|passes_us| Step::Take { passes_us, back: 0 }),
            1 => any::<u8>().prop_map(|back| Step::Take { passes_us: 0, back }),
        ]
    }

    proptest! {
        /// Against a table that is searched from end to end.
        #[test]
        fn every_timer_fires_once_in_order_and_when_it_is_asked_for(steps in proptest::collection::vec(step(), 1..200)) {
            let mut timers = Timers::default();
            timers.adopt(HANDLES - 1);
            // For when each is set, and for when it would be set now.
            let mut set = vec![NEVER_US; HANDLES as usize];
            let mut asked = set.clone();
            let mut now_us = 0;
            for step in steps {
                match step {
                    // Every fourth is overdue.
                    Step::Set(handle, in_us) => {
                        let due_us = if in_us % 4 == 0 { now_us / 2 } else { now_us + in_us };
                        timers.set(handle, due_us);
                        set[handle as usize] = due_us;
                        asked[handle as usize] = due_us;
                    }
                    Step::Unset(handle) => {
                        timers.set(handle, NEVER_US);
                        set[handle as usize] = NEVER_US;
                        asked[handle as usize] = NEVER_US;
                    }
                    Step::Overtake(handle, by_us) => {
                        let asked = &mut asked[handle as usize];
                        *asked = by_us.map_or(NEVER_US, |by_us| asked.saturating_add(by_us));
                    }
                    Step::Take { passes_us, back } => {
                        now_us += passes_us;
                        let at_us = now_us - now_us / 256 * u64::from(back);
                        let mut expected: Vec<_> = (0..)
                            .zip(&asked)
                            .filter_map(|(handle, &due_us)| (due_us <= at_us).then_some((due_us, handle)))
                            .collect();
                        expected.sort_unstable();
                        let mut fired = Vec::new();
                        timers.take_due(at_us, &mut fired, |handle| asked[handle as usize]);
                        prop_assert_eq!(&fired, &expected);
                        for (_, handle) in fired {
                            set[handle as usize] = NEVER_US;
                            asked[handle as usize] = NEVER_US;
                        }
                        for (handle, (set, &asked)) in (0..).zip(set.iter_mut().zip(&asked)) {
                            let due_us = timers.due_us(handle);
                            prop_assert!(due_us == asked || due_us == *set && due_us > at_us);
                            *set = due_us;
                        }
                    }
                }
                let earliest = set.iter().copied().min().filter(|&due_us| due_us != NEVER_US);
                prop_assert_eq!(timers.earliest_us(), earliest);
                for (handle, &due_us) in (0..).zip(&set) {
                    prop_assert_eq!(timers.due_us(handle), due_us);
                }
            }
        }
    }
}
