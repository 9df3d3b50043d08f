//! One client: which rows wait for it, which are ready, and what it was given.
//!
//! A row has a slot only while there is something to remember of it: it waits,
//! its interval runs, or a change of it was suppressed. Of every other row the
//! client knows what was offered last. So a client that gets every change costs
//! nothing for each row, and one with a deadband costs 35 to 70 bytes for each
//! number that wanders within it.
//!
//! The interval is one for all rows of a client, so that the ends of intervals
//! come in the order of deliveries: a queue tells them, and no heap.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::profile::{Profile, differs};
use super::{Scope, Taken, Totals, Values};
use crate::sort::sort;
use crate::time::NEVER_US;

/// What is remembered of a row.
#[derive(Debug, Clone, Copy)]
struct Slot {
    /// The number given last, where `HELD`.
    given: f64,
    /// When the interval ends, where `COOLING`.
    cool_us: u64,
    /// Changes that wait as one.
    changes: u32,
    flags: u8,
}

/// A change waits.
const WAITING: u8 = 1;
/// A removal waits; a change that waits, too, came after it.
const REMOVED: u8 = 2;
/// The row stands in the queue of what is ready.
const READY: u8 = 4;
/// It was given lately, and stands in the queue of intervals.
const COOLING: u8 = 8;
/// A change was suppressed: the client has `given`, not what was offered last.
const HELD: u8 = 16;
/// A change was dropped: it is not known what the client has.
const UNKNOWN: u8 = 32;

/// Rows for which a client with nothing to remember keeps room.
const KEPT_ROOM: usize = 64;

impl Slot {
    const EMPTY: Self = Self {
        given: 0.0,
        cool_us: 0,
        changes: 0,
        flags: 0,
    };

    fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    fn set(&mut self, flag: u8) {
        self.flags |= flag;
    }

    fn clear(&mut self, flags: u8) {
        self.flags &= !flags;
    }

    /// How many things wait.
    fn waiting(&self) -> u32 {
        (self.flags & (WAITING | REMOVED)).count_ones()
    }
}

#[derive(Debug)]
pub(super) struct Client {
    profile: Profile,
    pub(super) scope: Scope,
    slots: HashMap<u32, Slot, FixedState>,
    /// Rows whose interval runs, in the order in which it ends.
    cooling: VecDeque<u32>,
    /// Rows to be taken.
    ready: VecDeque<u32>,
    /// Changes and removals that wait.
    waiting: u32,
    /// No row that waits has its interval end earlier.
    cool_from_us: u64,
    /// When suppressed rows become ready.
    stale_from_us: u64,
    /// Up to when time has passed here.
    passed_us: u64,
    /// Whether the host was told of what is ready.
    pub(super) named: bool,
    /// Rows dropped since the last time something was taken.
    dropped: u32,
    totals: Totals,
}

impl Client {
    pub(super) fn new(profile: Profile, scope: Scope) -> Self {
        Self {
            profile,
            scope,
            slots: HashMap::default(),
            cooling: VecDeque::new(),
            ready: VecDeque::new(),
            waiting: 0,
            cool_from_us: NEVER_US,
            stale_from_us: NEVER_US,
            passed_us: 0,
            named: false,
            dropped: 0,
            totals: Totals::default(),
        }
    }

    pub(super) fn is_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// When time next makes something ready; [`NEVER_US`] if it does not.
    pub(super) fn deadline_us(&self) -> u64 {
        self.cool_from_us.min(self.stale_from_us)
    }

    pub(super) fn totals(&self) -> Totals {
        Totals {
            waiting: u64::from(self.waiting),
            ..self.totals
        }
    }

    /// What became of changes once the client is closed.
    pub(super) fn close(mut self) -> Totals {
        self.totals.withdrawn += u64::from(self.waiting);
        self.totals
    }

    /// A row was `before`, unless it was not there, and is `after`.
    pub(super) fn offer(&mut self, now_us: u64, row: u32, before: Option<&Values>, after: &Values) {
        self.pass(now_us);
        self.totals.offered += 1;
        let slot = self.slots.get_mut(&row);
        let (mut base, mut matters) = (before.map_or(f64::NAN, |it| it.number), before.is_none());
        if let Some(slot) = slot {
            if slot.has(WAITING) {
                slot.changes = slot.changes.saturating_add(1);
                self.totals.merged += 1;
                return;
            }
            if slot.has(HELD) {
                base = slot.given;
            }
            matters |= slot.has(UNKNOWN);
        }
        matters |= before.is_none_or(|before| self.profile.matters(base, before, after));
        if matters {
            self.wait(row, WAITING);
        } else {
            self.totals.suppressed += 1;
            self.suppress(now_us, row, base, after.number);
        }
    }

    /// Notes that the client has `base` of a row whose number is `number`.
    fn suppress(&mut self, now_us: u64, row: u32, base: f64, number: f64) {
        // Of what is no number at most the attributes differ, and these do not
        // matter to the client.
        if !(base.is_finite() && number.is_finite()) {
            return;
        }
        if differs(base, number) {
            let slot = self.slots.entry(row).or_insert(Slot::EMPTY);
            slot.given = base;
            slot.set(HELD);
            if self.stale_from_us == NEVER_US {
                self.stale_from_us = now_us.saturating_add(self.profile.max_stale_us);
            }
        } else {
            self.clear(row, HELD);
        }
    }

    /// A row is gone.
    pub(super) fn remove(&mut self, now_us: u64, row: u32) {
        self.pass(now_us);
        self.totals.offered += 1;
        if let Some(slot) = self.slots.get_mut(&row) {
            if slot.has(WAITING) {
                self.waiting -= 1;
                self.totals.withdrawn += 1;
                slot.changes = 0;
            }
            slot.clear(WAITING | HELD | UNKNOWN);
            if slot.has(REMOVED) {
                self.totals.merged += 1;
                return;
            }
        }
        self.wait(row, REMOVED);
    }

    /// Makes a row wait that may not have changed.
    pub(super) fn mark(&mut self, now_us: u64, row: u32, is_there: bool) {
        self.pass(now_us);
        let what = if is_there { WAITING } else { REMOVED };
        if self.slots.get(&row).is_none_or(|slot| !slot.has(what)) {
            self.totals.offered += 1;
            self.wait(row, what);
        }
    }

    /// Makes a change or a removal of a row wait, none of which does.
    fn wait(&mut self, row: u32, what: u8) {
        if self.waiting >= self.profile.capacity {
            let oldest = self.ready.pop_front();
            self.drop_row(oldest.unwrap_or(row));
            if oldest.is_none() {
                self.totals.dropped += 1;
                self.dropped = self.dropped.saturating_add(1);
                return;
            }
        }
        self.waiting += 1;
        let slot = self.slots.entry(row).or_insert(Slot::EMPTY);
        slot.set(what);
        if what == WAITING {
            slot.changes = 1;
        }
        if what == WAITING && slot.has(COOLING) {
            self.cool_from_us = self.cool_from_us.min(slot.cool_us);
        } else if !slot.has(READY) {
            slot.set(READY);
            self.ready.push_back(row);
        }
    }

    /// Takes away what waits of a row, and forgets what the client has of it.
    fn drop_row(&mut self, row: u32) {
        let slot = self.slots.entry(row).or_insert(Slot::EMPTY);
        let waiting = slot.waiting();
        slot.clear(WAITING | REMOVED | READY | HELD);
        slot.set(UNKNOWN);
        slot.changes = 0;
        self.waiting -= waiting;
        self.totals.dropped += u64::from(waiting);
        self.dropped = self.dropped.saturating_add(waiting);
    }

    /// Lets time pass.
    pub(super) fn pass(&mut self, now_us: u64) {
        if now_us <= self.passed_us {
            return;
        }
        self.passed_us = now_us;
        while let Some(&row) = self.cooling.front() {
            if let Some(slot) = self.slots.get_mut(&row) {
                if slot.cool_us > now_us {
                    break;
                }
                if slot.has(WAITING) && !slot.has(READY) {
                    slot.set(READY);
                    self.ready.push_back(row);
                }
            }
            self.cooling.pop_front();
            self.clear(row, COOLING);
        }
        if self.cool_from_us <= now_us {
            let slots = self.cooling.iter().filter_map(|row| self.slots.get(row));
            let mut waiting = slots.filter(|slot| slot.has(WAITING));
            self.cool_from_us = waiting.next().map_or(NEVER_US, |slot| slot.cool_us);
        }
        if self.stale_from_us <= now_us {
            self.give_held();
        }
    }

    /// Makes every row wait that is not what the client was given.
    fn give_held(&mut self) {
        self.stale_from_us = NEVER_US;
        let held = self.slots.iter();
        let held = held.filter(|(_, slot)| slot.has(HELD) && !slot.has(WAITING));
        let mut held: Vec<u32> = held.map(|(&row, _)| row).collect();
        // The order in a table is no order to show.
        sort(&mut held);
        for row in held {
            self.totals.offered += 1;
            self.wait(row, WAITING);
        }
    }

    /// Makes everything ready that waits for time.
    pub(super) fn flush(&mut self) {
        self.give_held();
        self.cool_from_us = NEVER_US;
        while let Some(row) = self.cooling.pop_front() {
            if let Some(slot) = self.slots.get_mut(&row)
                && slot.has(WAITING)
                && !slot.has(READY)
            {
                slot.set(READY);
                self.ready.push_back(row);
            }
            self.clear(row, COOLING);
        }
    }

    pub(super) fn take(&mut self, now_us: u64, most: u32) -> Taken {
        self.pass(now_us);
        let mut taken = Taken {
            dropped: core::mem::take(&mut self.dropped),
            ..Taken::default()
        };
        while taken.rows.len() < most as usize
            && let Some(&row) = self.ready.front()
        {
            let Some(slot) = self.slots.get_mut(&row) else {
                self.ready.pop_front();
                continue;
            };
            taken.rows.push(row);
            self.waiting -= 1;
            self.totals.given += 1;
            if slot.has(REMOVED) {
                taken.changes.push(0);
                slot.clear(REMOVED);
                // What came after it keeps its place, unless it has to wait.
                if !slot.has(WAITING) || slot.has(COOLING) {
                    self.ready.pop_front();
                    self.clear(row, READY);
                }
                continue;
            }
            taken.changes.push(slot.changes);
            slot.changes = 0;
            self.ready.pop_front();
            if self.profile.interval_us > 0 {
                slot.set(COOLING);
                slot.cool_us = now_us + self.profile.interval_us;
                self.cooling.push_back(row);
            }
            self.clear(row, WAITING | READY | HELD | UNKNOWN);
        }
        taken.left = self.ready.len() as u32;
        taken.waiting = self.waiting;
        // A burst, such as all rows at once, leaves no room behind.
        if self.slots.is_empty() && self.slots.capacity() > KEPT_ROOM {
            self.slots.shrink_to(0);
            self.ready.shrink_to(0);
        }
        self.named &= self.is_ready();
        taken
    }

    /// The client was told everything by other means.
    pub(super) fn mark_synchronized(&mut self) {
        self.totals.withdrawn += u64::from(self.waiting);
        self.waiting = 0;
        self.dropped = 0;
        self.cool_from_us = NEVER_US;
        self.stale_from_us = NEVER_US;
        self.ready.clear();
        self.named = false;
        self.slots.retain(|_, slot| {
            slot.clear(!COOLING);
            slot.changes = 0;
            slot.has(COOLING)
        });
    }

    /// The client begins to follow a row, and counts as knowing it.
    pub(super) fn join(&mut self, row: u32) {
        self.clear(row, UNKNOWN);
    }

    /// Takes marks off a row, and its slot away if that leaves nothing.
    fn clear(&mut self, row: u32, flags: u8) {
        if let Some(slot) = self.slots.get_mut(&row) {
            slot.clear(flags);
            if slot.flags == 0 {
                self.slots.remove(&row);
            }
        }
    }
}
