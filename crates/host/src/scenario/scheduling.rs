//! Refreshes.

use serde::Serialize;
use weirhouse_runner::wit::schedule::{Bounds, Class, Volatility};
use weirhouse_runner::wit::types::Instant;
use weirhouse_runner::{Fault, Optimizer};

use super::arguments::{Entity, Interval, Register};
use super::micros::Micros;
use super::output::{Outcome, Problem, answer, ok};
use super::planning::bounds;
use super::session::Session;

#[derive(Serialize)]
struct Registered {
    interval: Micros,
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
