//! Rules of the schedule: fixed, measured and planned entities.

mod guarantees;
mod model;
mod registering;
mod spending;

use super::*;
use alloc::vec;

pub(super) const S: u64 = 1_000_000;

/// 2026-01-01T00:00:00Z, the date of the monotonic zero.
pub(super) const START_US: i64 = 1_767_225_600_000_000;

pub(super) fn at(mono_us: u64) -> Now {
    Now {
        mono_us,
        dated_us: START_US.saturating_add_unsigned(mono_us),
    }
}

/// `SplitMix64`: small, and the same everywhere.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Evenly from 0 up to 1.
    pub(super) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Lets time pass to `until_s`, waking at each deadline.
fn run(schedule: &mut Schedule, until_s: u64) -> Vec<(u64, Vec<u32>)> {
    let mut seen = Vec::new();
    while let Some(due) = schedule.deadline_us().filter(|&due| due <= until_s * S) {
        schedule.tick(at(due));
        seen.push((due / S, schedule.poll()));
    }
    seen
}

#[test]
fn ties_fire_in_order_of_registration_even_when_replaced() {
    let mut schedule = Schedule::default();
    for entity in [9, 2, 5] {
        schedule.register(at(0), entity, 10_000_000).unwrap();
    }
    schedule.register(at(0), 9, 10_000_000).unwrap();
    assert_eq!(
        run(&mut schedule, 20),
        vec![(10, vec![9, 2, 5]), (20, vec![9, 2, 5])]
    );
}

#[test]
fn a_late_tick_fires_once_and_the_grid_stays() {
    let mut schedule = Schedule::default();
    schedule.register(at(0), 1, 15_000_000).unwrap();
    schedule.tick(at(100 * S));
    assert_eq!(schedule.poll(), vec![1]);
    assert_eq!(schedule.deadline_us(), Some(105 * S));
    schedule.tick(at(107 * S));
    schedule.tick(at(121 * S));
    assert_eq!(schedule.poll(), vec![1], "listed once until it is polled");
    assert_eq!(schedule.deadline_us(), Some(135 * S));
}

#[test]
fn unregistering_is_safe_at_any_moment() {
    let mut schedule = Schedule::default();
    schedule.register(at(0), 1, 1_000_000).unwrap();
    schedule.tick(at(S));
    assert!(schedule.unregister(1));
    assert!(!schedule.unregister(1));
    assert_eq!(schedule.poll(), vec![]);
    assert_eq!(
        (schedule.deadline_us(), schedule.interval_of(1)),
        (None, None)
    );
}

#[test]
fn intervals_below_the_shortest_are_refused_in_words() {
    let mut schedule = Schedule::default();
    schedule.set_shortest(15_000_000).unwrap();
    assert!(schedule.register(at(0), 1, 15_000_000).is_ok());
    match schedule.register(at(0), 1, 14_999_999) {
        Err(Error::InvalidArgument(text)) => assert!(text.contains("at least 15 s"), "{text}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(
        schedule.interval_of(1),
        Some(15 * S),
        "the one before stays"
    );
}

#[test]
fn nonsense_intervals_are_refused() {
    let mut schedule = Schedule::default();
    for interval in [0, -1, i64::MAX, i64::MIN] {
        assert!(schedule.register(at(0), 1, interval).is_err(), "{interval}");
    }
    assert_eq!(schedule.deadline_us(), None);
}

/// Opens a group without a reserve.
pub(super) fn open(
    schedule: &mut Schedule,
    name: &str,
    per_minute: Option<u32>,
    per_day: Option<u32>,
) {
    let budget = Budget {
        per_minute,
        per_day,
        reserve: 0.0,
        reset_minute: 0,
        night: None,
    };
    schedule.set_group(at(0), name, budget).unwrap();
}

/// Plans an entity between 15 s and an hour.
pub(super) fn planned(schedule: &mut Schedule, entity: u32, group: &str) {
    let bounds = Bounds::check(15_000_000, 3_600_000_000).unwrap();
    schedule
        .register_planned(at(0), entity, group, bounds, 1.0)
        .unwrap();
}

#[test]
fn planned_ties_fire_in_order_of_registration_beside_fixed_ones() {
    let mut schedule = Schedule::default();
    open(&mut schedule, "cloud", Some(600), None);
    let bounds = Bounds::check(20_000_000, 20_000_000).unwrap();
    let plan = |schedule: &mut Schedule, entity| {
        schedule
            .register_planned(at(0), entity, "cloud", bounds, 1.0)
            .unwrap();
    };
    plan(&mut schedule, 9);
    schedule.register(at(0), 2, 20_000_000).unwrap();
    plan(&mut schedule, 5);
    let mut fired = Vec::new();
    while let Some(due_us) = schedule.deadline_us().filter(|due_us| *due_us <= 40 * S) {
        schedule.tick(at(due_us));
        fired.extend(schedule.poll());
    }
    assert_eq!(fired, [9, 2, 5, 9, 2, 5]);
}

#[test]
fn a_long_sleep_replays_no_planned_call() {
    let mut schedule = Schedule::default();
    open(&mut schedule, "cloud", None, Some(24_000));
    for entity in 0..5 {
        planned(&mut schedule, entity, "cloud");
    }
    schedule.tick(at(40_000 * S));
    assert_eq!(schedule.poll().len(), 1, "a group makes one call a tick");
    let next_us = schedule.deadline_us().unwrap();
    assert!(next_us > 40_000 * S, "and keeps the next one away");
}

#[test]
fn a_call_handed_out_and_not_taken_costs_one_call() {
    let mut schedule = Schedule::default();
    open(&mut schedule, "cloud", None, Some(8_640));
    planned(&mut schedule, 1, "cloud");
    for _ in 0..50 {
        let due_us = schedule.deadline_us().unwrap();
        schedule.tick(at(due_us));
    }
    let now = at(schedule.deadline_us().unwrap());
    assert_eq!(schedule.group_status(now, "cloud").unwrap().today, 1);
    assert_eq!(schedule.poll(), [1]);
}

#[test]
fn what_is_reported_must_be_registered_and_whole() {
    let mut schedule = Schedule::default();
    open(&mut schedule, "cloud", None, Some(100));
    planned(&mut schedule, 1, "cloud");
    assert!(schedule.report(at(0), &[1, 2], &[true, true]).is_err());
    assert!(schedule.report(at(0), &[1], &[]).is_err());
    assert!(schedule.ask(at(0), 2, true).is_err());
    assert!(schedule.remove_group("cloud") && !schedule.remove_group("cloud"));
    assert!(schedule.report(at(0), &[1], &[true]).is_err());
    assert_eq!(schedule.deadline_us(), None);
}

#[test]
fn a_budget_too_small_stretches_the_longest_intervals_alike() {
    let mut schedule = Schedule::default();
    open(&mut schedule, "cloud", None, Some(48));
    // Every half hour each would be 96 calls.
    let bounds = Bounds::check(60_000_000, 1_800_000_000).unwrap();
    for entity in [1, 2] {
        schedule
            .register_planned(at(0), entity, "cloud", bounds, 1.0)
            .unwrap();
    }
    let mut calls = [0, 0];
    while let Some(due_us) = schedule.deadline_us().filter(|due_us| *due_us < 86_400 * S) {
        schedule.tick(at(due_us));
        for entity in schedule.poll() {
            calls[entity as usize - 1] += 1;
        }
    }
    assert!(calls.iter().sum::<u32>() <= 48, "{calls:?}");
    assert!(calls.iter().all(|calls| *calls >= 22), "{calls:?}");
}
