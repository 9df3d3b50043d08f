//! Registering again.

use core::cmp::Ordering;

use super::*;
use crate::snapshot::Section;

fn bounds(shortest_s: i64, longest_s: i64) -> Bounds {
    Bounds::check(shortest_s * 1_000_000, longest_s * 1_000_000).unwrap()
}

/// Reports a change every `interval_s` so often, from a moment on; gives when it
/// ended, in seconds.
fn changes(schedule: &mut Schedule, entity: u32, from_s: u64, interval_s: u64, count: u64) -> u64 {
    let until_s = from_s + interval_s * count;
    for call in 0..=count {
        let now = at((from_s + interval_s * call) * S);
        schedule.report(now, &[entity], &[true]).unwrap();
    }
    until_s
}

#[test]
fn registering_as_before_keeps_the_grid() {
    let mut schedule = Schedule::default();
    open(&mut schedule, "cloud", Some(60), None);
    for now_s in (0..60).step_by(7) {
        let now = at(now_s * S);
        schedule.register(now, 1, 60_000_000).unwrap();
        let measured_us = schedule.register_measured(now, 2, bounds(60, 60));
        assert_eq!(measured_us, Ok(60 * S));
        schedule
            .register_planned(now, 3, "cloud", bounds(60, 60), 1.0)
            .unwrap();
    }
    for entity in [1, 2, 3] {
        assert_eq!(schedule.next_of(entity), Some(60 * S), "{entity}");
    }
    let fired: Vec<_> = run(&mut schedule, 60)
        .into_iter()
        .flat_map(|(_, entities)| entities)
        .collect();
    assert_eq!(fired, [1, 2, 3]);
}

#[test]
fn registering_as_before_moves_no_measured_interval() {
    let mut schedule = Schedule::default();
    let between = bounds(15, 960);
    schedule.register_measured(at(0), 1, between).unwrap();
    let mut now_s = 0;
    while schedule.interval_of(1) == Some(120 * S) {
        now_s = changes(&mut schedule, 1, now_s, 120, 1);
    }
    // Calls go on finding changes, though not enough yet to move it again.
    now_s = changes(&mut schedule, 1, now_s + 60, 60, 2);
    let (interval_us, next_us) = (schedule.interval_of(1), schedule.next_of(1));
    let again_us = schedule.register_measured(at(now_s * S), 1, between);
    assert_eq!(again_us.ok(), interval_us);
    assert_eq!(schedule.next_of(1), next_us);
    let other = bounds(15, 961);
    let moved_us = schedule.register_measured(at(now_s * S), 1, other);
    assert_ne!(moved_us.ok(), interval_us, "other bounds start anew");
}

#[test]
fn planned_entities_start_anew_on_other_terms_only() {
    let mut schedule = Schedule::default();
    open(&mut schedule, "cloud", Some(60), None);
    open(&mut schedule, "local", Some(60), None);
    for (now_s, group, seconds, weight, expected_s) in [
        (0, "cloud", 60, 1.0, 60),
        (10, "cloud", 60, 1.0, 60),
        (20, "cloud", 60, 2.0, 80),
        (30, "cloud", 60, 2.0, 80),
        (40, "cloud", 50, 2.0, 90),
        (50, "local", 50, 2.0, 100),
        (60, "local", 50, 2.0, 100),
    ] {
        let terms = bounds(seconds, seconds);
        schedule
            .register_planned(at(now_s * S), 1, group, terms, weight)
            .unwrap();
        assert_eq!(schedule.next_of(1), Some(expected_s * S), "{now_s}");
    }
}

/// An entity that was measured and then planned, with a change every minute.
fn learned_twice() -> (Schedule, Now) {
    let mut schedule = Schedule::default();
    open(&mut schedule, "cloud", Some(60), None);
    schedule
        .register_measured(at(0), 1, bounds(15, 960))
        .unwrap();
    let now_s = changes(&mut schedule, 1, 0, 60, 50);
    let plan = schedule.register_planned(at(now_s * S), 1, "cloud", bounds(15, 960), 1.0);
    plan.unwrap();
    let now_s = changes(&mut schedule, 1, now_s, 60, 50);
    (schedule, at(now_s * S))
}

/// Changes a day that each way goes by, after an interval that follows nothing.
fn rates(schedule: &mut Schedule, now: Now) -> [f64; 2] {
    let planned = |schedule: &mut Schedule| {
        schedule.register(now, 1, 60_000_000).unwrap();
        let plan = schedule.register_planned(now, 1, "cloud", bounds(15, 960), 1.0);
        plan.unwrap();
        schedule.changes_per_day(1).unwrap()
    };
    let first = planned(schedule);
    schedule.register(now, 1, 60_000_000).unwrap();
    schedule.register_measured(now, 1, bounds(15, 960)).unwrap();
    let measured = schedule.changes_per_day(1).unwrap();
    assert_eq!(planned(schedule).total_cmp(&first), Ordering::Equal);
    [measured, first]
}

#[test]
fn what_each_way_learned_is_kept_while_another_one_is_in_force() {
    let (mut schedule, now) = learned_twice();
    let learned = rates(&mut schedule, now);
    // 720 a day are where nothing is known.
    assert!(learned.iter().all(|rate| *rate > 1_000.0), "{learned:?}");

    let (mut before, now) = learned_twice();
    before.register(now, 1, 60_000_000).unwrap();
    let mut after = Schedule::default();
    after.load(now, before.save(now));
    open(&mut after, "cloud", Some(60), None);
    let restored = rates(&mut after, now);
    assert_eq!(restored.map(f64::to_bits), learned.map(f64::to_bits));
}

#[test]
fn what_was_learned_ends_with_the_refreshes() {
    let (mut schedule, now) = learned_twice();
    assert!(schedule.remove_group("cloud"));
    schedule.register_measured(now, 1, bounds(15, 960)).unwrap();
    assert_eq!(schedule.interval_of(1), Some(120 * S));
    let (mut schedule, now) = learned_twice();
    assert!(schedule.unregister(1));
    schedule.register_measured(now, 1, bounds(15, 960)).unwrap();
    assert_eq!(schedule.interval_of(1), Some(120 * S));
}
