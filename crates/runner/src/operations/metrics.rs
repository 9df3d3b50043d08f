//! Numbers about operations.

use super::operations;
use crate::wit::metrics::{
    Counter, Gauge, History, Key, Kind, Overview, Recorded, Samples, Settings, SlowOperation,
    Summary,
};
use crate::wit::types::Instant;

operations! {
    /// The interface `metrics`.
    trait Metrics;

    fallible metrics_configure(settings: Settings) -> () = weirhouse_core_metrics.call_configure;
    fallible metric_intern(kind: Kind, keys: &[Key]) -> Vec<u32> = weirhouse_core_metrics.call_intern;
    fallible metric_encode(key: &Key) -> String = weirhouse_core_metrics.call_encode;
    fallible metric_record(now: Instant, samples: &Samples) -> Recorded = weirhouse_core_metrics.call_record_samples;
    fallible metric_add(now: Instant, metrics: &[u32], amounts: &[u64]) -> () = weirhouse_core_metrics.call_add_counts;
    fallible metric_set(now: Instant, metrics: &[u32], values: &[f64]) -> u32 = weirhouse_core_metrics.call_set_gauges;
    fallible metric_summary(key: &Key) -> Option<Summary> = weirhouse_core_metrics.call_summary_of;
    fallible metric_recent(now: Instant, key: &Key) -> Option<Summary> = weirhouse_core_metrics.call_recent;
    plain metric_summaries() -> Vec<Summary> = weirhouse_core_metrics.call_summaries;
    plain metric_counters() -> Vec<Counter> = weirhouse_core_metrics.call_counters;
    plain metric_gauges() -> Vec<Gauge> = weirhouse_core_metrics.call_gauges;
    fallible metric_at_most(timer: u32, bounds: &[f64]) -> Vec<u64> = weirhouse_core_metrics.call_at_most;
    plain metric_overview() -> Overview = weirhouse_core_metrics.call_summarize;
    plain metric_slow() -> Vec<SlowOperation> = weirhouse_core_metrics.call_slow_operations;
    fallible metric_history(now: Instant, kind: Kind, key: &Key) -> Option<History>
        = weirhouse_core_metrics.call_history_of;
    plain metric_reset() -> () = weirhouse_core_metrics.call_reset;
}
