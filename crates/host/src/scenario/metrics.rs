//! Timers, counters and gauges.

use std::collections::BTreeMap;

use serde::Serialize;
use weirhouse_runner::wit::metrics as wit;

use super::arguments::{AtMost, Counter, Gauge, History, Metric, Record};
use super::micros::Micros;
use super::output::{Number, Outcome, Problem, answer, ok};
use super::session::Session;

/// All but `count` in milliseconds.
#[derive(Serialize)]
struct Summary {
    count: u64,
    mean: Number,
    min: Number,
    max: Number,
    p50: Number,
    p95: Number,
    p99: Number,
}

#[derive(Serialize)]
struct Total {
    total: u64,
}

#[derive(Serialize)]
struct Value {
    value: Option<Number>,
}

/// Times in milliseconds; sums and maxima too, for a timer.
#[derive(Serialize)]
struct Past {
    interval: Micros,
    start: Micros,
    counts: Vec<u64>,
    sums: Vec<Number>,
    maxima: Vec<Number>,
}

#[derive(Serialize)]
struct Overview {
    metrics: u32,
    samples: u64,
    failed: u64,
    slow: u64,
    refused: u64,
    slowest: Vec<Leading>,
    most_called: Vec<Leading>,
}

#[derive(Serialize)]
struct Leading {
    metric: String,
    count: u64,
    failed: u64,
    slow: u64,
    mean: Number,
}

#[derive(Serialize)]
struct SlowOperation {
    metric: String,
    ms: Number,
    failed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<String>,
}

impl Session<'_> {
    pub(super) fn record(&mut self, arguments: &Record) -> Outcome {
        let metrics = self.metric_of(wit::Kind::Timer, &arguments.name, &arguments.tags)?;
        let samples = wit::Samples {
            metrics,
            micros: vec![arguments.sample.0],
            failed: vec![u8::from(arguments.failed)],
            requests: vec![arguments.request.clone()],
        };
        let now = self.now();
        let recorded = self.optimizer.metric_record(now, &samples)?;
        if recorded.refused > 0 {
            return Err(Problem::invalid(
                "a sample must be finite and at least 0 ms",
            ));
        }
        ok()
    }

    /// A metric without samples, never named ones included, is all zeros. Where
    /// windows are kept, only what lies in the window counts.
    pub(super) fn metric(&mut self, arguments: &Metric) -> Outcome {
        let key = key(&arguments.name, &arguments.tags);
        let mut found = self.optimizer.metric_summary(&key)?;
        if self.settings.metrics.window.is_some() {
            let now = self.now();
            let recent = self.optimizer.metric_recent(now, &key)?;
            if recent.is_none() && found.is_some_and(|all| all.count > 0) {
                return Err(Problem::invalid(
                    "the timer has no window: `history_metrics` others were recorded before it, or `window` was set after its last sample",
                ));
            }
            found = recent;
        }
        answer(&found.map_or(
            Summary {
                count: 0,
                mean: ms(0.0),
                min: ms(0.0),
                max: ms(0.0),
                p50: ms(0.0),
                p95: ms(0.0),
                p99: ms(0.0),
            },
            |found| Summary {
                count: found.count,
                mean: ms(found.mean),
                min: ms(found.min),
                max: ms(found.max),
                p50: ms(found.p50),
                p95: ms(found.p95),
                p99: ms(found.p99),
            },
        ))
    }

    pub(super) fn counter(&mut self, arguments: &Counter) -> Outcome {
        let metrics = self.metric_of(wit::Kind::Counter, &arguments.name, &arguments.tags)?;
        let now = self.now();
        self.optimizer.metric_add(now, &metrics, &[arguments.add])?;
        let key = sorted(&arguments.name, &arguments.tags);
        let counters = self.optimizer.metric_counters()?.into_iter();
        let own = counters.filter(|counter| counter.key == key);
        answer(
            &own.map(|counter| Total {
                total: counter.total,
            })
            .next(),
        )
    }

    pub(super) fn gauge(&mut self, arguments: &Gauge) -> Outcome {
        let metrics = self.metric_of(wit::Kind::Gauge, &arguments.name, &arguments.tags)?;
        if let Some(value) = arguments.set {
            let now = self.now();
            if self.optimizer.metric_set(now, &metrics, &[value.0])? > 0 {
                return Err(Problem::invalid("the value of a gauge must be finite"));
            }
        }
        let key = sorted(&arguments.name, &arguments.tags);
        let gauges = self.optimizer.metric_gauges()?.into_iter();
        let own = gauges.filter(|gauge| gauge.key == key);
        answer(
            &own.map(|gauge| Value {
                value: gauge.value.map(Number),
            })
            .next(),
        )
    }

    pub(super) fn history(&mut self, arguments: &History) -> Outcome {
        let (kind, unit) = match arguments.kind.as_deref() {
            None | Some("timer") => (wit::Kind::Timer, 1000.0),
            Some("counter") => (wit::Kind::Counter, 1.0),
            Some("gauge") => (wit::Kind::Gauge, 1.0),
            Some(other) => {
                return Err(Problem::invalid(format!(
                    "`kind` is \"{other}\"; it is timer, counter or gauge"
                )));
            }
        };
        let now = self.now();
        let key = key(&arguments.name, &arguments.tags);
        let found = self.optimizer.metric_history(now, kind, &key)?;
        let in_unit = |values: Vec<f64>| values.into_iter().map(|v| Number(v / unit)).collect();
        answer(&found.map(|past| Past {
            interval: Micros(past.interval),
            start: Micros(past.start.cast_signed()),
            counts: past.counts,
            sums: in_unit(past.sums),
            maxima: in_unit(past.maxima),
        }))
    }

    pub(super) fn at_most(&mut self, arguments: &AtMost) -> Outcome {
        let metrics = self.metric_of(wit::Kind::Timer, &arguments.name, &arguments.tags)?;
        let bounds: Vec<f64> = arguments.bounds.iter().map(|bound| bound.0).collect();
        let timer = metrics.first().copied().unwrap_or_default();
        answer(&self.optimizer.metric_at_most(timer, &bounds)?)
    }

    pub(super) fn summary(&mut self) -> Outcome {
        let overview = self.optimizer.metric_overview()?;
        let answered = Overview {
            metrics: overview.metrics,
            samples: overview.samples,
            failed: overview.failed,
            slow: overview.slow,
            refused: overview.refused,
            slowest: self.leading(overview.slowest)?,
            most_called: self.leading(overview.most_called)?,
        };
        answer(&answered)
    }

    pub(super) fn slow(&mut self) -> Outcome {
        let mut listed = Vec::new();
        for slow in self.optimizer.metric_slow()? {
            listed.push(SlowOperation {
                metric: self.optimizer.metric_encode(&slow.key)?,
                ms: ms(slow.micros),
                failed: slow.failed,
                request: slow.request,
            });
        }
        answer(&listed)
    }

    pub(super) fn reset_metrics(&mut self) -> Outcome {
        self.optimizer.metric_reset()?;
        ok()
    }

    fn leading(&mut self, summaries: Vec<wit::Summary>) -> Result<Vec<Leading>, Problem> {
        let leading = summaries.into_iter().map(|summary| {
            Ok(Leading {
                metric: self.optimizer.metric_encode(&summary.key)?,
                count: summary.count,
                failed: summary.failed,
                slow: summary.slow,
                mean: ms(summary.mean),
            })
        });
        leading.collect()
    }

    /// The number of a metric, alone in a list.
    fn metric_of(
        &mut self,
        kind: wit::Kind,
        name: &str,
        tags: &BTreeMap<String, String>,
    ) -> Result<Vec<u32>, Problem> {
        Ok(self.optimizer.metric_intern(kind, &[key(name, tags)])?)
    }
}

/// Tags in the reverse of their order, which the optimizer restores.
fn key(name: &str, tags: &BTreeMap<String, String>) -> wit::Key {
    let mut key = sorted(name, tags);
    key.tags.reverse();
    key
}

/// As the optimizer answers.
fn sorted(name: &str, tags: &BTreeMap<String, String>) -> wit::Key {
    let tags = tags.iter();
    wit::Key {
        name: name.to_owned(),
        tags: tags
            .map(|(tag, value)| (tag.clone(), value.clone()))
            .collect(),
    }
}

fn ms(us: f64) -> Number {
    Number(us / 1000.0)
}
