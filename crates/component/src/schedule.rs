//! When to ask a source again.

use weirhouse_core::{Optimizer, schedule};

use crate::wit::exports::weirhouse::core::schedule::{Class, Error, Guest, Instant, Volatility};
use crate::{Component, with};

impl Guest for Component {
    fn set_shortest(interval: i64) -> Result<(), Error> {
        Ok(with(|optimizer| optimizer.set_shortest_interval(interval))?)
    }

    fn register(now: Instant, entity: u32, interval: i64) -> Result<(), Error> {
        Ok(with(|optimizer| {
            optimizer.register(now.into(), entity, interval)
        })?)
    }

    fn register_class(
        now: Instant,
        entity: u32,
        class: Class,
        volatility: Volatility,
    ) -> Result<i64, Error> {
        let class = match class {
            Class::Gps => schedule::Class::Gps,
            Class::Walk => schedule::Class::Walk,
            Class::Feeding => schedule::Class::Feeding,
            Class::Health => schedule::Class::Health,
            Class::Weather => schedule::Class::Weather,
            Class::Other => schedule::Class::Other,
        };
        let volatility = match volatility {
            Volatility::High => schedule::Volatility::High,
            Volatility::Medium => schedule::Volatility::Medium,
            Volatility::Low => schedule::Volatility::Low,
        };
        let interval_us =
            with(|optimizer| optimizer.register_class(now.into(), entity, class, volatility))?;
        Ok(interval_us.cast_signed())
    }

    fn unregister(entity: u32) -> bool {
        with(|optimizer| optimizer.unregister(entity))
    }

    fn interval_of(entity: u32) -> Option<i64> {
        with(|optimizer| optimizer.interval_of(entity)).map(u64::cast_signed)
    }

    fn poll_refresh() -> Vec<u32> {
        with(Optimizer::poll_refresh)
    }
}
