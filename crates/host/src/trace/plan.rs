//! How a day of refreshes would go, were things to change as in a trace.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;
use weirhouse_runner::Fault;
use weirhouse_runner::operations::Optimizer;
use weirhouse_runner::wit::entities::Series;
use weirhouse_runner::wit::schedule::{Budget, Membership, Pace, Source};
use weirhouse_runner::wit::types::Instant;

use super::ChangeRates;
use super::report::layout;
use crate::hub::Refresh;

const DAY_US: f64 = 86_400e6;

/// A simulated day.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DayPlan {
    /// How long the trace is, in seconds.
    pub trace_s: f64,
    /// In the order in which they are configured.
    pub entities: Vec<PlannedEntity>,
    /// By name.
    pub budgets: BTreeMap<String, PlannedBudget>,
    /// Entities that are configured and not in the trace; nothing can be said of
    /// them.
    pub unknown: Vec<String>,
}

/// How the day goes for one entity.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlannedEntity {
    /// Its name.
    pub entity: String,
    /// The budget its refreshes come out of.
    pub budget: Option<String>,
    /// How often it changes, as the trace has it.
    pub changes_per_day: f64,
    /// How often it is refreshed.
    pub refreshes: u32,
    /// How long its oldest change has not been seen, on average, in seconds.
    pub stale_s: f64,
    /// The share of the day in which everything was seen, 0 to 1.
    pub fresh: f64,
}

/// How a budget is spent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlannedBudget {
    /// Entities of the trace that are refreshed out of it.
    pub entities: usize,
    /// Refreshes that come out of it.
    pub refreshes: u32,
    /// The same in each hour of the day, UTC.
    pub by_hour: Vec<u32>,
    /// As `stale_s` of its entities, on average.
    pub stale_s: f64,
    /// What that would be if each were refreshed equally often, as many times
    /// together; `None` where there are none.
    pub evenly_stale_s: Option<f64>,
}

/// Simulates a day from midnight UTC, in a fresh optimizer.
///
/// # Errors
/// When the optimizer refuses it, as for more than 2,000 entities or budgets of
/// more than 100,000 refreshes a day.
pub fn plan(
    optimizer: &mut dyn Optimizer,
    refreshes: &[(String, Refresh)],
    budgets: &[(String, Budget)],
    rates: &ChangeRates,
) -> Result<DayPlan, Fault> {
    let mut known = Vec::new();
    let mut unknown = Vec::new();
    for (entity, refresh) in refreshes {
        match rates.per_day(entity) {
            Some(changes_per_day) => {
                let pace = pace(optimizer, entity, refresh)?;
                let source = Source {
                    pace,
                    changes_per_day,
                };
                known.push((entity, source));
            }
            None => unknown.push(entity.clone()),
        }
    }
    let sources: Vec<Source> = known.iter().map(|(_, source)| source.clone()).collect();
    let day = optimizer.simulate(MIDNIGHT, budgets, &sources)?;
    let columns = day.calls.iter().zip(&day.mean_age).zip(&day.fresh);
    let entities = known.iter().zip(columns);
    let entities: Vec<PlannedEntity> = entities
        .map(
            |((entity, source), ((&refreshes, &age_us), &fresh))| PlannedEntity {
                entity: (*entity).clone(),
                budget: budget_of(source).map(str::to_owned),
                changes_per_day: mean(source.changes_per_day.iter().copied()),
                refreshes,
                stale_s: age_us / 1e6,
                fresh,
            },
        )
        .collect();
    let mut spent = BTreeMap::new();
    for ((name, _), by_hour) in budgets.iter().zip(day.by_hour) {
        let refreshes = by_hour.iter().sum();
        let members = entities.iter();
        let members = members.filter(|it| it.budget.as_ref() == Some(name));
        let budget = PlannedBudget {
            entities: members.clone().count(),
            refreshes,
            by_hour,
            stale_s: mean(members.map(|it| it.stale_s)),
            evenly_stale_s: evenly(optimizer, name, &sources, refreshes)?,
        };
        spent.insert(name.clone(), budget);
    }
    Ok(DayPlan {
        trace_s: rates.duration.as_secs_f64(),
        entities,
        budgets: spent,
        unknown,
    })
}

const MIDNIGHT: Instant = Instant { mono: 0, wall: 0 };

/// How stale the entities of a budget would be on average if each had as many of
/// its refreshes.
fn evenly(
    optimizer: &mut dyn Optimizer,
    budget: &str,
    sources: &[Source],
    refreshes: u32,
) -> Result<Option<f64>, Fault> {
    let members = sources.iter().filter(|it| budget_of(it) == Some(budget));
    let mut members: Vec<Source> = members.cloned().collect();
    if members.is_empty() || refreshes == 0 {
        return Ok(None);
    }
    let interval_us = DAY_US * members.len() as f64 / f64::from(refreshes);
    for member in &mut members {
        member.pace = Pace::Fixed(interval_us as i64);
    }
    let day = optimizer.simulate(MIDNIGHT, &[], &members)?;
    Ok(Some(mean(day.mean_age.iter().map(|age_us| age_us / 1e6))))
}

/// How an entity is to be refreshed, as the simulation takes it. What interval a
/// class has the optimizer knows.
fn pace(optimizer: &mut dyn Optimizer, entity: &str, refresh: &Refresh) -> Result<Pace, Fault> {
    Ok(match refresh {
        Refresh::Every(interval) => Pace::Fixed(micros(*interval)),
        Refresh::Class(class, volatility) => {
            let name = Series {
                entity: entity.to_owned(),
                attribute: None,
            };
            let handles = optimizer.intern(&[name])?;
            let mut interval_us = 0;
            for handle in handles {
                optimizer.register_class(MIDNIGHT, handle, *class, *volatility)?;
                interval_us = optimizer.interval_of(handle)?.unwrap_or_default();
                optimizer.unregister(handle)?;
            }
            Pace::Fixed(interval_us)
        }
        Refresh::Measured(bounds) => Pace::Measured(*bounds),
        Refresh::Planned {
            budget,
            bounds,
            weight,
        } => Pace::Planned(Membership {
            group: budget.clone(),
            bounds: *bounds,
            weight: *weight,
        }),
    })
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

fn budget_of(source: &Source) -> Option<&str> {
    match &source.pace {
        Pace::Planned(membership) => Some(&membership.group),
        Pace::Fixed(_) | Pace::Measured(_) => None,
    }
}

/// 0 of nothing.
fn mean(figures: impl Iterator<Item = f64>) -> f64 {
    let (count, sum) = figures.fold((0_u32, 0.0), |(count, sum), it| (count + 1, sum + it));
    if count == 0 {
        0.0
    } else {
        sum / f64::from(count)
    }
}

impl DayPlan {
    /// A table for people. Ends in a line break.
    pub fn table(&self) -> String {
        let head = [
            "entity",
            "budget",
            "changes",
            "refreshes",
            "stale",
            "up to date",
        ];
        let mut rows = vec![head.map(str::to_owned)];
        rows.extend(self.entities.iter().map(|it| {
            [
                it.entity.clone(),
                it.budget.clone().unwrap_or_else(|| "-".to_owned()),
                format!("{:.0}", it.changes_per_day),
                it.refreshes.to_string(),
                span(it.stale_s),
                format!("{:.1} %", it.fresh * 100.0),
            ]
        }));
        let mut text = layout(&rows);
        for (name, budget) in &self.budgets {
            if budget.entities == 0 {
                let _ = writeln!(text, "budget {name}: for nothing in the trace");
                continue;
            }
            let evenly = budget.evenly_stale_s.map_or_else(String::new, |evenly_s| {
                format!(", {} if they were spread evenly", span(evenly_s))
            });
            let by_hour: Vec<String> = budget.by_hour.iter().map(u32::to_string).collect();
            let _ = writeln!(
                text,
                "budget {name}: {} refreshes, its entities stale for {} on average{evenly}; by hour, UTC: {}",
                budget.refreshes,
                span(budget.stale_s),
                by_hour.join(" ")
            );
        }
        let _ = writeln!(
            text,
            "a day with changes as often as in {} of trace; stale is how long the oldest change has not been seen, on average",
            span(self.trace_s)
        );
        if !self.unknown.is_empty() {
            let _ = writeln!(text, "not in the trace: {}", self.unknown.join(", "));
        }
        text
    }
}

/// A span of seconds in its largest unit, to two or three digits.
fn span(seconds: f64) -> String {
    let (figure, unit) = match seconds {
        ..60.0 => (seconds, "s"),
        60.0..3_600.0 => (seconds / 60.0, "min"),
        3_600.0..86_400.0 => (seconds / 3_600.0, "h"),
        _ => (seconds / 86_400.0, "d"),
    };
    let digits = usize::from(figure < 10.0);
    format!("{figure:.digits$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_a_unit() {
        for (seconds, text) in [
            (0.0, "0.0 s"),
            (59.0, "59 s"),
            (90.0, "1.5 min"),
            (7_200.0, "2.0 h"),
            (86_400.0 * 12.0, "12 d"),
        ] {
            assert_eq!(span(seconds), text);
        }
    }
}
