//! What must leave the store.

use super::operations;
use crate::wit::removals::{Removal, Totals};
use crate::wit::types::Instant;

operations! {
    /// The interface `removals`.
    trait Removals;

    plain removals_poll(most: u32) -> Vec<Removal> = weirhouse_core_removals.call_poll;
    plain removals_removed(now: Instant, before: i64, put_at: &[i64]) -> Vec<u8> = weirhouse_core_removals.call_removed;
    fallible removals_acknowledge(sequence: u64) -> u32 = weirhouse_core_removals.call_acknowledge;
    plain removals_clear_affected(now: Instant, event: &str) -> Vec<String>
        = weirhouse_core_removals.call_clear_affected;
    plain removal_totals() -> Totals = weirhouse_core_removals.call_statistics;
}
