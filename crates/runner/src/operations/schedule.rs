//! When to ask a source again.

use super::operations;
use crate::wit::schedule::{Class, Volatility};
use crate::wit::types::Instant;

operations! {
    /// The interface `schedule`.
    trait Schedule;

    fallible register(now: Instant, entity: u32, interval: i64) -> () = weirhouse_core_schedule.call_register;
    fallible register_class(now: Instant, entity: u32, class: Class, volatility: Volatility) -> i64
        = weirhouse_core_schedule.call_register_class;
    fallible set_shortest_interval(interval: i64) -> () = weirhouse_core_schedule.call_set_shortest;
    plain unregister(entity: u32) -> bool = weirhouse_core_schedule.call_unregister;
    plain interval_of(entity: u32) -> Option<i64> = weirhouse_core_schedule.call_interval_of;
    plain poll_refresh() -> Vec<u32> = weirhouse_core_schedule.call_poll_refresh;
}
