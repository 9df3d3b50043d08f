//! Refreshes and metrics.

use serde::Serialize;
use weirhouse_runner::wit::schedule::{Bounds, Class, Volatility};
use weirhouse_runner::wit::types::Instant;
use weirhouse_runner::{Fault, Optimizer};

use super::arguments::{Entity, Interval, Metric, Record, Register};
use super::micros::Micros;
use super::output::{Number, Outcome, Problem, answer, ok};
use super::planning::bounds;
use super::session::Session;

#[derive(Serialize)]
struct Registered {
    interval: Micros,
}

/// All but `count` in milliseconds.
#[derive(Serialize)]
struct Summary {
    count: u64,
    mean: Number,
    min: Number,
    max: Number,
    p50: Number,
    p95: Number,
    p99: Number,
}

impl Session<'_> {
    pub(super) fn register(&mut self, arguments: &Register) -> Outcome {
        let pace = Pace::of(arguments)?;
        let handle = self
            .series
            .intern(&mut *self.optimizer, &arguments.entity, None)?
            .entity;
        let now = self.now();
        let interval = pace.register(&mut *self.optimizer, now, handle)?;
        let entity = &arguments.entity;
        match self.schedule.iter_mut().find(|(known, _)| known == entity) {
            Some((_, known)) => *known = pace,
            None => self.schedule.push((entity.clone(), pace)),
        }
        match interval {
            Some(interval) => answer(&Registered {
                interval: Micros(interval),
            }),
            None => ok(),
        }
    }

    pub(super) fn unregister(&mut self, arguments: &Entity) -> Outcome {
        self.schedule
            .retain(|(entity, _)| *entity != arguments.entity);
        let was = match self.series.entity(&arguments.entity) {
            Some(handle) => self.optimizer.unregister(handle)?,
            None => false,
        };
        answer(&was)
    }

    pub(super) fn record(&mut self, arguments: &Record) -> Outcome {
        let metrics = self
            .optimizer
            .metric_intern(std::slice::from_ref(&arguments.name))?;
        let refused = self
            .optimizer
            .metric_record(&metrics, &[arguments.sample.0])?;
        if refused > 0 {
            return Err(Problem::invalid(
                "a sample must be finite and at least 0 ms",
            ));
        }
        ok()
    }

    /// A metric without samples, never named ones included, is all zeros.
    pub(super) fn metric(&mut self, arguments: &Metric) -> Outcome {
        let ms = |us: f64| Number(us / 1000.0);
        let found = self.optimizer.metric_summary(&arguments.name)?;
        answer(&found.map_or(
            Summary {
                count: 0,
                mean: ms(0.0),
                min: ms(0.0),
                max: ms(0.0),
                p50: ms(0.0),
                p95: ms(0.0),
                p99: ms(0.0),
            },
            |found| Summary {
                count: found.count,
                mean: ms(found.mean),
                min: ms(found.min),
                max: ms(found.max),
                p50: ms(found.p50),
                p95: ms(found.p95),
                p99: ms(found.p99),
            },
        ))
    }
}

/// How an entity is registered.
#[derive(Debug)]
pub(super) enum Pace {
    /// In microseconds.
    Every(i64),
    Class(Class, Volatility),
    Measured(Bounds),
    /// In a group, with a weight.
    Planned(String, Bounds, f64),
}

impl Pace {
    fn of(arguments: &Register) -> Result<Self, Problem> {
        if let (Some(shortest), Some(longest)) = (arguments.shortest, arguments.longest) {
            let bounds = bounds(shortest, longest);
            return Ok(match &arguments.group {
                Some(group) => {
                    Self::Planned(group.clone(), bounds, arguments.weight.unwrap_or(1.0))
                }
                None => Self::Measured(bounds),
            });
        }
        match (arguments.interval, arguments.class.as_deref()) {
            (Some(Interval::Length(Micros(interval))), _) => Ok(Self::Every(interval)),
            (Some(Interval::NotANumber), _) => Err(Problem::invalid(
                "`interval` is not a number; it must be over 0 ms",
            )),
            (None, class) => Ok(Self::Class(
                class_of(class.unwrap_or_default())?,
                volatility_of(arguments.volatility.as_deref().unwrap_or("medium"))?,
            )),
        }
    }

    /// Registers an entity; gives the interval it begins with, if it has one.
    pub(super) fn register(
        &self,
        optimizer: &mut dyn Optimizer,
        now: Instant,
        entity: u32,
    ) -> Result<Option<i64>, Fault> {
        match self {
            Self::Every(interval) => {
                optimizer.register(now, entity, *interval)?;
                Ok(Some(*interval))
            }
            Self::Class(class, volatility) => optimizer
                .register_class(now, entity, *class, *volatility)
                .map(Some),
            Self::Measured(bounds) => optimizer.register_measured(now, entity, *bounds).map(Some),
            Self::Planned(group, bounds, weight) => {
                optimizer.register_planned(now, entity, group, *bounds, *weight)?;
                Ok(None)
            }
        }
    }
}

fn class_of(name: &str) -> Result<Class, Problem> {
    Ok(match name {
        "gps" => Class::Gps,
        "walk" => Class::Walk,
        "feeding" => Class::Feeding,
        "health" => Class::Health,
        "weather" => Class::Weather,
        "other" => Class::Other,
        _ => {
            return Err(Problem::invalid(format!(
                "`class` is \"{name}\"; it is gps, walk, feeding, health, weather or other"
            )));
        }
    })
}

fn volatility_of(name: &str) -> Result<Volatility, Problem> {
    Ok(match name {
        "high" => Volatility::High,
        "medium" => Volatility::Medium,
        "low" => Volatility::Low,
        _ => {
            return Err(Problem::invalid(format!(
                "`volatility` is \"{name}\"; it is high, medium or low"
            )));
        }
    })
}
