//! How long things take.

use super::operations;
use crate::wit::metrics::Summary;

operations! {
    /// The interface `metrics`.
    trait Metrics;

    plain metric_intern(names: &[String]) -> Vec<u32> = weirhouse_core_metrics.call_intern;
    fallible metric_record(metrics: &[u32], micros: &[f64]) -> u32 = weirhouse_core_metrics.call_record_samples;
    plain metric_summary(name: &str) -> Option<Summary> = weirhouse_core_metrics.call_summary_of;
    plain metric_summaries() -> Vec<Summary> = weirhouse_core_metrics.call_summaries;
    plain metric_reset() -> () = weirhouse_core_metrics.call_reset;
}
