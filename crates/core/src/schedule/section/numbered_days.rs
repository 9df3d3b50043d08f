//! The section as it was when an account knew its day by a number. That depends
//! on the time of the reset, which is a setting, so a number is read as such.

use alloc::string::String;
use alloc::vec::Vec;

use serde::Deserialize;

use super::Content;
use crate::schedule::Rates;
use crate::schedule::account::{Calls, Day, Usage};

#[derive(Deserialize)]
struct Former {
    rates: Vec<(u32, Rates)>,
    spent: Vec<(String, Numbered)>,
}

#[derive(Deserialize)]
struct Numbered {
    day: i64,
    today: Calls,
    minute: Vec<(i64, bool)>,
}

pub(super) fn decode(bytes: &[u8]) -> postcard::Result<(Content, &[u8])> {
    let (Former { rates, spent }, rest) = postcard::take_from_bytes(bytes)?;
    let spent = spent.into_iter().map(|(name, numbered)| {
        let usage = Usage {
            day: Day::Numbered(numbered.day),
            today: numbered.today,
            minute: numbered.minute,
        };
        (name, usage)
    });
    let spent = spent.collect();
    Ok((Content { rates, spent }, rest))
}

#[cfg(test)]
mod tests {
    use super::super::*;
    use crate::schedule::Budget;
    use crate::schedule::account::Calls;
    use crate::schedule::tests::{START_US, at, planned};
    use alloc::vec;

    /// Of a group that made three planned and two urgent calls on a day.
    fn written(day: i64, calls: u32) -> Vec<u8> {
        let today = Calls {
            planned: calls,
            urgent: 2,
        };
        let minute: Vec<(i64, bool)> = vec![(START_US, true)];
        let rates: Vec<(u32, Rates)> = Vec::new();
        let content = (rates, vec![("cloud", (day, today, minute))]);
        postcard::to_allocvec(&content).unwrap()
    }

    /// Calls today of what was written, three hours into the day of the tests,
    /// with a reset so many hours after midnight.
    fn today(bytes: &[u8], reset_hour: u32) -> u32 {
        let (mut schedule, now) = restored(bytes, Some(100), reset_hour);
        schedule.group_status(now, "cloud").unwrap().today
    }

    fn restored(bytes: &[u8], per_day: Option<u32>, reset_hour: u32) -> (Schedule, Now) {
        let Former { decode, .. } = Schedule::FORMER.unwrap();
        let (content, rest) = decode(bytes).unwrap();
        assert!(rest.is_empty());
        assert_eq!(Schedule::verify(&content, &Entities::default()), Ok(()));
        let now = at(3 * 3_600_000_000);
        let mut schedule = Schedule::default();
        schedule.load(now, content);
        let budget = Budget {
            per_minute: Some(10),
            per_day,
            reserve: 0.0,
            reset_minute: reset_hour * 60,
            night: None,
        };
        schedule.set_group(now, "cloud", budget).unwrap();
        (schedule, now)
    }

    #[test]
    fn a_day_by_its_number_ends_at_the_reset_that_is_set() {
        let day = START_US / 86_400_000_000;
        for (day, reset_hour, expected) in [
            (day, 0, 5),
            (day, 2, 5),
            (day - 1, 0, 0),
            (day - 1, 2, 0),
            (day - 1, 4, 5),
            (day - 2, 4, 0),
        ] {
            assert_eq!(today(&written(day, 3), reset_hour), expected, "{day}");
        }
    }

    #[test]
    fn numbers_that_no_clock_gives_do_no_harm() {
        for day in [i64::MIN, i64::MAX] {
            for calls in [0, u32::MAX] {
                let (mut schedule, now) = restored(&written(day, calls), None, 23);
                planned(&mut schedule, 1, "cloud");
                assert_eq!(schedule.ask(now, 1, true), Ok(None));
                assert!(schedule.unregister(1));
                let kept = schedule.save(now);
                assert_eq!(Schedule::verify(&kept, &Entities::default()), Ok(()));
            }
        }
    }
}
