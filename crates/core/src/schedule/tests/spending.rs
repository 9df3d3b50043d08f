//! What a group spent in a day, whatever becomes of its reset and of the clock.

use super::*;
use crate::entities::{Entities, Series};
use crate::snapshot::Section;

const HOUR: u64 = 3_600 * S;

/// Gives the group `cloud` three calls a day from a reset on, and plans entity 1
/// in it.
fn three_a_day(schedule: &mut Schedule, now: Now, reset_hour: u32) {
    let budget = Budget {
        per_minute: None,
        per_day: Some(3),
        reserve: 0.0,
        reset_minute: reset_hour * 60,
        night: None,
    };
    schedule.set_group(now, "cloud", budget).unwrap();
    let bounds = Bounds::check(86_400_000_000, 864_000_000_000).unwrap();
    schedule
        .register_planned(now, 1, "cloud", bounds, 1.0)
        .unwrap();
}

fn spend(schedule: &mut Schedule, now: Now, calls: u32) {
    for _ in 0..calls {
        assert_eq!(schedule.ask(now, 1, true), Ok(None));
    }
}

/// Calls made today, and when the next day begins, in hours of the monotonic
/// time.
fn today(schedule: &mut Schedule, now: Now) -> (u32, u64) {
    let status = schedule.group_status(now, "cloud").unwrap();
    assert_eq!(status.left_urgent, Some(3 - status.today));
    (status.today, status.resets_us / HOUR)
}

/// The next process, which begins its monotonic time and reads a date of its own,
/// in hours after that of the tests.
fn restarted(schedule: &Schedule, stopped: Now, hours: f64, reset_hour: u32) -> (Schedule, Now) {
    let now = Now {
        mono_us: 0,
        dated_us: START_US + (hours * HOUR as f64) as i64,
    };
    let mut next = Schedule::default();
    next.load(now, schedule.save(stopped));
    three_a_day(&mut next, now, reset_hour);
    (next, now)
}

#[test]
fn another_reset_moves_the_end_of_the_day_and_nothing_else() {
    let mut schedule = Schedule::default();
    three_a_day(&mut schedule, at(0), 0);
    spend(&mut schedule, at(10 * HOUR), 3);
    for (reset_hour, ends_hour) in [(12, 12), (9, 33), (0, 24), (11, 11), (20, 20)] {
        three_a_day(&mut schedule, at(10 * HOUR), reset_hour);
        let now = at(10 * HOUR);
        assert_eq!(today(&mut schedule, now), (3, ends_hour), "{reset_hour}");
        assert_eq!(schedule.ask(now, 1, true), Ok(Some(ends_hour * HOUR)));
    }
    assert_eq!(today(&mut schedule, at(20 * HOUR - 1)), (3, 20));
    assert_eq!(today(&mut schedule, at(20 * HOUR)), (0, 44));
    spend(&mut schedule, at(20 * HOUR), 3);
}

#[test]
fn another_reset_over_a_restart_gives_no_call_back() {
    let mut before = Schedule::default();
    three_a_day(&mut before, at(0), 0);
    spend(&mut before, at(10 * HOUR), 3);
    for (reset_hour, ends_in) in [(0, 13), (12, 1), (9, 22)] {
        let (mut after, now) = restarted(&before, at(10 * HOUR), 11.0, reset_hour);
        assert_eq!(today(&mut after, now), (3, ends_in), "{reset_hour}");
    }
    let (mut after, now) = restarted(&before, at(10 * HOUR), 24.0, 12);
    assert_eq!(today(&mut after, now), (0, 12), "the day was over by then");
}

#[test]
fn a_clock_behind_after_a_restart_gives_no_call_back() {
    let mut before = Schedule::default();
    three_a_day(&mut before, at(0), 0);
    let next_day = at(24 * HOUR + 1);
    spend(&mut before, next_day, 2);
    // Two hours before the reset that was passed: the day ends 24 hours after it.
    let (mut after, now) = restarted(&before, next_day, 22.0, 0);
    assert_eq!(today(&mut after, now), (2, 26));
    let later = Now {
        mono_us: 3 * HOUR,
        dated_us: now.dated_us.saturating_add_unsigned(3 * HOUR),
    };
    assert_eq!(today(&mut after, later), (2, 26));
    let (mut after, now) = restarted(&before, next_day, 22.0, 1);
    assert_eq!(today(&mut after, now), (2, 3), "the first after it");
    // A clock that was wrong by years is not waited for.
    let (mut after, now) = restarted(&before, next_day, -90_000.5, 0);
    assert_eq!(today(&mut after, now), (2, 0));
}

#[test]
fn a_group_that_is_closed_and_opened_again_gives_no_call_back() {
    let mut schedule = Schedule::default();
    three_a_day(&mut schedule, at(0), 0);
    spend(&mut schedule, at(0), 3);
    assert!(schedule.remove_group("cloud"));
    let (mut after, now) = restarted(&schedule, at(HOUR), 2.0, 0);
    assert_eq!(today(&mut after, now), (3, 22));
    three_a_day(&mut schedule, at(HOUR), 12);
    assert_eq!(today(&mut schedule, at(HOUR)), (3, 12));
    assert!(schedule.remove_group("cloud"));
    three_a_day(&mut schedule, at(12 * HOUR), 12);
    assert_eq!(today(&mut schedule, at(12 * HOUR)), (0, 36));
}

#[test]
fn a_closed_group_gives_no_call_of_the_minute_back() {
    let mut schedule = Schedule::default();
    for now_us in [0, 30 * S] {
        open(&mut schedule, "cloud", Some(1), None);
        planned(&mut schedule, 1, "cloud");
        let from_us = schedule.ask(at(now_us), 1, true).unwrap();
        assert_eq!(from_us, (now_us > 0).then_some(60 * S));
        assert!(schedule.remove_group("cloud"));
    }
}

#[test]
fn accounts_of_closed_groups_are_bounded_and_end_with_their_day() {
    let mut schedule = Schedule::default();
    three_a_day(&mut schedule, at(0), 0);
    spend(&mut schedule, at(0), 1);
    assert!(schedule.remove_group("cloud"));
    for number in 0..3_000 {
        let name = format!("group {number}");
        open(&mut schedule, &name, None, Some(3));
        assert!(schedule.remove_group(&name));
    }
    assert_eq!(schedule.spent.len(), 2_000);
    three_a_day(&mut schedule, at(HOUR), 0);
    assert_eq!(
        today(&mut schedule, at(HOUR)).0,
        1,
        "those without calls go"
    );
    let content = schedule.save(at(2 * HOUR));
    assert_eq!(Schedule::verify(&content, &entity_1()), Ok(()));
    assert!(schedule.remove_group("cloud"));
    three_a_day(&mut schedule, at(24 * HOUR), 0);
    assert!(schedule.spent.is_empty());
}

fn entity_1() -> Entities {
    let mut entities = Entities::default();
    for entity in ["sensor.a", "sensor.b"] {
        entities.intern(&Series {
            entity: entity.into(),
            attribute: None,
        });
    }
    entities
}
