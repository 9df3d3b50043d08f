//! Numbers about operations.

use weirhouse_core::metrics as core;
use weirhouse_runner::operations::Metrics;
use weirhouse_runner::wit::metrics::{
    Counter, Gauge, History, Key, Kind, Overview, Recorded, Samples, Settings, SlowOperation,
    Summary,
};
use weirhouse_runner::wit::types::Instant;

use super::{Answer, Native, instant, refused};

impl Metrics for Native {
    fn metrics_configure(&mut self, settings: Settings) -> Answer<()> {
        self.0
            .metrics
            .configure(core_settings(settings))
            .map_err(refused)
    }

    fn metric_intern(&mut self, kind: Kind, keys: &[Key]) -> Answer<Vec<u32>> {
        let keys: Vec<_> = keys.iter().map(core_key).collect::<Answer<_>>()?;
        Ok(self.0.metrics.intern(core_kind(kind), &keys))
    }

    fn metric_encode(&mut self, key: &Key) -> Answer<String> {
        Ok(core_key(key)?.to_string())
    }

    fn metric_record(&mut self, now: Instant, samples: &Samples) -> Answer<Recorded> {
        let samples = core::Samples {
            metrics: &samples.metrics,
            micros: &samples.micros,
            failed: &samples.failed,
            requests: &samples.requests,
        };
        let recorded = self.0.try_at(instant(now), |optimizer, now| {
            optimizer.metrics.record_samples(now, samples)
        });
        let recorded = recorded.map_err(refused)?;
        Ok(Recorded {
            refused: recorded.refused,
            slow: recorded.slow,
        })
    }

    fn metric_add(&mut self, now: Instant, metrics: &[u32], amounts: &[u64]) -> Answer<()> {
        let added = self.0.try_at(instant(now), |optimizer, now| {
            optimizer.metrics.add_counts(now, metrics, amounts)
        });
        added.map_err(refused)
    }

    fn metric_set(&mut self, now: Instant, metrics: &[u32], values: &[f64]) -> Answer<u32> {
        let set = self.0.try_at(instant(now), |optimizer, now| {
            optimizer.metrics.set_gauges(now, metrics, values)
        });
        set.map_err(refused)
    }

    fn metric_summary(&mut self, key: &Key) -> Answer<Option<Summary>> {
        Ok(self
            .0
            .metrics
            .summary_of(&core_key(key)?)
            .as_ref()
            .map(summary))
    }

    fn metric_recent(&mut self, now: Instant, key: &Key) -> Answer<Option<Summary>> {
        let key = core_key(key)?;
        let now = self.0.moment(instant(now));
        let found = self.0.metrics.recent(now, &key);
        Ok(found.as_ref().map(summary))
    }

    fn metric_summaries(&mut self) -> Answer<Vec<Summary>> {
        let summaries = self.0.metrics.summaries();
        Ok(summaries.iter().map(summary).collect())
    }

    fn metric_counters(&mut self) -> Answer<Vec<Counter>> {
        let counters = self.0.metrics.counters().into_iter();
        Ok(counters
            .map(|counter| Counter {
                key: key(&counter.key),
                total: counter.total,
            })
            .collect())
    }

    fn metric_gauges(&mut self) -> Answer<Vec<Gauge>> {
        let gauges = self.0.metrics.gauges().into_iter();
        Ok(gauges
            .map(|gauge| Gauge {
                key: key(&gauge.key),
                value: gauge.value,
            })
            .collect())
    }

    fn metric_at_most(&mut self, timer: u32, bounds: &[f64]) -> Answer<Vec<u64>> {
        self.0.metrics.at_most(timer, bounds).map_err(refused)
    }

    fn metric_overview(&mut self) -> Answer<Overview> {
        Ok(overview(&self.0.metrics.overview()))
    }

    fn metric_slow(&mut self) -> Answer<Vec<SlowOperation>> {
        let slow = self.0.metrics.slow_operations();
        Ok(slow.into_iter().map(slow_operation).collect())
    }

    fn metric_history(&mut self, now: Instant, kind: Kind, key: &Key) -> Answer<Option<History>> {
        let key = core_key(key)?;
        let now = self.0.moment(instant(now));
        let found = self.0.metrics.history_of(now, core_kind(kind), &key);
        Ok(found.map(history))
    }

    fn metric_reset(&mut self) -> Answer<()> {
        self.0.metrics.reset();
        Ok(())
    }
}

fn core_kind(kind: Kind) -> core::Kind {
    match kind {
        Kind::Timer => core::Kind::Timer,
        Kind::Counter => core::Kind::Counter,
        Kind::Gauge => core::Kind::Gauge,
    }
}

fn core_key(key: &Key) -> Answer<core::Key> {
    core::Key::new(key.name.clone(), key.tags.clone()).map_err(refused)
}

fn key(key: &core::Key) -> Key {
    Key {
        name: key.name().to_owned(),
        tags: key.tags().to_vec(),
    }
}

fn core_settings(settings: Settings) -> core::Settings {
    core::Settings {
        enabled: settings.enabled,
        names: settings.names,
        slow_over_us: settings.slow_over,
        slow_list: settings.slow_list,
        history_interval_us: settings.history_interval,
        history_points: settings.history_points,
        history_metrics: settings.history_metrics,
        window_us: settings.window,
    }
}

fn summary(summary: &core::Summary) -> Summary {
    Summary {
        key: key(&summary.key),
        count: summary.count,
        failed: summary.failed,
        slow: summary.slow,
        sum: summary.sum,
        mean: summary.mean,
        min: summary.min,
        max: summary.max,
        p50: summary.p50,
        p95: summary.p95,
        p99: summary.p99,
    }
}

fn overview(overview: &core::Overview) -> Overview {
    Overview {
        metrics: overview.metrics,
        samples: overview.samples,
        failed: overview.failed,
        slow: overview.slow,
        refused: overview.refused,
        slowest: overview.slowest.iter().map(summary).collect(),
        most_called: overview.most_called.iter().map(summary).collect(),
    }
}

fn slow_operation(slow: core::SlowOperation) -> SlowOperation {
    SlowOperation {
        key: key(&slow.key),
        micros: slow.micros,
        failed: slow.failed,
        request: slow.request,
        dated: slow.dated_us,
    }
}

fn history(history: core::History) -> History {
    History {
        interval: history.interval_us.cast_signed(),
        start: history.from_us,
        counts: history.counts,
        sums: history.sums,
        maxima: history.maxima,
    }
}
