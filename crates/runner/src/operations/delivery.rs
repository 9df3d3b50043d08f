//! Bringing batches to several sinks.

use super::operations;
use crate::wit::delivery::{Delivery as Next, Failure, Settings, Status};
use crate::wit::types::Instant;

operations! {
    /// The interface `delivery`.
    trait Delivery;

    fallible sink_register(name: &str, settings: Settings) -> u32 = weirhouse_core_delivery.call_register;
    fallible sink_unregister(sink: u32) -> () = weirhouse_core_delivery.call_unregister;
    plain poll_delivery() -> Option<Next> = weirhouse_core_delivery.call_poll;
    fallible delivery_succeeded(now: Instant, sink: u32, number: u64, latency: i64) -> ()
        = weirhouse_core_delivery.call_succeeded;
    fallible delivery_failed(now: Instant, sink: u32, number: u64, failure: Failure) -> Option<u64>
        = weirhouse_core_delivery.call_failed;
    plain sink_statuses() -> Vec<Status> = weirhouse_core_delivery.call_statuses;
}
