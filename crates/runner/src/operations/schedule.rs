//! When to ask a source again.

use super::operations;
use crate::wit::schedule::{Bounds, Budget, Class, GroupStatus, SimulatedDay, Source, Volatility};
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
    fallible register_measured(now: Instant, entity: u32, bounds: Bounds) -> i64
        = weirhouse_core_schedule.call_register_measured;
    fallible register_planned(now: Instant, entity: u32, group: &str, bounds: Bounds, weight: f64) -> ()
        = weirhouse_core_schedule.call_register_planned;
    fallible set_group(now: Instant, name: &str, budget: Budget) -> () = weirhouse_core_schedule.call_set_group;
    plain remove_group(name: &str) -> bool = weirhouse_core_schedule.call_remove_group;
    plain status_of_group(now: Instant, name: &str) -> Option<GroupStatus> = weirhouse_core_schedule.call_status_of_group;
    fallible report(now: Instant, entities: &[u32], changed: &[bool]) -> u32 = weirhouse_core_schedule.call_report;
    fallible ask(now: Instant, entity: u32, urgent: bool) -> Option<u64> = weirhouse_core_schedule.call_ask;
    plain next_of(entity: u32) -> Option<u64> = weirhouse_core_schedule.call_next_of;
    plain changes_per_day(entity: u32) -> Option<f64> = weirhouse_core_schedule.call_changes_per_day;
    fallible simulate(now: Instant, groups: &[(String, Budget)], sources: &[Source]) -> SimulatedDay
        = weirhouse_core_schedule.call_simulate;
    plain poll_refresh() -> Vec<u32> = weirhouse_core_schedule.call_poll_refresh;
}
