//! Letting time pass.

use super::operations;
use crate::wit::clock::Due;
use crate::wit::types::Instant;

operations! {
    /// The interface `clock`.
    trait Clock;

    plain next_deadline() -> Option<u64> = weirhouse_core_clock.call_next_deadline;
    plain tick(now: Instant) -> Due = weirhouse_core_clock.call_tick;
    plain flush(now: Instant) -> () = weirhouse_core_clock.call_flush;
}
