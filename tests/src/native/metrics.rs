//! How long things take.

use weirhouse_core as core;
use weirhouse_runner::operations::Metrics;
use weirhouse_runner::wit::metrics::Summary;

use super::{Answer, Native, refused};

impl Metrics for Native {
    fn metric_intern(&mut self, names: &[String]) -> Answer<Vec<u32>> {
        Ok(self.0.metrics.intern(names))
    }

    fn metric_record(&mut self, metrics: &[u32], micros: &[f64]) -> Answer<u32> {
        self.0
            .metrics
            .record_samples(metrics, micros)
            .map_err(refused)
    }

    fn metric_summary(&mut self, name: &str) -> Answer<Option<Summary>> {
        Ok(self.0.metrics.summary_of(name).map(summary))
    }

    fn metric_summaries(&mut self) -> Answer<Vec<Summary>> {
        Ok(self
            .0
            .metrics
            .summaries()
            .into_iter()
            .map(summary)
            .collect())
    }

    fn metric_reset(&mut self) -> Answer<()> {
        self.0.metrics.reset();
        Ok(())
    }
}

fn summary(summary: core::metrics::Summary) -> Summary {
    Summary {
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
