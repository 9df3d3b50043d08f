//! The core compiled natively, behind the same trait as the component: the
//! reference that the component must equal in every answer.
//!
//! This module translates types and decides nothing.

use weirhouse_core as core;
use weirhouse_core::Now;
use weirhouse_runner::wit::cache::{
    Entry, Eviction, LevelTotals, Levels, Lookup, Options, Place, Settings, Stamp, Stored, Totals,
    Usage,
};
use weirhouse_runner::wit::entities::{Facts, Series};
use weirhouse_runner::wit::metrics::Summary;
use weirhouse_runner::wit::schedule::{Class, Volatility};
use weirhouse_runner::wit::state::Restored;
use weirhouse_runner::wit::types::{Error, Instant};
use weirhouse_runner::wit::updates::{
    BatchTotals, Batching, Combine, Overflow, Publishing, Rule, Timed, Totals as UpdateTotals,
};
use weirhouse_runner::{Fault, Optimizer};

type Answer<T> = Result<T, Fault>;

/// One native optimizer.
#[derive(Default)]
pub struct Native(core::Optimizer);

impl Native {
    /// An optimizer that knows nothing.
    pub fn new() -> Self {
        Self::default()
    }

    fn cache<T>(
        &mut self,
        now: Instant,
        call: impl FnOnce(&mut core::cache::Cache, Now) -> T,
    ) -> T {
        let now = self.0.moment(instant(now));
        call(&mut self.0.cache, now)
    }
}

impl Optimizer for Native {
    fn next_deadline(&mut self) -> Answer<Option<u64>> {
        Ok(self.0.next_deadline())
    }

    fn tick(&mut self, now: Instant) -> Answer<Option<u64>> {
        Ok(self.0.tick(instant(now)))
    }

    fn flush(&mut self, now: Instant) -> Answer<()> {
        self.0.flush(instant(now));
        Ok(())
    }

    fn intern(&mut self, series: &[Series]) -> Answer<Vec<u32>> {
        let series: Vec<_> = series
            .iter()
            .map(|s| core::Series {
                entity: s.entity.clone(),
                attribute: s.attribute.clone(),
            })
            .collect();
        self.0.intern(&series).map_err(refused)
    }

    fn names(&mut self, handles: &[u32]) -> Answer<Vec<Series>> {
        let names = self.0.names(handles).map_err(refused)?;
        Ok(names
            .into_iter()
            .map(|core::Series { entity, attribute }| Series { entity, attribute })
            .collect())
    }

    fn all_handles(&mut self) -> Answer<Vec<u32>> {
        Ok(self.0.all_handles())
    }

    fn release(&mut self, entities: &[u32]) -> Answer<u32> {
        self.0.release(entities).map_err(refused)
    }

    fn describe(&mut self, entity: u32, facts: &Facts) -> Answer<()> {
        let Facts {
            device_class,
            unit,
            state_class,
        } = facts.clone();
        let facts = core::Facts {
            device_class,
            unit,
            state_class,
        };
        self.0.describe(entity, &facts).map_err(refused)
    }

    fn set_default_rule(&mut self, rule: &Rule) -> Answer<()> {
        self.0.set_default_rule(&settings(rule)).map_err(refused)
    }

    fn set_rule(&mut self, series: &[u32], rule: Option<&Rule>) -> Answer<()> {
        self.0
            .set_rule(series, rule.map(settings).as_ref())
            .map_err(refused)
    }

    fn rule_of(&mut self, series: u32) -> Answer<Rule> {
        self.0.rule_of(series).map(rule).map_err(refused)
    }

    fn use_presets(&mut self, enabled: bool) -> Answer<()> {
        self.0.use_presets(enabled);
        Ok(())
    }

    fn reset(&mut self, series: &[u32]) -> Answer<u32> {
        self.0.reset(series).map_err(refused)
    }

    fn observe_numbers(
        &mut self,
        now: Instant,
        series: &[u32],
        values: &[f64],
        times: &[i64],
    ) -> Answer<Vec<u8>> {
        let reasons = self
            .0
            .observe_numbers(instant(now), series, values, times)
            .map_err(refused)?;
        Ok(reasons.into_iter().map(|reason| reason as u8).collect())
    }

    fn observe_texts(
        &mut self,
        now: Instant,
        series: &[u32],
        text: &str,
        lengths: &[u32],
        times: &[i64],
    ) -> Answer<Vec<u8>> {
        let reasons = self
            .0
            .observe_texts(instant(now), series, text, lengths, times)
            .map_err(refused)?;
        Ok(reasons.into_iter().map(|reason| reason as u8).collect())
    }

    fn observe_with(
        &mut self,
        now: Instant,
        series: u32,
        text: &str,
        time: Option<i64>,
        absolute: Option<f64>,
        percentage: Option<f64>,
    ) -> Answer<u8> {
        let thresholds = core::Override {
            absolute,
            percentage,
        };
        let reason = self
            .0
            .observe_with(instant(now), series, text, time, thresholds);
        reason.map(|reason| reason as u8).map_err(refused)
    }

    fn published_numbers(&mut self, series: &[u32]) -> Answer<Vec<f64>> {
        self.0.published_numbers(series).map_err(refused)
    }

    fn poll_published(&mut self) -> Answer<Timed> {
        let published = self.0.poll_published().into_iter();
        let (series, verdicts) = published
            .map(|(handle, reason)| (handle, reason as u8))
            .unzip();
        Ok(Timed { series, verdicts })
    }

    fn update_totals(&mut self) -> Answer<UpdateTotals> {
        let totals = self.0.update_totals();
        Ok(UpdateTotals {
            observed: totals.observed,
            published: totals.published,
            timed: totals.timed,
            suppressed: totals.suppressed,
            late: totals.late,
        })
    }

    fn set_batching(&mut self, settings: Batching) -> Answer<()> {
        let settings = core::batch::Batching {
            window_us: settings.window,
            max: settings.max,
            flush_on_full: settings.flush_on_full,
            capacity: settings.capacity,
            overflow: match settings.overflow {
                Overflow::DropOldest => core::batch::Overflow::DropOldest,
                Overflow::DropNew => core::batch::Overflow::DropNew,
            },
        };
        self.0.set_batching(settings).map_err(refused)
    }

    fn mark_dirty(&mut self, now: Instant, entities: &[u32]) -> Answer<()> {
        self.0.mark_dirty(instant(now), entities).map_err(refused)
    }

    fn drop_pending(&mut self, entities: &[u32]) -> Answer<u32> {
        self.0.drop_pending(entities).map_err(refused)
    }

    fn poll_batch(&mut self) -> Answer<Vec<u32>> {
        Ok(self.0.poll_batch())
    }

    fn batch_totals(&mut self) -> Answer<BatchTotals> {
        let totals = self.0.batch_totals();
        Ok(BatchTotals {
            updates: totals.updates,
            coalesced: totals.coalesced,
            dropped: totals.dropped,
            batches: totals.batches,
            sent: totals.sent,
            pending: totals.pending,
        })
    }

    fn cache_configure(&mut self, namespace: Option<&str>, settings: Settings) -> Answer<()> {
        self.0
            .cache
            .configure(namespace, cache_settings(settings))
            .map_err(refused)
    }

    fn cache_resize(&mut self, namespace: Option<&str>, capacity: u32) -> Answer<()> {
        self.0.cache.resize(namespace, capacity).map_err(refused)
    }

    fn cache_get(&mut self, now: Instant, namespace: &str, key: &str) -> Answer<Lookup> {
        self.cache(now, |cache, now| {
            Ok(match cache.get(now, namespace, key).map_err(refused)? {
                core::cache::Lookup::Hit(entry) => Lookup::Hit(Entry {
                    value: entry.value.to_vec(),
                    content_type: entry.content_type.to_owned(),
                    remaining: entry.remaining_us,
                }),
                core::cache::Lookup::Below => Lookup::Below,
                core::cache::Lookup::Miss => Lookup::Miss,
            })
        })
    }

    fn cache_admit(
        &mut self,
        now: Instant,
        namespace: &str,
        key: &str,
        found: Option<&Stored>,
    ) -> Answer<Option<i64>> {
        let found = found.map(native_stored);
        self.cache(now, |cache, now| cache.admit(now, namespace, key, found))
            .map_err(refused)
    }

    fn cache_warm(
        &mut self,
        now: Instant,
        namespace: &str,
        key: &str,
        found: &Stored,
    ) -> Answer<bool> {
        self.cache(now, |cache, now| {
            cache.warm(now, namespace, key, native_stored(found))
        })
        .map_err(refused)
    }

    fn cache_put(
        &mut self,
        now: Instant,
        namespace: &str,
        key: &str,
        value: &[u8],
        options: &Options,
    ) -> Answer<Option<Stamp>> {
        let options = core::cache::Options {
            content_type: options.content_type.clone(),
            memory_life_us: options.memory_life,
            disk_life_us: options.disk_life,
            tags: options.tags.clone(),
        };
        let stamp = self
            .cache(now, |cache, now| {
                cache.put(now, namespace, key, value.to_vec(), options)
            })
            .map_err(refused)?;
        Ok(stamp.map(|stamp| Stamp {
            put_at: stamp.put_at_us,
            life: stamp.life_us,
            memory_life: stamp.memory_life_us,
        }))
    }

    fn cache_delete(&mut self, now: Instant, namespace: &str, key: &str) -> Answer<bool> {
        self.cache(now, |cache, now| cache.delete(now, namespace, key))
            .map_err(refused)
    }

    fn cache_clear(&mut self, now: Instant, namespace: Option<&str>) -> Answer<Vec<Place>> {
        Ok(places(
            self.cache(now, |cache, now| cache.clear(now, namespace)),
        ))
    }

    fn cache_invalidate(
        &mut self,
        now: Instant,
        namespace: &str,
        pattern: &str,
    ) -> Answer<Vec<Place>> {
        self.cache(now, |cache, now| cache.invalidate(now, namespace, pattern))
            .map(places)
            .map_err(refused)
    }

    fn cache_invalidate_tag(
        &mut self,
        now: Instant,
        namespace: Option<&str>,
        tag: &str,
    ) -> Answer<Vec<Place>> {
        Ok(places(self.cache(now, |cache, now| {
            cache.invalidate_tag(now, namespace, tag)
        })))
    }

    fn cache_matching(&mut self, pattern: &str, keys: &[String]) -> Answer<Vec<u8>> {
        self.0.cache.matching(pattern, keys).map_err(refused)
    }

    fn cache_alive(&mut self, now: Instant, put_at: &[i64], lives: &[i64]) -> Answer<Vec<u8>> {
        self.cache(now, |cache, now| cache.alive(now, put_at, lives))
            .map_err(refused)
    }

    fn cache_set_disk_bounds(&mut self, bounds: Usage) -> Answer<()> {
        self.0.cache.set_disk_bounds(usage(bounds));
        Ok(())
    }

    fn cache_trim(&mut self, held: Usage) -> Answer<Option<Usage>> {
        let target = self.0.cache.trim(usage(held));
        Ok(target.map(|core::cache::Usage { entries, bytes }| Usage { entries, bytes }))
    }

    fn cache_sweep_before(&mut self, now: Instant) -> Answer<i64> {
        Ok(self.cache(now, |cache, now| cache.sweep_before(now)))
    }

    fn cache_note_removed(&mut self, evicted: u64, expired: u64) -> Answer<()> {
        self.0.cache.note_removed(evicted, expired);
        Ok(())
    }

    fn cache_totals(&mut self, namespace: Option<&str>) -> Answer<Totals> {
        let totals = self.0.cache.totals(namespace);
        Ok(Totals {
            memory: level(totals.memory),
            memory_entries: totals.memory_entries,
            memory_bytes: totals.memory_bytes,
            disk: level(totals.disk),
            hit_rate: totals.hit_rate,
        })
    }

    fn cache_hottest(&mut self, most: u32) -> Answer<Vec<Place>> {
        Ok(places(self.0.cache.hottest(most)))
    }

    fn set_shortest_interval(&mut self, interval: i64) -> Answer<()> {
        self.0.set_shortest_interval(interval).map_err(refused)
    }

    fn register(&mut self, now: Instant, entity: u32, interval: i64) -> Answer<()> {
        self.0
            .register(instant(now), entity, interval)
            .map_err(refused)
    }

    fn register_class(
        &mut self,
        now: Instant,
        entity: u32,
        class: Class,
        volatility: Volatility,
    ) -> Answer<i64> {
        use core::schedule as native;
        let class = match class {
            Class::Gps => native::Class::Gps,
            Class::Walk => native::Class::Walk,
            Class::Feeding => native::Class::Feeding,
            Class::Health => native::Class::Health,
            Class::Weather => native::Class::Weather,
            Class::Other => native::Class::Other,
        };
        let volatility = match volatility {
            Volatility::High => native::Volatility::High,
            Volatility::Medium => native::Volatility::Medium,
            Volatility::Low => native::Volatility::Low,
        };
        let interval = self
            .0
            .register_class(instant(now), entity, class, volatility);
        interval.map(u64::cast_signed).map_err(refused)
    }

    fn unregister(&mut self, entity: u32) -> Answer<bool> {
        Ok(self.0.unregister(entity))
    }

    fn interval_of(&mut self, entity: u32) -> Answer<Option<i64>> {
        Ok(self.0.interval_of(entity).map(u64::cast_signed))
    }

    fn poll_refresh(&mut self) -> Answer<Vec<u32>> {
        Ok(self.0.poll_refresh())
    }

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

    fn snapshot(&mut self, _now: Instant) -> Answer<Vec<u8>> {
        Ok(self.0.snapshot())
    }

    fn restore(&mut self, now: Instant, snapshot: &[u8]) -> Answer<Restored> {
        let restored = self.0.restore(instant(now), snapshot).map_err(refused)?;
        Ok(Restored {
            version: restored.version,
            series: restored.series,
            hot: restored.hot,
        })
    }

    fn take_hot(&mut self) -> Answer<Vec<(String, String)>> {
        Ok(self.0.take_hot())
    }
}

fn instant(now: Instant) -> core::Instant {
    core::Instant {
        mono_us: now.mono,
        wall_us: now.wall,
    }
}

fn refused(error: core::Error) -> Fault {
    Fault::Refused(match error {
        core::Error::InvalidArgument(text) => Error::InvalidArgument(text),
        core::Error::UnknownHandle(handle) => Error::UnknownHandle(handle),
        core::Error::Unsupported(text) => Error::Unsupported(text),
        core::Error::TooLarge(text) => Error::TooLarge(text),
        core::Error::Incompatible(text) => Error::Incompatible(text),
        core::Error::Other(text) => Error::Other(text),
    })
}

fn settings(rule: &Rule) -> core::rule::RuleSettings {
    core::rule::RuleSettings {
        absolute: rule.absolute,
        percentage: rule.percentage,
        combine: match rule.combine {
            Combine::All => core::rule::Combine::All,
            Combine::Any => core::rule::Combine::Any,
        },
        max_age_us: rule.max_age,
        settle_us: rule.settle,
        publishing: match rule.publishing {
            Publishing::Exact => core::rule::Publishing::Exact,
            Publishing::Centred => core::rule::Publishing::Centred,
        },
        zero_crossing: rule.zero_crossing,
        levels: rule.levels.clone().into(),
        total: rule.total,
        learn: rule.learn,
    }
}

fn rule(settings: core::rule::RuleSettings) -> Rule {
    Rule {
        absolute: settings.absolute,
        percentage: settings.percentage,
        combine: match settings.combine {
            core::rule::Combine::All => Combine::All,
            core::rule::Combine::Any => Combine::Any,
        },
        max_age: settings.max_age_us,
        settle: settings.settle_us,
        publishing: match settings.publishing {
            core::rule::Publishing::Exact => Publishing::Exact,
            core::rule::Publishing::Centred => Publishing::Centred,
        },
        zero_crossing: settings.zero_crossing,
        levels: settings.levels.into(),
        total: settings.total,
        learn: settings.learn,
    }
}

fn cache_settings(settings: Settings) -> core::cache::Settings {
    core::cache::Settings {
        capacity: settings.capacity,
        max_bytes: settings.max_bytes,
        max_value_bytes: settings.max_value_bytes,
        memory_life_us: settings.memory_life,
        disk_life_us: settings.disk_life,
        levels: match settings.levels {
            Levels::Both => core::cache::Levels::Both,
            Levels::MemoryOnly => core::cache::Levels::MemoryOnly,
        },
        eviction: match settings.eviction {
            Eviction::Lru => core::cache::Eviction::Lru,
            Eviction::WTinyLfu => core::cache::Eviction::WTinyLfu,
            Eviction::S3Fifo => core::cache::Eviction::S3Fifo,
        },
    }
}

fn usage(Usage { entries, bytes }: Usage) -> core::cache::Usage {
    core::cache::Usage { entries, bytes }
}

fn places(places: Vec<core::cache::Place>) -> Vec<Place> {
    let place = |core::cache::Place { namespace, key }| Place { namespace, key };
    places.into_iter().map(place).collect()
}

fn level(totals: core::cache::LevelTotals) -> LevelTotals {
    LevelTotals {
        hits: totals.hits,
        misses: totals.misses,
        evictions: totals.evictions,
        expirations: totals.expirations,
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

fn native_stored(stored: &Stored) -> core::cache::Stored {
    core::cache::Stored {
        value: stored.value.clone(),
        content_type: stored.content_type.clone(),
        tags: stored.tags.clone(),
        stamp: core::cache::Stamp {
            put_at_us: stored.stamp.put_at,
            life_us: stored.stamp.life,
            memory_life_us: stored.stamp.memory_life,
        },
    }
}
