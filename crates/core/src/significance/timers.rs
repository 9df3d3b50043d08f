//! When series ask to be looked at, earliest first.
//!
//! A series may have several timers here; the one that counts is noted with the
//! series, and the others are void. One that fires before it is due is set
//! again, which keeps the cost of a reading independent of its timers.

use alloc::collections::BinaryHeap;
use alloc::collections::binary_heap::PeekMut;
use core::cmp::Reverse;

use crate::time::NEVER_US;

/// Most timers per series, void ones included. A settling series with a distant
/// heartbeat leaves one behind each time it settles.
const MOST_PER_SERIES: usize = 2;

/// The timers of all series.
#[derive(Default)]
pub(super) struct Timers(BinaryHeap<Reverse<Timer>>);

/// A moment in the higher 64 bits, and the handle of a series below: one number,
/// because a heap does little but compare.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Timer(u128);

impl Timer {
    fn new(due_us: u64, handle: u32) -> Self {
        Self(u128::from(due_us) << 64 | u128::from(handle))
    }

    fn due_us(self) -> u64 {
        (self.0 >> 64) as u64
    }

    fn handle(self) -> u32 {
        self.0 as u32
    }
}

impl Timers {
    /// Those of series by handle; [`NEVER_US`] for one that has none.
    pub(super) fn of(timers: impl Iterator<Item = (u32, u64)>) -> Self {
        let timers = timers.filter(|&(_, due_us)| due_us != NEVER_US);
        Self(
            timers
                .map(|(handle, due_us)| Reverse(Timer::new(due_us, handle)))
                .collect(),
        )
    }

    pub(super) fn push(&mut self, due_us: u64, handle: u32) {
        self.0.push(Reverse(Timer::new(due_us, handle)));
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// How many there are, void ones included.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// When the earliest fires.
    pub(super) fn earliest_us(&self) -> Option<u64> {
        self.0.peek().map(|Reverse(timer)| timer.due_us())
    }

    /// Whether so many series cannot need as many.
    pub(super) fn are_mostly_void(&self, series: usize) -> bool {
        self.len() > MOST_PER_SERIES * series
    }

    /// Tells those that are due, in order, each of which may be set again.
    pub(super) fn fire(&mut self, now_us: u64, mut due: impl FnMut(u64, u32) -> Option<u64>) {
        while let Some(mut earliest) = self.0.peek_mut()
            && earliest.0.due_us() <= now_us
        {
            let handle = earliest.0.handle();
            match due(earliest.0.due_us(), handle) {
                // In its place, which is cheaper than to take one and add one.
                Some(next_us) => earliest.0 = Timer::new(next_us, handle),
                None => {
                    PeekMut::pop(earliest);
                }
            }
        }
    }
}
