//! Which readings matter, and when to pass them on together.

use super::operations;
use crate::wit::types::Instant;
use crate::wit::updates::{BatchTotals, Batching, Rule, Timed, Totals};

operations! {
    /// The interface `updates`.
    trait Updates;

    fallible set_default_rule(rule: &Rule) -> () = weirhouse_core_updates.call_set_default_rule;
    fallible set_rule(series: &[u32], rule: Option<&Rule>) -> () = weirhouse_core_updates.call_set_rule;
    fallible rule_of(series: u32) -> Rule = weirhouse_core_updates.call_rule_of;
    plain use_presets(enabled: bool) -> () = weirhouse_core_updates.call_use_presets;
    fallible reset(series: &[u32]) -> u32 = weirhouse_core_updates.call_reset;
    fallible observe_numbers(now: Instant, series: &[u32], values: &[f64], times: &[i64]) -> Vec<u8>
        = weirhouse_core_updates.call_observe_numbers;
    fallible observe_texts(now: Instant, series: &[u32], text: &str, lengths: &[u32], times: &[i64]) -> Vec<u8>
        = weirhouse_core_updates.call_observe_texts;
    fallible observe_with(now: Instant, series: u32, text: &str, time: Option<i64>, absolute: Option<f64>, percentage: Option<f64>) -> u8
        = weirhouse_core_updates.call_observe_with;
    fallible published_numbers(series: &[u32]) -> Vec<f64> = weirhouse_core_updates.call_published_numbers;
    plain poll_published() -> Timed = weirhouse_core_updates.call_poll_published;
    plain update_totals() -> Totals = weirhouse_core_updates.call_statistics;
    fallible set_batching(settings: Batching) -> () = weirhouse_core_updates.call_set_batching;
    fallible mark_dirty(now: Instant, entities: &[u32]) -> () = weirhouse_core_updates.call_mark_dirty;
    fallible drop_pending(entities: &[u32]) -> u32 = weirhouse_core_updates.call_drop_pending;
    plain poll_batch() -> Vec<u32> = weirhouse_core_updates.call_poll_batch;
    plain batch_totals() -> BatchTotals = weirhouse_core_updates.call_batch_statistics;
}
