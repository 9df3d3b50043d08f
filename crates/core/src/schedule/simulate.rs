//! A day in advance: how many calls a plan would make, and how stale the sources
//! would be.
//!
//! Planned sources go through the planner itself, with the rates given in place of
//! learned ones; for fixed and measured ones the grid is counted. What is
//! expected of staleness follows from the formulas of `staleness`, so nothing is
//! drawn at random and equal questions have equal answers. The state of a running
//! schedule is neither read nor touched.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::forecast::{BUCKET_US, BUCKETS, DAY_US, bucket_of};
use super::planner::{Call, Group};
use super::staleness::Expected;
use super::volatility::wanted_interval_us;
use super::{Bounds, Budget, Schedule, fresh_share, mean_age};
use crate::Error;
use crate::time::{Now, length};

const HOUR_US: u64 = 3_600_000_000;
const DAY: u64 = DAY_US.unsigned_abs();
/// Most calls a day of all groups together, and most sources: some tenths of a
/// second, in however many groups.
const MOST_CALLS: u64 = 100_000;
const MOST_SOURCES: usize = 2_000;
/// From this interval on each call of a fixed or measured source is played; of
/// shorter ones many fall into every bucket.
const EXACT_FROM_US: u64 = 900_000_000;
/// Most changes a day: a thousand a second.
const MOST_CHANGES: f64 = 86_400_000.0;

/// How a source is to be asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Pace {
    /// Every so many microseconds.
    Fixed(i64),
    /// At the interval that measuring leads to within these bounds.
    Measured(Bounds),
    /// By the plan of a group.
    Planned {
        /// The group's name.
        group: String,
        /// Between these intervals.
        bounds: Bounds,
        /// How much its staleness counts, over 0 and at most 1,000.
        weight: f64,
    },
}

/// A source to be simulated.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// How it is to be asked.
    pub pace: Pace,
    /// How often it changes, as changes a day, 0 to 86,400,000: one figure for all
    /// of the day, or one for each eighth of it in UTC.
    pub changes_per_day: Vec<f64>,
}

/// What a day would be like for a source.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SourceDay {
    /// Calls made.
    pub calls: u32,
    /// Its mean age, in microseconds.
    pub mean_age_us: f64,
    /// The share of the day in which it is fresh.
    pub fresh: f64,
}

/// What a day would be like for a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupDay {
    /// Calls made in each hour from the start.
    pub hours: [u32; 24],
}

/// A simulated day.
#[derive(Debug, Clone, PartialEq)]
pub struct Day {
    /// One for each source, in order.
    pub sources: Vec<SourceDay>,
    /// One for each group, in order.
    pub groups: Vec<GroupDay>,
}

/// Plays 24 hours from a date, in microseconds since the Unix epoch.
pub fn simulate(
    from_us: i64,
    groups: &[(String, Budget)],
    sources: &[Source],
) -> Result<Day, Error> {
    check_size(groups, sources)?;
    let moment = |mono_us: u64| Now {
        mono_us,
        dated_us: from_us.saturating_add_unsigned(mono_us),
    };
    let mut schedule = Schedule::default();
    for (name, budget) in groups {
        schedule.set_group(moment(0), name, *budget)?;
    }
    let mut days = Vec::with_capacity(sources.len());
    for (entity, source) in (0..).zip(sources) {
        let rates = rates_of(source)?;
        let mut day = Running::new(rates);
        match &source.pace {
            Pace::Fixed(interval_us) => day.every(length("interval", *interval_us, false)?),
            Pace::Measured(bounds) => {
                let mean = rates.iter().sum::<f64>() / BUCKETS as f64;
                day.every(wanted_interval_us(mean, *bounds));
            }
            Pace::Planned {
                group,
                bounds,
                weight,
            } => {
                schedule.register_planned(moment(0), entity, group, *bounds, *weight)?;
                schedule.tell_rates(moment(0), entity, rates);
            }
        }
        days.push(day);
    }
    let mut hours = alloc::vec![[0_u32; 24]; groups.len()];
    for ((name, _), hours) in groups.iter().zip(&mut hours) {
        // Groups share nothing, so one after the other is as all at once.
        if let Some(group) = schedule.groups.remove(name) {
            play(group, moment, &mut days, hours);
        }
    }
    Ok(Day {
        sources: days.into_iter().map(|day| day.end(moment)).collect(),
        groups: hours.into_iter().map(|hours| GroupDay { hours }).collect(),
    })
}

/// Plays the day of one group.
fn play(
    mut group: Group,
    moment: impl Fn(u64) -> Now,
    days: &mut [Running],
    hours: &mut [u32; 24],
) {
    while let Some(due_us) = group.deadline_us().filter(|due_us| *due_us < DAY) {
        let now = moment(due_us);
        let Some(Call { entity, .. }) = group.tick(now) else {
            continue;
        };
        group.taken(entity);
        if let Some(day) = days.get_mut(entity as usize) {
            day.asked(now);
        }
        if let Some(calls) = hours.get_mut((due_us / HOUR_US) as usize) {
            *calls += 1;
        }
    }
}

fn check_size(groups: &[(String, Budget)], sources: &[Source]) -> Result<(), Error> {
    if sources.len() > MOST_SOURCES {
        return Err(Error::TooLarge(format!(
            "a simulation takes at most {MOST_SOURCES} sources, not {}",
            sources.len()
        )));
    }
    let calls: u64 = groups
        .iter()
        .map(|(_, budget)| {
            let by_minute = budget.per_minute.map(|calls| u64::from(calls) * 24 * 60);
            let by_day = budget.per_day.map(u64::from);
            by_minute.into_iter().chain(by_day).min().unwrap_or(0)
        })
        .sum();
    if calls > MOST_CALLS {
        return Err(Error::TooLarge(format!(
            "a simulation takes budgets of at most {MOST_CALLS} calls a day together, not {calls}"
        )));
    }
    Ok(())
}

/// The rates of a source, in changes a second for each bucket.
fn rates_of(source: &Source) -> Result<[f64; BUCKETS], Error> {
    let given = &source.changes_per_day;
    if given.len() != 1 && given.len() != BUCKETS {
        return Err(Error::InvalidArgument(format!(
            "changes per day must be one figure or {BUCKETS}, not {}",
            given.len()
        )));
    }
    if let Some(changes) = given
        .iter()
        .find(|changes| !(0.0..=MOST_CHANGES).contains(*changes))
    {
        return Err(Error::InvalidArgument(format!(
            "changes per day must be 0 to {MOST_CHANGES}, not {changes}"
        )));
    }
    let mut rates = [0.0; BUCKETS];
    for (rate, changes) in rates.iter_mut().zip(given.iter().cycle()) {
        *rate = changes / (DAY as f64 / 1e6);
    }
    Ok(rates)
}

/// A source on its way through the day.
struct Running {
    rates: [f64; BUCKETS],
    /// Up to when it was followed.
    until_us: u64,
    expected: Expected,
    calls: u32,
    /// Age times time, in s².
    aged: f64,
    /// In seconds.
    fresh: f64,
    /// Calls come at this interval, and are counted at the end.
    interval_us: Option<u64>,
}

impl Running {
    fn new(rates: [f64; BUCKETS]) -> Self {
        Self {
            rates,
            until_us: 0,
            expected: Expected::SEEN,
            calls: 0,
            aged: 0.0,
            fresh: 0.0,
            interval_us: None,
        }
    }

    fn every(&mut self, interval_us: u64) {
        self.interval_us = Some(interval_us);
    }

    /// Lets time pass, with the rate of each bucket in its turn.
    fn pass(&mut self, now: Now) {
        let mut dated_us = now
            .dated_us
            .saturating_sub_unsigned(now.mono_us - self.until_us);
        while self.until_us < now.mono_us {
            let ends_us = (BUCKET_US - dated_us.rem_euclid(BUCKET_US)).unsigned_abs();
            let part_us = ends_us.min(now.mono_us - self.until_us);
            let rate = self.rates.get(bucket_of(dated_us)).copied();
            let (aged, fresh) = self
                .expected
                .pass(rate.unwrap_or_default(), part_us as f64 / 1e6);
            self.aged += aged;
            self.fresh += fresh;
            self.until_us += part_us;
            dated_us = dated_us.saturating_add_unsigned(part_us);
        }
    }

    fn asked(&mut self, now: Now) {
        self.pass(now);
        self.expected = Expected::SEEN;
        self.calls += 1;
    }

    fn end(mut self, moment: impl Fn(u64) -> Now) -> SourceDay {
        match self.interval_us {
            Some(interval_us) if interval_us < EXACT_FROM_US => return self.evenly(interval_us),
            Some(interval_us) => {
                let mut at_us = interval_us;
                while at_us <= DAY {
                    self.asked(moment(at_us));
                    at_us = at_us.saturating_add(interval_us);
                }
            }
            None => {}
        }
        self.pass(moment(DAY));
        let seconds = DAY as f64 / 1e6;
        SourceDay {
            calls: self.calls,
            mean_age_us: self.aged / seconds * 1e6,
            fresh: self.fresh / seconds,
        }
    }

    /// The day of a source that is asked at one short interval: each bucket is an
    /// eighth of it.
    fn evenly(&self, interval_us: u64) -> SourceDay {
        let seconds = interval_us as f64 / 1e6;
        let mean = |of: fn(f64, f64) -> f64| {
            let sum: f64 = self.rates.iter().map(|rate| of(*rate, seconds)).sum();
            sum / BUCKETS as f64
        };
        SourceDay {
            calls: (DAY / interval_us).min(u64::from(u32::MAX)) as u32,
            mean_age_us: mean(mean_age) * 1e6,
            fresh: mean(fresh_share),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    const MINUTE_US: i64 = 60_000_000;

    fn planned(changes_per_day: &[f64]) -> Source {
        Source {
            pace: Pace::Planned {
                group: "cloud".into(),
                bounds: Bounds::check(MINUTE_US, 24 * 60 * MINUTE_US).unwrap(),
                weight: 1.0,
            },
            changes_per_day: changes_per_day.into(),
        }
    }

    /// The mean age of all in seconds, and how many calls that took.
    fn day(sources: &[Source], per_day: u32) -> (f64, u32) {
        let budget = Budget {
            per_minute: None,
            per_day: Some(per_day),
            reserve: 0.0,
            reset_minute: 0,
            night: None,
        };
        let day = simulate(0, &[("cloud".into(), budget)], sources).unwrap();
        let age_us: f64 = day.sources.iter().map(|source| source.mean_age_us).sum();
        let calls = day.sources.iter().map(|source| source.calls).sum();
        (age_us / 1e6 / sources.len() as f64, calls)
    }

    fn evenly(sources: &[Source], calls: u32) -> f64 {
        let interval_us = DAY / (u64::from(calls) / sources.len() as u64);
        let fixed = |source: &Source| Source {
            pace: Pace::Fixed(interval_us.cast_signed()),
            ..source.clone()
        };
        let fixed: Vec<Source> = sources.iter().map(fixed).collect();
        day(&fixed, 1).0
    }

    /// It changes for three hours and rests: what changed last is not left until
    /// it changes again.
    #[test]
    fn a_source_that_rests_is_asked_once_more() {
        let resting = planned(&[0.0, 0.0, 0.0, 16.0, 0.0, 0.0, 0.0, 0.0]);
        let sources = [planned(&[96.0]), resting];
        let (planned, calls) = day(&sources, 60);
        assert!((50..=60).contains(&calls), "{calls}");
        let evenly = evenly(&sources, calls);
        assert!(planned < 0.75 * evenly, "{planned} {evenly}");
    }

    #[test]
    fn a_long_interval_is_played_call_by_call() {
        // Asked every 6 hours, it changes in the second eighth only, and is seen
        // three hours after that.
        let source = Source {
            pace: Pace::Fixed(6 * 60 * MINUTE_US),
            changes_per_day: vec![0.0, 1e6, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        };
        let day = simulate(0, &[], &[source]).unwrap();
        let source = day.sources[0];
        assert_eq!(source.calls, 4);
        // From 3 to 6 o'clock it ages from nothing to three hours.
        let expected = 0.5 * 3.0 * 3.0 / 24.0 * 3_600.0;
        let age_s = source.mean_age_us / 1e6;
        assert!((age_s / expected - 1.0).abs() < 1e-3, "{age_s} {expected}");
        assert!((source.fresh - 21.0 / 24.0).abs() < 1e-3);
    }
}
