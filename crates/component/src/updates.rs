//! Which readings matter, and when to pass them on together.

use weirhouse_core::batch;
use weirhouse_core::rule::{self, RuleSettings};
use weirhouse_core::significance::Reason;
use weirhouse_core::{Optimizer, Override};

use crate::wit::exports::weirhouse::core::updates::{
    BatchTotals, Batching, Combine, Error, Guest, Instant, Overflow, Publishing, Rule, Timed,
    Totals,
};
use crate::{Component, with};

impl Guest for Component {
    fn set_default_rule(rule: Rule) -> Result<(), Error> {
        Ok(with(|optimizer| optimizer.set_default_rule(&rule.into()))?)
    }

    fn set_rule(series: Vec<u32>, rule: Option<Rule>) -> Result<(), Error> {
        let rule = rule.map(RuleSettings::from);
        Ok(with(|optimizer| {
            optimizer.set_rule(&series, rule.as_ref())
        })?)
    }

    fn rule_of(series: u32) -> Result<Rule, Error> {
        Ok(with(|optimizer| optimizer.rule_of(series))?.into())
    }

    fn use_presets(enabled: bool) {
        with(|optimizer| optimizer.use_presets(enabled));
    }

    fn reset(series: Vec<u32>) -> Result<u32, Error> {
        Ok(with(|optimizer| optimizer.reset(&series))?)
    }

    fn observe_numbers(
        now: Instant,
        series: Vec<u32>,
        values: Vec<f64>,
        times: Vec<i64>,
    ) -> Result<Vec<u8>, Error> {
        let reasons =
            with(|optimizer| optimizer.observe_numbers(now.into(), &series, &values, &times))?;
        Ok(codes(reasons))
    }

    fn observe_texts(
        now: Instant,
        series: Vec<u32>,
        text: String,
        lengths: Vec<u32>,
        times: Vec<i64>,
    ) -> Result<Vec<u8>, Error> {
        #[cfg(feature = "fault-injection")]
        crate::injected::commit(&text);
        let reasons = with(|optimizer| {
            optimizer.observe_texts(now.into(), &series, &text, &lengths, &times)
        })?;
        Ok(codes(reasons))
    }

    fn observe_with(
        now: Instant,
        series: u32,
        text: String,
        time: Option<i64>,
        absolute: Option<f64>,
        percentage: Option<f64>,
    ) -> Result<u8, Error> {
        let thresholds = Override {
            absolute,
            percentage,
        };
        let reason =
            with(|optimizer| optimizer.observe_with(now.into(), series, &text, time, thresholds))?;
        Ok(reason as u8)
    }

    fn published_numbers(series: Vec<u32>) -> Result<Vec<f64>, Error> {
        Ok(with(|optimizer| optimizer.published_numbers(&series))?)
    }

    fn poll_published() -> Timed {
        let published = with(Optimizer::poll_published);
        Timed {
            series: published.iter().map(|it| it.series).collect(),
            verdicts: published.iter().map(|it| it.reason as u8).collect(),
            values: published
                .iter()
                .map(|it| it.number.unwrap_or(f64::NAN))
                .collect(),
        }
    }

    fn statistics() -> Totals {
        let totals = with(|optimizer| optimizer.update_totals());
        Totals {
            observed: totals.observed,
            published: totals.published,
            timed: totals.timed,
            suppressed: totals.suppressed,
            late: totals.late,
        }
    }

    fn set_batching(settings: Batching) -> Result<(), Error> {
        Ok(with(|optimizer| {
            optimizer.set_batching(batching(settings))
        })?)
    }

    fn mark_dirty(now: Instant, entities: Vec<u32>) -> Result<(), Error> {
        Ok(with(|optimizer| {
            optimizer.mark_dirty(now.into(), &entities)
        })?)
    }

    fn drop_pending(entities: Vec<u32>) -> Result<u32, Error> {
        Ok(with(|optimizer| optimizer.drop_pending(&entities))?)
    }

    fn poll_batch() -> Vec<u32> {
        with(Optimizer::poll_batch)
    }

    fn batch_statistics() -> BatchTotals {
        let totals = with(|optimizer| optimizer.batch_totals());
        BatchTotals {
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
        }
    }
}

fn batching(settings: Batching) -> batch::Batching {
    batch::Batching {
        window_us: settings.window,
        max: settings.max,
        flush_on_full: settings.flush_on_full,
        capacity: settings.capacity,
        overflow: match settings.overflow {
            Overflow::DropOldest => batch::Overflow::DropOldest,
            Overflow::DropNew => batch::Overflow::DropNew,
        },
        adaptive: settings.adaptive.map(|adaptive| batch::Adaptive {
            window_from_us: adaptive.window_from,
            window_to_us: adaptive.window_to,
            max_from: adaptive.max_from,
            max_to: adaptive.max_to,
            target_latency_us: adaptive.target_latency,
        }),
    }
}

/// In place: a reason is its code.
fn codes(reasons: Vec<Reason>) -> Vec<u8> {
    reasons.into_iter().map(|reason| reason as u8).collect()
}

impl From<Rule> for RuleSettings {
    fn from(rule: Rule) -> Self {
        Self {
            absolute: rule.absolute,
            percentage: rule.percentage,
            combine: match rule.combine {
                Combine::All => rule::Combine::All,
                Combine::Any => rule::Combine::Any,
            },
            max_age_us: rule.max_age,
            settle_us: rule.settle,
            publishing: match rule.publishing {
                Publishing::Exact => rule::Publishing::Exact,
                Publishing::Centred => rule::Publishing::Centred,
            },
            zero_crossing: rule.zero_crossing,
            levels: rule.levels.into(),
            total: rule.total,
            learn: rule.learn,
        }
    }
}

impl From<RuleSettings> for Rule {
    fn from(rule: RuleSettings) -> Self {
        Self {
            absolute: rule.absolute,
            percentage: rule.percentage,
            combine: match rule.combine {
                rule::Combine::All => Combine::All,
                rule::Combine::Any => Combine::Any,
            },
            max_age: rule.max_age_us,
            settle: rule.settle_us,
            publishing: match rule.publishing {
                rule::Publishing::Exact => Publishing::Exact,
                rule::Publishing::Centred => Publishing::Centred,
            },
            zero_crossing: rule.zero_crossing,
            levels: rule.levels.into(),
            total: rule.total,
            learn: rule.learn,
        }
    }
}
