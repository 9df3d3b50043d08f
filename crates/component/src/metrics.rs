//! How long things take.

use weirhouse_core::metrics;

use crate::wit::exports::weirhouse::core::metrics::{Error, Guest, Summary};
use crate::{Component, with};

impl Guest for Component {
    fn intern(names: Vec<String>) -> Vec<u32> {
        with(|optimizer| optimizer.metrics.intern(&names))
    }

    fn record_samples(metrics: Vec<u32>, micros: Vec<f64>) -> Result<u32, Error> {
        Ok(with(|optimizer| {
            optimizer.metrics.record_samples(&metrics, &micros)
        })?)
    }

    fn summary_of(name: String) -> Option<Summary> {
        with(|optimizer| optimizer.metrics.summary_of(&name)).map(Summary::from)
    }

    fn summaries() -> Vec<Summary> {
        with(|optimizer| optimizer.metrics.summaries())
            .into_iter()
            .map(Summary::from)
            .collect()
    }

    fn reset() {
        with(|optimizer| optimizer.metrics.reset());
    }
}

impl From<metrics::Summary> for Summary {
    fn from(summary: metrics::Summary) -> Self {
        Self {
            name: summary.name,
            count: summary.count,
            mean: summary.mean,
            min: summary.min,
            max: summary.max,
            p50: summary.p50,
            p95: summary.p95,
            p99: summary.p99,
        }
    }
}
