//! Budgets of calls: how many in a minute and in a day, and what is kept back.
//!
//! - **Minute**: any span of 60 s, open at its start. No such span holds more
//!   calls than allowed.
//! - **Day**: from one reset to the next, at a fixed time of the day in UTC, on
//!   the clock that was anchored when the host started.
//! - **Reserve**: the share of both that planned calls leave to urgent ones.
//!   Urgent calls use the reserve first, then what is left of the rest.
//!
//! What was spent of it is in `account`. When and on whom calls are spent is
//! decided elsewhere.

use alloc::format;

use super::forecast::DAY_US;
use crate::Error;

const DAY_MINUTES: u32 = 24 * 60;

/// Most calls a minute: a hundred a second, more than any source takes.
pub(super) const MOST_PER_MINUTE: u32 = 6_000;
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
    pub(super) fn reserved(&self, calls: u32) -> u32 {
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

    /// The date of the first reset after a date.
    pub(super) fn next_reset_us(&self, dated_us: i64) -> i64 {
        let day = dated_us.saturating_sub(self.reset_us()).div_euclid(DAY_US);
        self.end_of_day_us(day)
    }

    /// The date at which a day ends, by its number since the epoch.
    pub(super) fn end_of_day_us(&self, day: i64) -> i64 {
        let midnight_us = day.saturating_add(1).saturating_mul(DAY_US);
        midnight_us.saturating_add(self.reset_us())
    }

    fn reset_us(&self) -> i64 {
        i64::from(self.reset_minute) * 60_000_000
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
