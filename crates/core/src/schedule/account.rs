//! An account of calls that is never overdrawn.
//!
//! It knows at which date its day ends, and counts from zero only when that is
//! reached: neither another time of the reset, which moves just the end, nor a
//! clock that was put back over a restart gives calls back that were made.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::budget::{Budget, MOST_PER_MINUTE};
use super::forecast::DAY_US;
use crate::time::Now;

const MINUTE_US: u64 = 60_000_000;

/// Who asks for a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spender {
    /// The plan, or a caller that can wait.
    Planned,
    /// A caller that may use the reserve.
    Urgent,
}

/// Calls by who asked for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Calls {
    pub(super) planned: u32,
    pub(super) urgent: u32,
}

impl Calls {
    pub(super) fn all(self) -> u32 {
        self.planned.saturating_add(self.urgent)
    }

    fn count(&mut self, spender: Spender) -> &mut u32 {
        match spender {
            Spender::Planned => &mut self.planned,
            Spender::Urgent => &mut self.urgent,
        }
    }

    /// How many more calls are left of `limit`.
    fn left(self, spender: Spender, limit: u32, reserved: u32) -> u32 {
        let taken = match spender {
            Spender::Planned => self.planned.saturating_add(self.urgent.max(reserved)),
            Spender::Urgent => self.all(),
        };
        limit.saturating_sub(taken)
    }
}

/// The day that calls are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Day {
    /// The one that ends at this date.
    Until(i64),
    /// The one of this number since the epoch: all that is known from a former
    /// snapshot, until the budget says when its days end.
    Numbered(i64),
}

impl Default for Day {
    /// One that is long over.
    fn default() -> Self {
        Self::Until(i64::MIN)
    }
}

impl Day {
    /// When it ends by a budget that may have changed since.
    fn ends_us(self, now: Now, budget: &Budget) -> i64 {
        let ends_us = match self {
            Self::Until(ends_us) => ends_us,
            Self::Numbered(day) => budget.end_of_day_us(day),
        };
        let began_us = ends_us.saturating_sub(DAY_US);
        if now.dated_us >= ends_us {
            ends_us
        } else if began_us > now.dated_us.saturating_add(DAY_US) {
            // The clock was a day and more ahead once: then it was wrong, and the
            // end is not to be waited for.
            budget.next_reset_us(now.dated_us)
        } else {
            // A clock that is behind its beginning would come upon it again.
            budget.next_reset_us(now.dated_us.max(began_us))
        }
    }
}

/// Calls made, as a snapshot holds them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Usage {
    pub(super) day: Day,
    pub(super) today: Calls,
    /// Dates of the calls of the last minute, and whether they were urgent.
    pub(super) minute: Vec<(i64, bool)>,
}

impl Usage {
    /// Whether an account can have written this.
    pub(super) fn is_well_formed(&self) -> bool {
        self.minute.len() <= MOST_PER_MINUTE as usize
            && self.minute.is_sorted_by_key(|(dated_us, _)| *dated_us)
    }
}

/// The calls of one group. The monotonic time of its methods never falls.
#[derive(Debug, Default)]
pub(super) struct Account {
    day: Day,
    today: Calls,
    /// Calls of the last minute, oldest first.
    recent: VecDeque<(u64, Spender)>,
    minute: Calls,
}

impl Account {
    /// Goes on from what was spent before a restart.
    pub(super) fn restore(now: Now, usage: &Usage) -> Self {
        let mut account = Self {
            day: usage.day,
            today: usage.today,
            ..Self::default()
        };
        for &(dated_us, urgent) in &usage.minute {
            let age_us = now.dated_us.saturating_sub(dated_us).max(0);
            // A call from before the host's start counts from it.
            let mono_us = now.mono_us.saturating_sub(age_us.unsigned_abs());
            let spender = if urgent {
                Spender::Urgent
            } else {
                Spender::Planned
            };
            if age_us.unsigned_abs() < MINUTE_US {
                account.recent.push_back((mono_us, spender));
                *account.minute.count(spender) += 1;
            }
        }
        account
    }

    pub(super) fn usage(&self, now: Now) -> Usage {
        let recent = self.recent.iter();
        let minute = recent
            .map(|&(mono_us, spender)| {
                let age_us = now.mono_us.saturating_sub(mono_us);
                let dated_us = now.dated_us.saturating_sub_unsigned(age_us);
                (dated_us, spender == Spender::Urgent)
            })
            .collect();
        Usage {
            day: self.day,
            today: self.today,
            minute,
        }
    }

    /// Whether nothing in it bounds a call any more.
    pub(super) fn is_over(&self, now: Now) -> bool {
        let ends_us = match self.day {
            Day::Until(ends_us) => ends_us,
            // At any time of the reset.
            Day::Numbered(day) => day.saturating_add(2).saturating_mul(DAY_US),
        };
        let last_us = self
            .recent
            .back()
            .map_or(0, |&(at_us, _)| at_us + MINUTE_US);
        now.dated_us >= ends_us && now.mono_us >= last_us
    }

    /// Begins a new day and forgets the minute before, where it is time to.
    pub(super) fn pass(&mut self, now: Now, budget: &Budget) {
        let mut ends_us = self.day.ends_us(now, budget);
        if now.dated_us >= ends_us {
            ends_us = budget.next_reset_us(now.dated_us);
            self.today = Calls::default();
        }
        self.day = Day::Until(ends_us);
        while let Some(&(at_us, spender)) = self.recent.front()
            && now.mono_us >= at_us + MINUTE_US
        {
            self.recent.pop_front();
            *self.minute.count(spender) -= 1;
        }
    }

    /// The monotonic time of the next reset. To be called after
    /// [`Account::pass`].
    pub(super) fn resets_us(&self, now: Now, budget: &Budget) -> u64 {
        let until_us = self.day.ends_us(now, budget).saturating_sub(now.dated_us);
        now.mono_us.saturating_add(until_us.max(0).unsigned_abs())
    }

    /// From when on the budget allows a call, if none is made before; 0 where it
    /// does already. To be called after [`Account::pass`].
    pub(super) fn free_us(&self, now: Now, budget: &Budget, spender: Spender) -> u64 {
        let mut free_us = 0;
        if self.left_today(budget, spender) == Some(0) {
            free_us = self.resets_us(now, budget);
        }
        let Some(limit) = budget.per_minute else {
            return free_us;
        };
        let (mut minute, reserved) = (self.minute, budget.reserved(limit));
        for &(at_us, past) in &self.recent {
            if minute.left(spender, limit, reserved) > 0 {
                break;
            }
            *minute.count(past) -= 1;
            free_us = free_us.max(at_us + MINUTE_US);
        }
        free_us
    }

    /// Counts a call that [`Account::free_us`] allows.
    pub(super) fn take(&mut self, now: Now, budget: &Budget, spender: Spender) {
        let today = self.today.count(spender);
        *today = today.saturating_add(1);
        if budget.per_minute.is_some() {
            self.recent.push_back((now.mono_us, spender));
            *self.minute.count(spender) += 1;
        }
    }

    /// Calls since the last reset.
    pub(super) fn today(&self) -> Calls {
        self.today
    }

    /// Calls of the last minute.
    pub(super) fn minute(&self) -> Calls {
        self.minute
    }

    /// Calls left until the reset.
    pub(super) fn left_today(&self, budget: &Budget, spender: Spender) -> Option<u32> {
        let limit = budget.per_day?;
        Some(self.today.left(spender, limit, budget.reserved(limit)))
    }
}
