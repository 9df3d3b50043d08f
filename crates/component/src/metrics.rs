//! Numbers about operations.

use weirhouse_core::Optimizer;
use weirhouse_core::metrics as core;

use crate::wit::exports::weirhouse::core::metrics::{
    Counter, Error, Gauge, Guest, History, Instant, Key, Kind, Overview, Recorded, Samples,
    Settings, SlowOperation, Summary,
};
use crate::{Component, with};

impl Guest for Component {
    fn configure(settings: Settings) -> Result<(), Error> {
        let settings = core_settings(settings);
        Ok(with(|optimizer| optimizer.metrics.configure(settings))?)
    }

    fn intern(kind: Kind, keys: Vec<Key>) -> Result<Vec<u32>, Error> {
        let keys: Vec<_> = keys.into_iter().map(core_key).collect::<Result<_, _>>()?;
        Ok(with(|optimizer| {
            optimizer.metrics.intern(core_kind(kind), &keys)
        }))
    }

    fn encode(key: Key) -> Result<String, Error> {
        Ok(core_key(key)?.to_string())
    }

    fn record_samples(now: Instant, samples: Samples) -> Result<Recorded, Error> {
        let recorded = with(|optimizer| {
            let samples = core::Samples {
                metrics: &samples.metrics,
                micros: &samples.micros,
                failed: &samples.failed,
                requests: &samples.requests,
            };
            optimizer.try_at(now.into(), |optimizer, now| {
                optimizer.metrics.record_samples(now, samples)
            })
        })?;
        Ok(Recorded {
            refused: recorded.refused,
            slow: recorded.slow,
        })
    }

    fn add_counts(now: Instant, metrics: Vec<u32>, amounts: Vec<u64>) -> Result<(), Error> {
        Ok(with(|optimizer| {
            optimizer.try_at(now.into(), |optimizer, now| {
                optimizer.metrics.add_counts(now, &metrics, &amounts)
            })
        })?)
    }

    fn set_gauges(now: Instant, metrics: Vec<u32>, values: Vec<f64>) -> Result<u32, Error> {
        Ok(with(|optimizer| {
            optimizer.try_at(now.into(), |optimizer, now| {
                optimizer.metrics.set_gauges(now, &metrics, &values)
            })
        })?)
    }

    fn summary_of(key: Key) -> Result<Option<Summary>, Error> {
        let key = core_key(key)?;
        Ok(with(|optimizer| optimizer.metrics.summary_of(&key))
            .as_ref()
            .map(summary))
    }

    fn recent(now: Instant, key: Key) -> Result<Option<Summary>, Error> {
        let key = core_key(key)?;
        let found = with(|optimizer: &mut Optimizer| {
            let now = optimizer.moment(now.into());
            optimizer.metrics.recent(now, &key)
        });
        Ok(found.as_ref().map(summary))
    }

    fn summaries() -> Vec<Summary> {
        let summaries = with(|optimizer| optimizer.metrics.summaries());
        summaries.iter().map(summary).collect()
    }

    fn counters() -> Vec<Counter> {
        let counters = with(|optimizer| optimizer.metrics.counters()).into_iter();
        counters
            .map(|counter| Counter {
                key: key(&counter.key),
                total: counter.total,
            })
            .collect()
    }

    fn gauges() -> Vec<Gauge> {
        let gauges = with(|optimizer| optimizer.metrics.gauges()).into_iter();
        gauges
            .map(|gauge| Gauge {
                key: key(&gauge.key),
                value: gauge.value,
            })
            .collect()
    }

    fn at_most(timer: u32, bounds: Vec<f64>) -> Result<Vec<u64>, Error> {
        Ok(with(|optimizer| optimizer.metrics.at_most(timer, &bounds))?)
    }

    fn summarize() -> Overview {
        overview(&with(|optimizer| optimizer.metrics.overview()))
    }

    fn slow_operations() -> Vec<SlowOperation> {
        let slow = with(|optimizer| optimizer.metrics.slow_operations());
        slow.into_iter().map(slow_operation).collect()
    }

    fn history_of(now: Instant, kind: Kind, key: Key) -> Result<Option<History>, Error> {
        let key = core_key(key)?;
        let found = with(|optimizer: &mut Optimizer| {
            let now = optimizer.moment(now.into());
            optimizer.metrics.history_of(now, core_kind(kind), &key)
        });
        Ok(found.map(history))
    }

    fn reset() {
        with(|optimizer| optimizer.metrics.reset());
    }
}

fn core_kind(kind: Kind) -> core::Kind {
    match kind {
        Kind::Timer => core::Kind::Timer,
        Kind::Counter => core::Kind::Counter,
        Kind::Gauge => core::Kind::Gauge,
    }
}

fn core_key(key: Key) -> Result<core::Key, weirhouse_core::Error> {
    core::Key::new(key.name, key.tags)
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
