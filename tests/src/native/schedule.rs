//! When to ask a source again.

use weirhouse_core as core;
use weirhouse_runner::operations::Schedule;
use weirhouse_runner::wit::schedule::{Class, Volatility};
use weirhouse_runner::wit::types::Instant;

use super::{Answer, Native, instant, refused};

impl Schedule for Native {
    fn set_shortest_interval(&mut self, interval: i64) -> Answer<()> {
        self.0.set_shortest_interval(interval).map_err(refused)
    }

    fn register(&mut self, now: Instant, entity: u32, interval: i64) -> Answer<()> {
        self.0
            .register(instant(now), entity, interval)
            .map_err(refused)
    }

    fn register_class(
        &mut self,
        now: Instant,
        entity: u32,
        class: Class,
        volatility: Volatility,
    ) -> Answer<i64> {
        use core::schedule as native;
        let class = match class {
            Class::Gps => native::Class::Gps,
            Class::Walk => native::Class::Walk,
            Class::Feeding => native::Class::Feeding,
            Class::Health => native::Class::Health,
            Class::Weather => native::Class::Weather,
            Class::Other => native::Class::Other,
        };
        let volatility = match volatility {
            Volatility::High => native::Volatility::High,
            Volatility::Medium => native::Volatility::Medium,
            Volatility::Low => native::Volatility::Low,
        };
        let interval = self
            .0
            .register_class(instant(now), entity, class, volatility);
        interval.map(u64::cast_signed).map_err(refused)
    }

    fn unregister(&mut self, entity: u32) -> Answer<bool> {
        Ok(self.0.unregister(entity))
    }

    fn interval_of(&mut self, entity: u32) -> Answer<Option<i64>> {
        Ok(self.0.interval_of(entity).map(u64::cast_signed))
    }

    fn poll_refresh(&mut self) -> Answer<Vec<u32>> {
        Ok(self.0.poll_refresh())
    }
}
