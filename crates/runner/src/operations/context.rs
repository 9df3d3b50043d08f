//! Which entities to show a reader of so many tokens.

use super::operations;
use crate::wit::context::{Request, Selection, Totals};
use crate::wit::types::Instant;

operations! {
    /// The interface `context`.
    trait Context;

    fallible context_offer(now: Instant, form: u32, entities: &[u32], digests: &[u64], sections: &[u32], areas: &[u32], importance: &[f64], ages: &[i64]) -> Vec<u8>
        = weirhouse_core_context.call_offer;
    fallible context_count(form: u32, entities: &[u32], tokens: &[u32]) -> () = weirhouse_core_context.call_count;
    plain context_withdraw(entities: &[u32]) -> u32 = weirhouse_core_context.call_withdraw;
    fallible context_select(now: Instant, request: &Request) -> Selection = weirhouse_core_context.call_select;
    plain context_totals() -> Totals = weirhouse_core_context.call_statistics;
}
