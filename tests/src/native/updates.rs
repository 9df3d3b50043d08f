//! Which readings matter, and when to pass them on together.

use weirhouse_core as core;
use weirhouse_runner::operations::Updates;
use weirhouse_runner::wit::types::Instant;
use weirhouse_runner::wit::updates::{
    BatchTotals, Batching, Combine, Overflow, Publishing, Rule, Timed, Totals,
};

use super::{Answer, Native, instant, refused};

impl Updates for Native {
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
        let published = self.0.poll_published();
        Ok(Timed {
            series: published.iter().map(|it| it.series).collect(),
            verdicts: published.iter().map(|it| it.reason as u8).collect(),
            values: published
                .iter()
                .map(|it| it.number.unwrap_or(f64::NAN))
                .collect(),
        })
    }

    fn update_totals(&mut self) -> Answer<Totals> {
        let totals = self.0.update_totals();
        Ok(Totals {
            observed: totals.observed,
            published: totals.published,
            timed: totals.timed,
            suppressed: totals.suppressed,
            late: totals.late,
        })
    }

    fn set_batching(&mut self, settings: Batching) -> Answer<()> {
        self.0.set_batching(batching(settings)).map_err(refused)
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
            removed: totals.removed,
            batches: totals.batches,
            sent: totals.sent,
            mean_size: totals.mean_size(),
            pending: totals.pending,
            window: totals.window_us.cast_signed(),
            max: totals.max,
        })
    }
}

fn batching(settings: Batching) -> core::batch::Batching {
    core::batch::Batching {
        window_us: settings.window,
        max: settings.max,
        flush_on_full: settings.flush_on_full,
        capacity: settings.capacity,
        overflow: match settings.overflow {
            Overflow::DropOldest => core::batch::Overflow::DropOldest,
            Overflow::DropNew => core::batch::Overflow::DropNew,
        },
        adaptive: settings.adaptive.map(|adaptive| core::batch::Adaptive {
            window_from_us: adaptive.window_from,
            window_to_us: adaptive.window_to,
            max_from: adaptive.max_from,
            max_to: adaptive.max_to,
            target_latency_us: adaptive.target_latency,
        }),
    }
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

/// A rule in the words of the component.
pub(crate) fn rule(settings: core::rule::RuleSettings) -> Rule {
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
