//! What holds whatever is called, in any order and at any time.

use super::*;
use crate::schedule::budget::Night;
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Step {
    /// Ticks so many microseconds after the deadline, or before where negative.
    Tick(i64),
    Ask(u32, bool),
    Report(u32, bool),
    Register(u32, i64, i64),
    Unregister(u32),
}

fn step() -> impl Strategy<Value = Step> {
    let entity = 0_u32..6;
    prop_oneof![
        6 => (-5_000_000_i64..5_000_000).prop_map(Step::Tick),
        4 => Just(Step::Tick(0)),
        1 => (0_i64..40_000_000_000).prop_map(Step::Tick),
        2 => (entity.clone(), any::<bool>()).prop_map(|(e, urgent)| Step::Ask(e, urgent)),
        3 => (entity.clone(), any::<bool>()).prop_map(|(e, changed)| Step::Report(e, changed)),
        1 => (entity.clone(), 1_i64..100, 1_i64..50).prop_map(|(e, s, f)| Step::Register(e, s, f)),
        1 => entity.prop_map(Step::Unregister),
    ]
}

fn budget() -> impl Strategy<Value = Budget> {
    let night = proptest::option::of((0_u32..1440, 1_u32..1440, 0.0_f64..=1.0));
    let calls = (
        proptest::option::of(1_u32..20),
        proptest::option::of(1_u32..300),
    );
    (calls, 0.0_f64..=0.9, 0_u32..1440, night).prop_map(
        |((per_minute, per_day), reserve, reset_minute, night)| Budget {
            per_minute,
            per_day: per_day.or(per_minute.is_none().then_some(50)),
            reserve,
            reset_minute,
            night: night.map(|(from, length, weight)| Night {
                from_minute: from,
                to_minute: (from + length) % 1440,
                weight,
            }),
        },
    )
}

/// Calls made, with whether each was urgent and whether the plan made it.
#[derive(Debug, Clone, Copy)]
struct Made {
    at_us: u64,
    entity: u32,
    urgent: bool,
    asked: bool,
}

/// Plays the steps on one group of six; gives all calls made.
fn play(budget: Budget, steps: &[Step]) -> Vec<Made> {
    let mut schedule = Schedule::default();
    schedule.set_group(at(0), "cloud", budget).unwrap();
    for entity in 0..6 {
        planned(&mut schedule, entity, "cloud");
    }
    let mut made = Vec::new();
    let mut now_us = 0_u64;
    for step in steps {
        let now = at(now_us);
        match *step {
            Step::Tick(late_us) => {
                let due_us = schedule.deadline_us().unwrap_or(now_us);
                now_us = now_us.max(due_us.saturating_add_signed(late_us));
                schedule.tick(at(now_us));
                made.extend(schedule.poll().into_iter().map(|entity| Made {
                    at_us: now_us,
                    entity,
                    urgent: false,
                    asked: false,
                }));
            }
            Step::Ask(entity, urgent) => {
                if schedule.ask(now, entity, urgent) == Ok(None) {
                    made.push(Made {
                        at_us: now_us,
                        entity,
                        urgent,
                        asked: true,
                    });
                }
            }
            Step::Report(entity, changed) => {
                let _ = schedule.report(now, &[entity], &[changed]);
            }
            Step::Register(entity, seconds, factor) => {
                let least_us = seconds * 1_000_000;
                let bounds = Bounds::check(least_us, least_us * factor).unwrap();
                schedule
                    .register_planned(now, entity, "cloud", bounds, 1.0)
                    .unwrap();
            }
            Step::Unregister(entity) => {
                schedule.unregister(entity);
            }
        }
    }
    made
}

/// Calls that fall into each span, counted the slow way: `limit` bounds all of
/// them, and less the reserve those that were not urgent.
fn fits(calls: &[Made], limit: u32, reserve: f64) -> bool {
    let reserved = (f64::from(limit) * reserve) as usize;
    let urgent = calls.iter().filter(|call| call.urgent).count();
    let planned = calls.len() - urgent;
    calls.len() <= limit as usize && planned <= limit as usize - reserved
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_budget_is_ever_exceeded(
        budget in budget(),
        steps in proptest::collection::vec(step(), 1..300),
    ) {
        let made = play(budget, &steps);
        if let Some(limit) = budget.per_minute {
            for (first, call) in made.iter().enumerate() {
                let minute: Vec<_> = made[first..]
                    .iter()
                    .copied()
                    .take_while(|other| other.at_us < call.at_us + 60 * S)
                    .collect();
                prop_assert!(fits(&minute, limit, budget.reserve), "{:?}", minute);
            }
        }
        if let Some(limit) = budget.per_day {
            let reset_us = u64::from(budget.reset_minute) * 60 * S;
            // The dates of these tests begin at midnight.
            let day_of = |call: &Made| (call.at_us + 86_400 * S - reset_us) / (86_400 * S);
            for day in made.chunk_by(|one, other| day_of(one) == day_of(other)) {
                prop_assert!(fits(day, limit, budget.reserve), "{:?}", day);
            }
        }
    }

    #[test]
    fn no_source_is_planned_sooner_than_its_shortest_interval(
        budget in budget(),
        steps in proptest::collection::vec(step(), 1..200),
    ) {
        // Without registering again all keep the bounds they start with.
        let steps: Vec<_> = steps
            .into_iter()
            .filter(|step| !matches!(step, Step::Register(..) | Step::Unregister(_)))
            .collect();
        let made = play(budget, &steps);
        let mut last_us = [0_u64; 6];
        for call in made {
            let last_us = &mut last_us[call.entity as usize];
            if !call.asked {
                prop_assert!(call.at_us >= *last_us + 15 * S);
            }
            *last_us = call.at_us;
        }
    }

    #[test]
    fn where_the_budget_suffices_no_source_waits_longer_than_its_longest_interval(
        changes in proptest::collection::vec(any::<bool>(), 1..400),
    ) {
        let mut schedule = Schedule::default();
        // Six sources an hour apart at most are 144 calls; 300 are enough, twice
        // as close as which they never are.
        open(&mut schedule, "cloud", None, Some(300));
        for entity in 0..6 {
            planned(&mut schedule, entity, "cloud");
        }
        let slack_us = 6 * 86_400 * S / 300;
        let mut last_us = [0_u64; 6];
        for changed in changes {
            let now = at(schedule.deadline_us().unwrap());
            schedule.tick(now);
            for entity in schedule.poll() {
                let last_us = &mut last_us[entity as usize];
                prop_assert!(now.mono_us <= *last_us + 3_600 * S + slack_us);
                *last_us = now.mono_us;
                schedule.report(now, &[entity], &[changed]).unwrap();
            }
        }
    }

    #[test]
    fn a_day_is_never_burnt_by_noon(
        per_day in 8_u32..400,
        changes in proptest::collection::vec(any::<bool>(), 64),
    ) {
        let mut schedule = Schedule::default();
        open(&mut schedule, "cloud", None, Some(per_day));
        for entity in 0..6 {
            planned(&mut schedule, entity, "cloud");
        }
        let mut calls = 0_u32;
        while let Some(due_us) = schedule.deadline_us().filter(|due_us| *due_us < 86_400 * S) {
            let now = at(due_us);
            schedule.tick(now);
            for entity in schedule.poll() {
                calls += 1;
                let left = 1.0 - due_us as f64 / (86_400.0 * 1e6);
                let most = f64::from(per_day) * (1.0 - left * left) + 1.0;
                prop_assert!(f64::from(calls) <= most, "{} of {} at {}", calls, per_day, due_us);
                let changed = changes[calls as usize % changes.len()];
                schedule.report(now, &[entity], &[changed]).unwrap();
            }
        }
        prop_assert!(calls <= per_day);
    }
}
