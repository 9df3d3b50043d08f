//! Every operation of the WIT world as one trait.
//!
//! [`Component`] performs them in WebAssembly. The trait is what scenarios,
//! replays and tests are written against, so that the same core compiled
//! natively can stand in as the reference. What each operation means is said
//! once, in `wit/core`.

use crate::component::Component;
use crate::fault::Fault;
use crate::wit::cache::{Lookup, Options, Place, Settings, Stamp, Stored, Totals, Usage};
use crate::wit::entities::{Facts, Series};
use crate::wit::metrics::Summary;
use crate::wit::schedule::{Class, Volatility};
use crate::wit::state::Restored;
use crate::wit::types::Instant;
use crate::wit::updates::{BatchTotals, Batching, Rule, Timed, Totals as UpdateTotals};

/// Declares the trait and forwards it to the component. `plain` operations
/// always answer; `fallible` ones may be refused by the optimizer.
macro_rules! operations {
    ($($kind:ident $name:ident($($arg:ident: $type:ty),*) -> $answer:ty
        = $interface:ident.$call:ident;)*) => {
        /// The optimizer; see `wit/core` for what each operation does.
        pub trait Optimizer {
            $(
                #[doc = concat!("Calls `", stringify!($interface), ".", stringify!($call), "`.")]
                fn $name(&mut self $(, $arg: $type)*) -> Result<$answer, Fault>;
            )*
        }

        impl Optimizer for Component {
            $(
                fn $name(&mut self $(, $arg: $type)*) -> Result<$answer, Fault> {
                    let answer = self.enter(stringify!($name), |bindings, store| {
                        bindings.$interface().$call(store $(, $arg)*)
                    })?;
                    operations!(@$kind answer)
                }
            )*
        }
    };
    (@plain $answer:ident) => { Ok($answer) };
    (@fallible $answer:ident) => { $answer.map_err(Fault::Refused) };
}

operations! {
    plain next_deadline() -> Option<u64> = weirhouse_core_clock.call_next_deadline;
    plain tick(now: Instant) -> Option<u64> = weirhouse_core_clock.call_tick;
    plain flush(now: Instant) -> () = weirhouse_core_clock.call_flush;

    fallible intern(series: &[Series]) -> Vec<u32> = weirhouse_core_entities.call_intern;
    fallible names(handles: &[u32]) -> Vec<Series> = weirhouse_core_entities.call_names;
    plain all_handles() -> Vec<u32> = weirhouse_core_entities.call_all;
    fallible release(entities: &[u32]) -> u32 = weirhouse_core_entities.call_release;
    fallible describe(entity: u32, facts: &Facts) -> () = weirhouse_core_entities.call_describe;

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
    plain update_totals() -> UpdateTotals = weirhouse_core_updates.call_statistics;
    fallible set_batching(settings: Batching) -> () = weirhouse_core_updates.call_set_batching;
    fallible mark_dirty(now: Instant, entities: &[u32]) -> () = weirhouse_core_updates.call_mark_dirty;
    fallible drop_pending(entities: &[u32]) -> u32 = weirhouse_core_updates.call_drop_pending;
    plain poll_batch() -> Vec<u32> = weirhouse_core_updates.call_poll_batch;
    plain batch_totals() -> BatchTotals = weirhouse_core_updates.call_batch_statistics;

    fallible cache_configure(namespace: Option<&str>, settings: Settings) -> () = weirhouse_core_cache.call_configure;
    fallible cache_resize(namespace: Option<&str>, capacity: u32) -> () = weirhouse_core_cache.call_resize;
    fallible cache_get(now: Instant, namespace: &str, key: &str) -> Lookup = weirhouse_core_cache.call_get;
    fallible cache_admit(now: Instant, namespace: &str, key: &str, found: Option<&Stored>) -> Option<i64>
        = weirhouse_core_cache.call_admit;
    fallible cache_warm(now: Instant, namespace: &str, key: &str, found: &Stored) -> bool = weirhouse_core_cache.call_warm;
    fallible cache_put(now: Instant, namespace: &str, key: &str, value: &[u8], options: &Options) -> Option<Stamp>
        = weirhouse_core_cache.call_put;
    fallible cache_delete(now: Instant, namespace: &str, key: &str) -> bool = weirhouse_core_cache.call_delete;
    plain cache_clear(now: Instant, namespace: Option<&str>) -> Vec<Place> = weirhouse_core_cache.call_clear;
    fallible cache_invalidate(now: Instant, namespace: &str, pattern: &str) -> Vec<Place>
        = weirhouse_core_cache.call_invalidate;
    plain cache_invalidate_tag(now: Instant, namespace: Option<&str>, tag: &str) -> Vec<Place>
        = weirhouse_core_cache.call_invalidate_tag;
    fallible cache_matching(pattern: &str, keys: &[String]) -> Vec<u8> = weirhouse_core_cache.call_matching;
    fallible cache_alive(now: Instant, put_at: &[i64], lives: &[i64]) -> Vec<u8> = weirhouse_core_cache.call_alive;
    fallible cache_set_disk_bounds(bounds: Usage) -> () = weirhouse_core_cache.call_set_disk_bounds;
    plain cache_trim(held: Usage) -> Option<Usage> = weirhouse_core_cache.call_trim;
    plain cache_sweep_before(now: Instant) -> i64 = weirhouse_core_cache.call_sweep_before;
    plain cache_note_removed(evicted: u64, expired: u64) -> () = weirhouse_core_cache.call_note_removed;
    plain cache_totals(namespace: Option<&str>) -> Totals = weirhouse_core_cache.call_statistics;
    plain cache_hottest(most: u32) -> Vec<Place> = weirhouse_core_cache.call_hottest;

    fallible register(now: Instant, entity: u32, interval: i64) -> () = weirhouse_core_schedule.call_register;
    fallible register_class(now: Instant, entity: u32, class: Class, volatility: Volatility) -> i64
        = weirhouse_core_schedule.call_register_class;
    fallible set_shortest_interval(interval: i64) -> () = weirhouse_core_schedule.call_set_shortest;
    plain unregister(entity: u32) -> bool = weirhouse_core_schedule.call_unregister;
    plain interval_of(entity: u32) -> Option<i64> = weirhouse_core_schedule.call_interval_of;
    plain poll_refresh() -> Vec<u32> = weirhouse_core_schedule.call_poll_refresh;

    plain metric_intern(names: &[String]) -> Vec<u32> = weirhouse_core_metrics.call_intern;
    fallible metric_record(metrics: &[u32], micros: &[f64]) -> u32 = weirhouse_core_metrics.call_record_samples;
    plain metric_summary(name: &str) -> Option<Summary> = weirhouse_core_metrics.call_summary_of;
    plain metric_summaries() -> Vec<Summary> = weirhouse_core_metrics.call_summaries;
    plain metric_reset() -> () = weirhouse_core_metrics.call_reset;

    plain snapshot(now: Instant) -> Vec<u8> = weirhouse_core_state.call_snapshot;
    fallible restore(now: Instant, snapshot: &[u8]) -> Restored = weirhouse_core_state.call_restore;
    plain take_hot() -> Vec<(String, String)> = weirhouse_core_state.call_take_hot;
}
