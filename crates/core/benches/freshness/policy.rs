//! Ways to spend a number of calls on sources, and how stale each leaves them.

use weirhouse_core::Now;
use weirhouse_core::schedule::{Bounds, Budget, Class, Schedule, Volatility, interval_us};

use crate::process::{DAY, Home, Source};

/// 2026-01-01T00:00:00Z.
const START_US: i64 = 1_767_225_600_000_000;

/// What came of a policy.
#[derive(Clone, Copy)]
pub(crate) struct Outcome {
    /// Calls a day.
    pub(crate) calls: f64,
    /// Mean age over sources and time, in seconds.
    pub(crate) age: f64,
    /// The share of time in which a source is fresh, over sources.
    pub(crate) fresh: f64,
}

/// One source as its reader sees it.
struct Reader<'a> {
    changes: &'a [f64],
    /// The first change that was not seen.
    next: usize,
    aged: f64,
    stale: f64,
    calls: u64,
}

impl<'a> Reader<'a> {
    fn of(source: &'a Source) -> Self {
        Self {
            changes: &source.changes,
            next: 0,
            aged: 0.0,
            stale: 0.0,
            calls: 0,
        }
    }

    /// Sees everything up to `now`; says whether that was a change.
    fn read(&mut self, now: f64) -> bool {
        let Some(&first) = self.changes.get(self.next).filter(|change| **change <= now) else {
            return false;
        };
        self.aged += (now - first) * (now - first) / 2.0;
        self.stale += now - first;
        let unseen = &self.changes[self.next..];
        self.next += unseen.partition_point(|change| *change <= now);
        true
    }

    fn call(&mut self, now: f64) -> bool {
        self.calls += 1;
        self.read(now)
    }
}

fn outcome(mut readers: Vec<Reader>, days: u32) -> Outcome {
    let until = f64::from(days) * DAY;
    for reader in &mut readers {
        reader.read(until);
    }
    let time = until * readers.len() as f64;
    let sum = |of: fn(&Reader) -> f64| readers.iter().map(of).sum::<f64>();
    Outcome {
        calls: sum(|reader| reader.calls as f64) / f64::from(days),
        age: sum(|reader| reader.aged) / time,
        fresh: 1.0 - sum(|reader| reader.stale) / time,
    }
}

/// Asks each source at an interval of its own, starting spread over it.
fn at_intervals(home: &Home, days: u32, interval: impl Fn(&Source) -> f64) -> Outcome {
    let size = home.sources.len() as f64;
    let readers = home.sources.iter().enumerate().map(|(place, source)| {
        let mut reader = Reader::of(source);
        let interval = interval(source);
        let mut now = interval * (place as f64 + 0.5) / size;
        while now < f64::from(days) * DAY {
            reader.call(now);
            now += interval;
        }
        reader
    });
    outcome(readers.collect(), days)
}

/// All sources at one interval.
pub(crate) fn uniform(home: &Home, days: u32, calls_a_day: f64) -> Outcome {
    let interval = DAY * home.sources.len() as f64 / calls_a_day;
    at_intervals(home, days, |_| interval)
}

/// The intervals of the table, in seconds.
fn table() -> Vec<f64> {
    let classes = [Class::Gps, Class::Walk, Class::Feeding, Class::Health];
    let volatilities = [Volatility::High, Volatility::Medium, Volatility::Low];
    let all = classes.iter().flat_map(|class| {
        volatilities.map(|volatility| interval_us(*class, volatility) as f64 / 1e6)
    });
    all.collect()
}

/// Each source in the class whose interval is nearest to a multiple of the mean
/// time between its changes, all intervals scaled to the calls allowed; of many
/// multiples, the one that turns out best.
pub(crate) fn interval_table(home: &Home, days: u32, calls_a_day: f64) -> Outcome {
    let table = table();
    let nearest = |wanted: f64| {
        let off = |interval: f64| libm::fabs(libm::log(interval / wanted));
        let by_distance = |a: &f64, b: &f64| off(*a).total_cmp(&off(*b));
        table.iter().copied().min_by(by_distance).unwrap_or(60.0)
    };
    let outcomes = (-8..=8).map(|step| {
        let multiple = libm::exp2(f64::from(step));
        let declared = |source: &Source| nearest(multiple / source.mean_rate());
        let calls: f64 = home
            .sources
            .iter()
            .map(|source| DAY / declared(source))
            .sum();
        let scale = calls / calls_a_day;
        at_intervals(home, days, |source| declared(source) * scale)
    });
    outcomes
        .min_by(|a, b| a.age.total_cmp(&b.age))
        .unwrap_or_else(|| uniform(home, days, calls_a_day))
}

/// The planner, which learns the rates or is told them.
pub(crate) fn planner(home: &Home, days: u32, calls_a_day: f64, told: bool) -> Outcome {
    let moment = |mono_us: u64| Now {
        mono_us,
        dated_us: START_US.saturating_add_unsigned(mono_us),
    };
    let budget = Budget {
        per_minute: None,
        per_day: Some(calls_a_day as u32),
        reserve: 0.0,
        reset_minute: 0,
        night: None,
    };
    let bounds = Bounds::check(15_000_000, 6 * 3_600_000_000).expect("bounds in order");
    let mut schedule = Schedule::default();
    let accepted = "the planner takes this";
    schedule
        .set_group(moment(0), "home", budget)
        .expect(accepted);
    for (entity, source) in (0..).zip(&home.sources) {
        schedule
            .register_planned(moment(0), entity, "home", bounds, 1.0)
            .expect(accepted);
        if told {
            schedule.tell_rates(moment(0), entity, source.rates);
        }
    }
    let all: Vec<u32> = (0..home.sources.len() as u32).collect();
    schedule
        .report(moment(0), &all, &vec![false; all.len()])
        .expect(accepted);
    let mut readers: Vec<_> = home.sources.iter().map(Reader::of).collect();
    let until_us = (f64::from(days) * DAY * 1e6) as u64;
    while let Some(due_us) = schedule.deadline_us().filter(|due_us| *due_us < until_us) {
        schedule.tick(moment(due_us));
        for entity in schedule.poll() {
            let changed = readers[entity as usize].call(due_us as f64 / 1e6);
            schedule
                .report(moment(due_us), &[entity], &[changed])
                .expect(accepted);
        }
    }
    outcome(readers, days)
}
