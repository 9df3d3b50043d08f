//! What `configure` and `rule` set, in the words of the optimizer's world.
//!
//! Settings stay with the host: after a restart they are told again.

use weirhouse_runner::wit::cache::{Eviction, Levels, Settings as Cache, StaleLives};
use weirhouse_runner::wit::fetch::{Ahead, Policy};
use weirhouse_runner::wit::flow::{CallBatch, Debounce, GateSettings, QueueSettings, Throttle};
use weirhouse_runner::wit::metrics::Settings as Metrics;
use weirhouse_runner::wit::resilience::{BreakerSettings, RetrySettings};
use weirhouse_runner::wit::updates::{Adaptive, Batching, Combine, Overflow, Publishing, Rule};
use weirhouse_runner::{Fault, Optimizer};

use super::arguments::{
    AdaptiveArguments, BatchArguments, Configure, MetricArguments, QueueArguments, RuleArguments,
};
use super::cache_arguments::{CacheArguments, FetchArguments};
use super::flow_arguments::{Breaker, Gate, Jitter, Real, Retry};
use super::micros::Micros;
use super::output::Problem;

/// Settings that are not of one entity.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) rule: Rule,
    pub(super) cache: Cache,
    pub(super) fetch: Policy,
    pub(super) batching: Batching,
    pub(super) metrics: Metrics,
    /// Whether `batch` was configured, so that published readings enter the
    /// batcher.
    pub(super) batched: bool,
    pub(super) gate: Option<GateSettings>,
    pub(super) breaker: BreakerSettings,
    pub(super) retry: RetrySettings,
}

/// How far delays are spread unless told otherwise.
const JITTER: f64 = 0.1;

/// Most that the queue takes.
const MOST_CAPACITY: u32 = 1_000_000;

impl Default for Settings {
    fn default() -> Self {
        Self {
            rule: Rule::default(),
            cache: Cache {
                capacity: 100,
                max_bytes: 16 << 20,
                max_value_bytes: 1 << 20,
                memory_life: 300_000_000,
                disk_life: 3_600_000_000,
                levels: Levels::Both,
                eviction: Eviction::Lru,
            },
            fetch: Policy {
                stale: StaleLives {
                    while_revalidate: 0,
                    if_error: 0,
                },
                negative_life: None,
                lease: 30_000_000,
                refresh_ahead: None,
            },
            batching: Batching {
                window: 100_000,
                max: 50,
                flush_on_full: false,
                capacity: 20_000,
                overflow: Overflow::DropOldest,
                adaptive: None,
            },
            metrics: Metrics {
                enabled: true,
                names: 1_000,
                slow_over: 100_000,
                slow_list: 100,
                history_interval: 10_000_000,
                history_points: 60,
                history_metrics: 64,
                window: None,
            },
            batched: false,
            gate: None,
            breaker: BreakerSettings {
                failures: 5,
                open: 60_000_000,
                successes: 2,
            },
            retry: RetrySettings {
                attempts: 3,
                initial: 1_000_000,
                base: 2.0,
                cap: 60_000_000,
                jitter: JITTER,
            },
        }
    }
}

impl Settings {
    /// These settings with what `arguments` name: a section given replaces the
    /// whole section, one left out stays.
    pub(super) fn with(&self, arguments: &Configure) -> Result<Self, Problem> {
        let mut settings = self.clone();
        if let Some(significance) = &arguments.significance {
            settings.rule = rule(significance)?;
        }
        if let Some(cache) = &arguments.cache {
            settings.cache = self::cache(cache)?;
        }
        if let Some(fetch) = &arguments.fetch {
            settings.fetch = self::fetch(fetch)?;
        }
        if let Some(batch) = &arguments.batch {
            settings.batch(batch)?;
        }
        if let Some(queue) = &arguments.queue {
            settings.queue(queue)?;
        }
        if let Some(metric) = &arguments.metric {
            settings.metrics = metrics(metric)?;
        }
        if let Some(gate) = &arguments.gate {
            settings.gate = Some(self::gate(gate)?);
        }
        if let Some(breaker) = &arguments.breaker {
            settings.breaker = self::breaker(breaker)?;
        }
        if let Some(retry) = &arguments.retry {
            settings.retry = self::retry(retry)?;
        }
        Ok(settings)
    }

    /// What bounds the batcher bounds the queue of `push`.
    pub(super) fn bounds(&self) -> QueueSettings {
        QueueSettings {
            capacity: self.batching.capacity,
            overflow: self.batching.overflow,
        }
    }

    fn batch(&mut self, arguments: &BatchArguments) -> Result<(), Problem> {
        let default = Self::default().batching;
        self.batching = Batching {
            window: arguments.window.map_or(default.window, |Micros(us)| us),
            max: arguments
                .max
                .map_or(Ok(default.max), |max| whole("batch.max", max))?,
            flush_on_full: arguments.flush_on_full,
            adaptive: arguments.adaptive.as_ref().map(adaptive).transpose()?,
            ..self.batching
        };
        self.batched = true;
        Ok(())
    }

    fn queue(&mut self, arguments: &QueueArguments) -> Result<(), Problem> {
        let default = Self::default().batching;
        self.batching.capacity = arguments
            .capacity
            .map_or(Ok(default.capacity), |most| whole("queue.capacity", most))?;
        if !(1..=MOST_CAPACITY).contains(&self.batching.capacity) {
            return Err(Problem::invalid(format!(
                "`queue.capacity` is {}; it is 1 to {MOST_CAPACITY}",
                self.batching.capacity
            )));
        }
        self.batching.overflow = match arguments.overflow.as_deref() {
            None | Some("drop-oldest") => Overflow::DropOldest,
            Some("drop-new") => Overflow::DropNew,
            Some(other) => {
                return Err(Problem::invalid(format!(
                    "`queue.overflow` is \"{other}\"; it is \"drop-oldest\" or \"drop-new\""
                )));
            }
        };
        Ok(())
    }

    /// Tells an optimizer all of them but the gate and the bounds of the queue,
    /// which have what waits in them. A batch can never be larger than the
    /// queue, whatever its own bound.
    pub(super) fn tell(&self, mono: u64, optimizer: &mut dyn Optimizer) -> Result<(), Fault> {
        optimizer.set_default_rule(&self.rule)?;
        optimizer.cache_configure(mono, self.cache)?;
        optimizer.fetch_set_policy(self.fetch)?;
        optimizer.set_batching(Batching {
            max: self.batching.max.min(self.batching.capacity),
            ..self.batching
        })?;
        optimizer.metrics_configure(self.metrics)?;
        optimizer.retry_delays(self.retry, 0, None)?;
        optimizer.breaker_open("default", self.breaker)?;
        Ok(())
    }
}

fn adaptive(arguments: &AdaptiveArguments) -> Result<Adaptive, Problem> {
    let (Micros(window_from), Micros(window_to)) = arguments.window;
    let (max_from, max_to) = arguments.max;
    Ok(Adaptive {
        window_from,
        window_to,
        max_from: whole("batch.adaptive.max", max_from)?,
        max_to: whole("batch.adaptive.max", max_to)?,
        target_latency: arguments.target_latency.0,
    })
}

/// How what the cache has not is fetched.
fn fetch(arguments: &FetchArguments) -> Result<Policy, Problem> {
    let default = Settings::default().fetch;
    let or_none = |life: Option<Micros>| life.map_or(0, |Micros(us)| us);
    Ok(Policy {
        stale: StaleLives {
            while_revalidate: or_none(arguments.stale_while_revalidate),
            if_error: or_none(arguments.stale_if_error),
        },
        negative_life: arguments.negative.map(|Micros(us)| us),
        lease: arguments.lease.map_or(default.lease, |Micros(us)| us),
        refresh_ahead: arguments
            .ahead
            .as_ref()
            .map(|ahead| {
                Ok::<_, Problem>(Ahead {
                    share: ahead.share,
                    least_reads: whole("ahead.reads", ahead.reads)?,
                })
            })
            .transpose()?,
    })
}

/// A significance rule.
pub(super) fn rule(arguments: &RuleArguments) -> Result<Rule, Problem> {
    let combine = match arguments.mode.as_deref() {
        None | Some("all") => Combine::All,
        Some("any") => Combine::Any,
        Some(other) => {
            return Err(Problem::invalid(format!(
                "`mode` is \"{other}\"; it is \"all\" or \"any\""
            )));
        }
    };
    Ok(Rule {
        absolute: arguments.absolute,
        percentage: arguments.percentage,
        combine,
        max_age: arguments.max_age.map(|Micros(us)| us),
        settle: arguments.settle.map(|Micros(us)| us),
        publishing: if arguments.centred {
            Publishing::Centred
        } else {
            Publishing::Exact
        },
        zero_crossing: arguments.zero_crossing,
        levels: arguments.levels.clone(),
        total: arguments.total,
        learn: arguments.learn,
    })
}

/// A value that could never be held within `max_bytes` is refused, not lost.
fn cache(arguments: &CacheArguments) -> Result<Cache, Problem> {
    let default = Settings::default().cache;
    let capacity = match arguments.capacity {
        Some(capacity) => whole("cache.capacity", capacity)?,
        None => default.capacity,
    };
    let max_bytes = match arguments.max_bytes {
        Some(bytes) => u64::try_from(bytes).map_err(|_| {
            Problem::invalid(format!("`cache.max_bytes` is {bytes}; it is at least 0"))
        })?,
        None => default.max_bytes,
    };
    Ok(Cache {
        capacity,
        max_bytes,
        max_value_bytes: default.max_value_bytes.min(max_bytes),
        memory_life: arguments
            .l1_ttl
            .map_or(default.memory_life, |Micros(us)| us),
        disk_life: arguments.l2_ttl.map_or(default.disk_life, |Micros(us)| us),
        levels: if arguments.l1_only {
            Levels::MemoryOnly
        } else {
            Levels::Both
        },
        eviction: match arguments.eviction.as_deref() {
            None | Some("lru") => Eviction::Lru,
            Some("w-tiny-lfu") => Eviction::WTinyLfu,
            Some(other) => {
                return Err(Problem::invalid(format!(
                    "`cache.eviction` is \"{other}\"; it is \"lru\" or \"w-tiny-lfu\""
                )));
            }
        },
    })
}

fn metrics(arguments: &MetricArguments) -> Result<Metrics, Problem> {
    let default = Settings::default().metrics;
    let count = |name: &str, given: Option<i64>, default: u32| {
        given.map_or(Ok(default), |count| whole(&format!("metric.{name}"), count))
    };
    let length = |given: Option<Micros>, default: i64| given.map_or(default, |Micros(us)| us);
    Ok(Metrics {
        enabled: arguments.enabled.unwrap_or(default.enabled),
        names: count("names", arguments.names, default.names)?,
        slow_over: length(arguments.slow_over, default.slow_over),
        slow_list: count("slow_list", arguments.slow_list, default.slow_list)?,
        history_interval: length(arguments.history_interval, default.history_interval),
        history_points: count(
            "history_points",
            arguments.history_points,
            default.history_points,
        )?,
        history_metrics: count(
            "history_metrics",
            arguments.history_metrics,
            default.history_metrics,
        )?,
        window: arguments.window.map(|Micros(us)| us),
    })
}

/// A gate, whose arguments are those of its kind.
fn gate(arguments: &Gate) -> Result<GateSettings, Problem> {
    let wait = arguments.wait.map_or(0, |Micros(us)| us);
    Ok(match arguments.kind.as_str() {
        "debounce" => GateSettings::Debounce(Debounce {
            wait,
            max_wait: arguments.max_wait.map(|Micros(us)| us),
            leading: arguments.leading.unwrap_or(false),
            trailing: arguments.trailing.unwrap_or(true),
        }),
        "throttle" => GateSettings::Throttle(Throttle {
            rate: arguments.rate.map_or(0.0, |Real(rate)| rate),
        }),
        "batch" => GateSettings::CallBatch(CallBatch {
            size: whole("gate.size", arguments.size.unwrap_or_default())?,
            wait,
        }),
        other => {
            return Err(Problem::invalid(format!(
                "`gate.kind` is \"{other}\"; it is \"debounce\", \"throttle\" or \"batch\""
            )));
        }
    })
}

fn breaker(arguments: &Breaker) -> Result<BreakerSettings, Problem> {
    let default = Settings::default().breaker;
    let count =
        |name, given: Option<i64>, default| given.map_or(Ok(default), |given| whole(name, given));
    Ok(BreakerSettings {
        failures: count("breaker.failures", arguments.failures, default.failures)?,
        open: arguments.open.map_or(default.open, |Micros(us)| us),
        successes: count("breaker.successes", arguments.successes, default.successes)?,
    })
}

fn retry(arguments: &Retry) -> Result<RetrySettings, Problem> {
    let default = Settings::default().retry;
    Ok(RetrySettings {
        attempts: arguments
            .attempts
            .map_or(Ok(default.attempts), |attempts| {
                whole("retry.attempts", attempts)
            })?,
        initial: arguments.initial.map_or(default.initial, |Micros(us)| us),
        base: arguments.base.map_or(default.base, |Real(base)| base),
        cap: arguments.cap.map_or(default.cap, |Micros(us)| us),
        jitter: match arguments.jitter {
            None | Some(Jitter::Switch(true)) => default.jitter,
            Some(Jitter::Switch(false)) => 0.0,
            Some(Jitter::Fraction(jitter)) => jitter,
        },
    })
}

/// A count in the width the optimizer takes.
pub(super) fn whole(name: &str, count: i64) -> Result<u32, Problem> {
    u32::try_from(count).map_err(|_| {
        Problem::invalid(format!(
            "`{name}` is {count}; it is a whole number from 0 to 4,294,967,295"
        ))
    })
}
