//! Where the figures come from.

use std::collections::BTreeMap;
use std::time::Duration;

use weirhouse_runner::wit::cache::LevelTotals;
use weirhouse_runner::wit::fetch::Totals as FetchTotals;
use weirhouse_runner::wit::types::Instant;
use weirhouse_runner::wit::updates::Totals;

use super::{
    BatchStats, BudgetStats, CacheStats, ContextStats, FetchStats, HomeStats, LevelStats,
    OperationStats, OptimizerStats, ScheduleStats, Stats, StreamStats, UpdateStats,
};
use crate::hub::engine::Engine;
use crate::hub::{Hub, HubError};

impl Engine {
    pub(in crate::hub) fn budget_stats(
        &mut self,
        now: Instant,
    ) -> Result<BTreeMap<String, BudgetStats>, HubError> {
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
                reported: engine.reported.len(),
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
