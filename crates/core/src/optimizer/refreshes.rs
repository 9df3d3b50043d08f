//! Entities that are to be refreshed.

use super::Optimizer;
use crate::Error;
use crate::schedule::{self, Bounds, Class, Volatility};
use crate::time::Instant;

impl Optimizer {
    /// Asks for a refresh of an entity every `interval_us`.
    pub fn register(&mut self, now: Instant, entity: u32, interval_us: i64) -> Result<(), Error> {
        self.entities.check_state(entity)?;
        self.try_at(now, |optimizer, now| {
            optimizer.schedule.register(now, entity, interval_us)
        })
    }

    /// Registers with the interval of a class; gives it, in microseconds.
    pub fn register_class(
        &mut self,
        now: Instant,
        entity: u32,
        class: Class,
        volatility: Volatility,
    ) -> Result<u64, Error> {
        let interval_us = schedule::interval_us(class, volatility);
        self.register(now, entity, interval_us.cast_signed())?;
        Ok(interval_us)
    }

    /// Registers with an interval that follows the changes reported; gives the
    /// one it starts with.
    pub fn register_measured(
        &mut self,
        now: Instant,
        entity: u32,
        bounds: Bounds,
    ) -> Result<u64, Error> {
        self.entities.check_state(entity)?;
        self.try_at(now, |optimizer, now| {
            optimizer.schedule.register_measured(now, entity, bounds)
        })
    }

    /// Registers as member of a group of the schedule.
    pub fn register_planned(
        &mut self,
        now: Instant,
        entity: u32,
        group: &str,
        bounds: Bounds,
        weight: f64,
    ) -> Result<(), Error> {
        self.entities.check_state(entity)?;
        self.try_at(now, |optimizer, now| {
            let schedule = &mut optimizer.schedule;
            schedule.register_planned(now, entity, group, bounds, weight)
        })
    }
}
