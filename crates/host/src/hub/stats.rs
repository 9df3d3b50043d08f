//! Figures about a running hub.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;
use weirhouse_runner::wit::cache::LevelTotals;
use weirhouse_runner::wit::fetch::Totals as FetchTotals;
use weirhouse_runner::wit::types::Instant;
use weirhouse_runner::wit::updates::Totals;

use super::engine::Engine;
use super::{Hub, HubError};

/// What `GET /v1/stats` answers. Counters start at zero with the process.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Stats {
    /// Version of the program.
    pub version: &'static str,
    /// Seconds since the start.
    pub uptime_s: f64,
    /// The home.
    pub home: HomeStats,
    /// Readings and what became of them.
    pub updates: UpdateStats,
    /// Groups of updates.
    pub batches: BatchStats,
    /// What streams of states got that are shaped for their clients.
    pub streams: StreamStats,
    /// The two-level cache.
    pub cache: CacheStats,
    /// Lines for language models.
    pub context: ContextStats,
    /// Refreshes asked of Home Assistant.
    pub schedule: ScheduleStats,
    /// The optimizer's instance.
    pub optimizer: OptimizerStats,
    /// How long things take, by name of operation.
    pub operations: BTreeMap<String, OperationStats>,
}

/// The home.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct HomeStats {
    /// Whether the link is up.
    pub connected: bool,
    /// Why not, in one sentence.
    pub reason: Option<String>,
    /// Its version, as it says.
    pub ha_version: Option<String>,
    /// Whether it may hold other values by now.
    pub stale: bool,
    /// Entities in the mirror.
    pub entities: usize,
    /// Connections made.
    pub connections: u64,
}

/// Readings: values of states and attributes that differed from the one
/// before, as Home Assistant sends no others.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct UpdateStats {
    /// Readings judged.
    pub observed: u64,
    /// Published at once.
    pub published: u64,
    /// Published by heartbeat or settling.
    pub timed: u64,
    /// Suppressed.
    pub suppressed: u64,
    /// Of these, older than the newest.
    pub late: u64,
    /// Suppressed, less those that time published after all.
    pub held_back: u64,
    /// These as a share of all, 0 to 1.
    pub suppressed_share: f64,
}

/// Groups of updates.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BatchStats {
    /// Updates put in.
    pub updates: u64,
    /// Merged into one already waiting.
    pub coalesced: u64,
    /// Dropped at the capacity.
    pub dropped: u64,
    /// Batches sent.
    pub batches: u64,
    /// Entities waiting now.
    pub pending: u32,
    /// Entities per batch.
    pub mean_size: f64,
}

/// Changes for clients of streams, each for each client. `offered` is the sum of
/// the rest.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StreamStats {
    /// Changes of what a client asks for.
    pub offered: u64,
    /// Sent.
    pub given: u64,
    /// Merged into one that waited.
    pub merged: u64,
    /// Did not matter to the client.
    pub suppressed: u64,
    /// Dropped because too many waited; the client begins anew.
    pub dropped: u64,
    /// Taken back, as a change of what has left, or because the client has.
    pub withdrawn: u64,
    /// Waiting now.
    pub waiting: u64,
}

/// The two-level cache.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CacheStats {
    /// Memory.
    pub l1: LevelStats,
    /// Disk.
    pub l2: LevelStats,
    /// Hits of either level as a share of all reads, 0 to 1.
    pub hit_rate: f64,
    /// Values that callers fetch.
    pub fetch: FetchStats,
}

/// Values that callers fetch, once for all who ask.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FetchStats {
    /// Leases given to fetch a value, those ahead of the end of a life included.
    pub leases: u64,
    /// Of these, to fetch one before its life ends.
    pub ahead: u64,
    /// Reads that met somebody else's fetch.
    pub coalesced: u64,
    /// Fetches that brought a value.
    pub fulfilled: u64,
    /// Fetches that found there is nothing.
    pub nothing: u64,
    /// Fetches that failed.
    pub failed: u64,
    /// Leases that ran out before they were settled.
    pub lapsed: u64,
    /// Results that came after something newer and were not taken.
    pub superseded: u64,
    /// Stale values served while they were fetched anew.
    pub stale: u64,
    /// Reads answered by knowing that there is nothing.
    pub negative: u64,
    /// Values served because a fetch had failed.
    pub rescued: u64,
}

/// One level.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LevelStats {
    /// Reads it answered.
    pub hits: u64,
    /// Reads it could not answer.
    pub misses: u64,
    /// Live entries that left for want of room.
    pub evictions: u64,
    /// Entries that left at the end of their life.
    pub expirations: u64,
    /// Entries now.
    pub entries: u64,
    /// Bytes of keys and values now.
    pub bytes: u64,
    /// Hits as a share of its reads, 0 to 1.
    pub hit_rate: f64,
}

/// Lines for language models.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ContextStats {
    /// Lines known; none until a context was asked for.
    pub lines: u32,
    /// Lines offered for a choice.
    pub offered: u64,
    /// Of these, those whose tokens were known.
    pub reused: u64,
}

/// Refreshes asked of Home Assistant.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ScheduleStats {
    /// Entities on the schedule.
    pub registered: usize,
    /// Refreshes asked for.
    pub refreshes: u64,
    /// Of these, refused.
    pub failures: u64,
    /// Budgets that refreshes come out of, by name.
    pub budgets: BTreeMap<String, BudgetStats>,
}

/// What a budget has spent and has left.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BudgetStats {
    /// Entities whose refreshes come out of it.
    pub members: u32,
    /// Refreshes of the last 60 s; 0 without a bound for the minute.
    pub last_minute: u32,
    /// Refreshes since its day began.
    pub today: u32,
    /// What is left until its day ends, the reserve aside; `null` without a
    /// bound for the day.
    pub left_today: Option<u32>,
    /// Until then, in seconds.
    pub resets_in_s: f64,
}

/// The optimizer's instance.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OptimizerStats {
    /// Instances replaced after a trap.
    pub traps: u64,
    /// Series whose last reading is set aside.
    pub set_aside: usize,
}

/// How long one operation takes.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OperationStats {
    /// How often it ran.
    pub count: u64,
    /// How often it failed.
    pub failed: u64,
    /// How often it took over 100 ms.
    pub slow: u64,
    /// All of them together, in microseconds.
    pub sum_us: f64,
    /// Microseconds; percentiles within 1 %.
    pub mean_us: f64,
    /// The shortest.
    pub min_us: f64,
    /// The longest.
    pub max_us: f64,
    /// Half of them are no longer.
    pub p50_us: f64,
    /// 95 % of them are no longer.
    pub p95_us: f64,
    /// 99 % of them are no longer.
    pub p99_us: f64,
}

impl Engine {
    fn budget_stats(&mut self, now: Instant) -> Result<BTreeMap<String, BudgetStats>, HubError> {
        let mut budgets = BTreeMap::new();
        let names = self.settings.budgets.iter().map(|(name, _)| name.clone());
        for name in names.collect::<Vec<String>>() {
            let open = self.call(now, |core| core.status_of_group(now, &name))?;
            let Some(status) = open else { continue };
            let resets_in = Duration::from_micros(status.resets.saturating_sub(now.mono));
            let spent = BudgetStats {
                members: status.members,
                last_minute: status.last_minute,
                today: status.today,
                left_today: status.left_today,
                resets_in_s: resets_in.as_secs_f64(),
            };
            budgets.insert(name, spent);
        }
        Ok(budgets)
    }
}

impl Hub {
    /// Figures about this run.
    ///
    /// # Errors
    /// When the optimizer does not answer.
    pub fn stats(&self) -> Result<Stats, HubError> {
        let now = self.clock.now();
        let held = self.store.usage();
        let mut engine = self.lock();
        let mut operations = std::mem::take(&mut engine.operations);
        engine.call(now, |core| operations.tell(now, core))?;
        let updates = engine.call(now, |core| core.update_totals())?;
        let batches = engine.call(now, |core| core.batch_totals())?;
        let cache = engine.call(now, |core| core.cache_totals(None))?;
        let fetch = engine.call(now, |core| core.fetch_totals(None))?;
        let context = engine.call(now, |core| core.context_totals())?;
        let streams = engine.shaping_totals(now)?;
        let summaries = engine.call(now, |core| core.metric_summaries())?;
        Ok(Stats {
            version: env!("CARGO_PKG_VERSION"),
            uptime_s: Duration::from_micros(now.mono).as_secs_f64(),
            home: HomeStats {
                connected: engine.link.connected,
                reason: engine.link.reason.clone(),
                ha_version: engine.link.ha_version.clone(),
                stale: engine.mirror.is_stale(),
                entities: engine.mirror.len(),
                connections: engine.link.connections,
            },
            updates: update_stats(&updates),
            batches: BatchStats {
                updates: batches.updates,
                coalesced: batches.coalesced,
                dropped: batches.dropped,
                batches: batches.batches,
                pending: batches.pending,
                mean_size: batches.mean_size,
            },
            streams: StreamStats {
                offered: streams.offered,
                given: streams.given,
                merged: streams.merged,
                suppressed: streams.suppressed,
                dropped: streams.dropped,
                withdrawn: streams.withdrawn,
                waiting: streams.waiting,
            },
            cache: CacheStats {
                l1: level(
                    cache.memory,
                    u64::from(cache.memory_entries),
                    cache.memory_bytes,
                ),
                l2: level(cache.disk, held.entries, held.bytes),
                hit_rate: cache.hit_rate,
                fetch: fetch_stats(&fetch),
            },
            context: ContextStats {
                lines: context.lines,
                offered: context.offered,
                reused: context.reused,
            },
            schedule: ScheduleStats {
                registered: engine.settings.refresh.len(),
                refreshes: engine.refreshes,
                failures: engine.link.refresh_failures,
                budgets: engine.budget_stats(now)?,
            },
            optimizer: OptimizerStats {
                traps: engine.core.generation(),
                set_aside: engine.set_aside.len(),
            },
            operations: summaries
                .into_iter()
                .map(|summary| {
                    let figures = OperationStats {
                        count: summary.count,
                        failed: summary.failed,
                        slow: summary.slow,
                        sum_us: summary.sum,
                        mean_us: summary.mean,
                        min_us: summary.min,
                        max_us: summary.max,
                        p50_us: summary.p50,
                        p95_us: summary.p95,
                        p99_us: summary.p99,
                    };
                    (summary.key.name, figures)
                })
                .collect(),
        })
    }
}

fn update_stats(totals: &Totals) -> UpdateStats {
    let held_back = totals.suppressed.saturating_sub(totals.timed);
    UpdateStats {
        observed: totals.observed,
        published: totals.published,
        timed: totals.timed,
        suppressed: totals.suppressed,
        late: totals.late,
        held_back,
        suppressed_share: share(held_back, totals.observed),
    }
}

fn fetch_stats(totals: &FetchTotals) -> FetchStats {
    FetchStats {
        leases: totals.leases,
        ahead: totals.refreshed_ahead,
        coalesced: totals.coalesced,
        fulfilled: totals.fulfilled,
        nothing: totals.nothing,
        failed: totals.failed,
        lapsed: totals.lapsed,
        superseded: totals.superseded,
        stale: totals.stale_memory_hits + totals.stale_disk_hits,
        negative: totals.negative_hits,
        rescued: totals.rescued,
    }
}

fn level(totals: LevelTotals, entries: u64, bytes: u64) -> LevelStats {
    LevelStats {
        hits: totals.hits,
        misses: totals.misses,
        evictions: totals.evictions,
        expirations: totals.expirations,
        entries,
        bytes,
        hit_rate: share(totals.hits, totals.hits + totals.misses),
    }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_that_of_what_is_held_back() {
        let totals = Totals {
            observed: 200,
            published: 80,
            suppressed: 120,
            late: 3,
            timed: 20,
        };
        let stats = update_stats(&totals);
        assert_eq!(stats.held_back, 100);
        assert!((stats.suppressed_share - 0.5).abs() < 1e-9);
        assert_eq!(
            stats.published + stats.timed + stats.held_back,
            stats.observed
        );
    }
}
