//! Budgets of calls: how many in a minute and in a day, what is kept back, and
//! an account that is never overdrawn.
//!
//! - **Minute**: any span of 60 s, open at its start. No such span holds more
//!   calls than allowed.
//! - **Day**: from one reset to the next, at a fixed time of the day in UTC, on
//!   the clock that was anchored when the host started.
//! - **Reserve**: the share of both that planned calls leave to urgent ones.
//!   Urgent calls use the reserve first, then what is left of the rest.
//!
//! When and on whom calls are spent is decided elsewhere.

use alloc::collections::VecDeque;
use alloc::format;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::forecast::DAY_US;
use crate::Error;
use crate::time::Now;

const MINUTE_US: u64 = 60_000_000;
const DAY_MINUTES: u32 = 24 * 60;

/// Most calls a minute: a hundred a second, more than any source takes.
const MOST_PER_MINUTE: u32 = 6_000;
/// Most calls a day: all minutes at that.
const MOST_PER_DAY: u32 = MOST_PER_MINUTE * DAY_MINUTES;
/// Most that is kept back.
const MOST_RESERVE: f64 = 0.9;

/// The hours in which staleness counts less.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Night {
    /// Its start, in minutes after midnight UTC, under 1,440.
    pub from_minute: u32,
    /// Its end, likewise and different; before the start where it spans midnight.
    pub to_minute: u32,
    /// What staleness counts against that by day, 0 to 1. At 0 only the longest
    /// intervals are kept.
    pub weight: f64,
}

/// How many calls a group may make.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Budget {
    /// Most calls in any 60 s, 1 to 6,000.
    pub per_minute: Option<u32>,
    /// Most calls from one reset to the next, 1 to 8,640,000.
    pub per_day: Option<u32>,
    /// The share of both kept back for urgent calls, 0 to 0.9; rounded down to
    /// whole calls.
    pub reserve: f64,
    /// When a day begins, in minutes after midnight UTC, under 1,440.
    pub reset_minute: u32,
    /// Hours that count less.
    pub night: Option<Night>,
}

impl Budget {
    /// Refuses what is out of range; at least one of the two bounds is required.
    pub(super) fn check(&self) -> Result<(), Error> {
        let refuse = |text| Err(Error::InvalidArgument(text));
        for (name, calls, most) in [
            ("per-minute", self.per_minute, MOST_PER_MINUTE),
            ("per-day", self.per_day, MOST_PER_DAY),
        ] {
            if let Some(calls) = calls
                && !(1..=most).contains(&calls)
            {
                return refuse(format!("{name} must be 1 to {most} calls, not {calls}"));
            }
        }
        if self.per_minute.is_none() && self.per_day.is_none() {
            return refuse("a budget needs per-minute, per-day or both".into());
        }
        if !(0.0..=MOST_RESERVE).contains(&self.reserve) {
            let reserve = self.reserve;
            return refuse(format!(
                "reserve must be 0 to {MOST_RESERVE}, not {reserve}"
            ));
        }
        check_minute("reset", self.reset_minute)?;
        let Some(night) = self.night else {
            return Ok(());
        };
        check_minute("the night's start", night.from_minute)?;
        check_minute("the night's end", night.to_minute)?;
        if night.from_minute == night.to_minute {
            return refuse("the night's start and end must differ".into());
        }
        if !(0.0..=1.0).contains(&night.weight) {
            let weight = night.weight;
            return refuse(format!("the night's weight must be 0 to 1, not {weight}"));
        }
        Ok(())
    }

    /// What staleness counts at a date.
    pub(super) fn weight_at(&self, dated_us: i64) -> f64 {
        let minute = (dated_us.rem_euclid(DAY_US) / 60_000_000) as u32;
        match self.night {
            Some(Night {
                from_minute: from,
                to_minute: to,
                weight,
            }) if (from < to && (from..to).contains(&minute))
                || (from > to && !(to..from).contains(&minute)) =>
            {
                weight
            }
            _ => 1.0,
        }
    }

    /// Calls that are kept back of so many.
    fn reserved(&self, calls: u32) -> u32 {
        // A decimal share is mostly a little less in binary, and 100 times 0.29
        // below 29: one part in 2^52 at most is lost, and given back.
        const GIVEN_BACK: f64 = 1.0 + 2.0 * f64::EPSILON;
        (f64::from(calls) * self.reserve * GIVEN_BACK) as u32
    }

    /// Calls a minute that planned calls may use.
    pub(super) fn planned_per_minute(&self) -> Option<u32> {
        self.per_minute.map(|calls| calls - self.reserved(calls))
    }

    /// Calls a day that planned calls may use.
    pub(super) fn planned_per_day(&self) -> Option<u32> {
        self.per_day.map(|calls| calls - self.reserved(calls))
    }

    /// The number of the budget's day that a date is in, and when it ends.
    fn day_of(&self, dated_us: i64) -> (i64, i64) {
        let reset_us = i64::from(self.reset_minute) * 60_000_000;
        let day = dated_us.saturating_sub(reset_us).div_euclid(DAY_US);
        let end_us = (day + 1).saturating_mul(DAY_US).saturating_add(reset_us);
        (day, end_us)
    }

    /// The monotonic time of the next reset.
    pub(super) fn resets_us(&self, now: Now) -> u64 {
        let (_, end_us) = self.day_of(now.dated_us);
        let until_us = end_us.saturating_sub(now.dated_us).max(0).unsigned_abs();
        now.mono_us.saturating_add(until_us)
    }
}

fn check_minute(name: &str, minute: u32) -> Result<(), Error> {
    if minute < DAY_MINUTES {
        return Ok(());
    }
    Err(Error::InvalidArgument(format!(
        "{name} must be under {DAY_MINUTES} minutes after midnight, not {minute}"
    )))
}

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

/// Calls made, as a snapshot holds them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Usage {
    /// The number of the budget's day.
    day: i64,
    today: Calls,
    /// Dates of the calls of the last minute, and whether they were urgent.
    minute: Vec<(i64, bool)>,
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
    day: i64,
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

    /// Begins a new day and forgets the minute before, where it is time to.
    pub(super) fn pass(&mut self, now: Now, budget: &Budget) {
        let (day, _) = budget.day_of(now.dated_us);
        if day != self.day {
            self.day = day;
            self.today = Calls::default();
        }
        while let Some(&(at_us, spender)) = self.recent.front()
            && now.mono_us >= at_us + MINUTE_US
        {
            self.recent.pop_front();
            *self.minute.count(spender) -= 1;
        }
    }

    /// From when on the budget allows a call, if none is made before; 0 where it
    /// does already. To be called after [`Account::pass`].
    pub(super) fn free_us(&self, now: Now, budget: &Budget, spender: Spender) -> u64 {
        let mut free_us = 0;
        if self.left_today(budget, spender) == Some(0) {
            free_us = budget.resets_us(now);
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
        *self.today.count(spender) += 1;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(per_day: u32, reserve: f64) -> Budget {
        Budget {
            per_minute: None,
            per_day: Some(per_day),
            reserve,
            reset_minute: 0,
            night: None,
        }
    }

    #[test]
    fn a_reserve_is_rounded_down_as_the_decimal_it_is_written_as() {
        for (calls, reserve, kept) in [
            (100, 0.29, 29),
            (100, 0.299, 29),
            (100, 0.289_999_999, 28),
            (50, 0.58, 29),
            (3, 0.9, 2),
            (1, 0.9, 0),
            (8_640_000, 0.57, 4_924_800),
            (8_640_000, 0.569_999_999, 4_924_799),
        ] {
            let planned = budget(calls, reserve).planned_per_day();
            assert_eq!(planned, Some(calls - kept), "{calls} at {reserve}");
        }
        for calls in (1..3_000).chain([6_000, 99_999, MOST_PER_DAY]) {
            for thousandths in 0..=900_u32 {
                let reserve = f64::from(thousandths) / 1000.0;
                let kept = u64::from(calls) * u64::from(thousandths) / 1000;
                let planned = budget(calls, reserve).planned_per_day();
                assert_eq!(planned.map(u64::from), Some(u64::from(calls) - kept));
            }
        }
    }
}
