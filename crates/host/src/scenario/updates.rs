//! Readings, rules and the batcher.

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use weirhouse_runner::{PUBLISH, Reason};

use super::arguments::{AdviceArguments, Dirty, Entity, Observe, RuleArguments};
use super::micros::Micros;
use super::output::{Number, Outcome, answer, ok};
use super::session::{Session, reason};
use super::settings;

#[derive(Serialize)]
struct Verdict<'a> {
    #[serde(rename = "verdict")]
    decision: &'static str,
    reason: &'a str,
    published: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct BatchStatistics {
    updates: u64,
    coalesced: u64,
    batches: u64,
    pending: u32,
    mean: Number,
}

/// Window and size in force.
#[derive(Serialize)]
struct BatchPace {
    window: Micros,
    max: u32,
}

impl Session<'_> {
    pub(super) fn observe(&mut self, arguments: Observe) -> Outcome {
        let Observe {
            entity,
            attribute,
            value,
            time,
            thresholds,
            advice,
        } = arguments;
        if advice.is_some() && (time.is_some() || thresholds.is_some()) {
            return Err(super::output::Problem::invalid(
                "`advice` goes with neither `time` nor `override`",
            ));
        }
        self.centred |= matches!(advice, Some(AdviceArguments::Replace(_)));
        let text = text_of(&value);
        let handle = self
            .series
            .intern(&mut *self.optimizer, &entity, attribute.as_deref())?
            .series;
        let now = self.now();
        let time = time.map(|time| time.0);
        let verdict = self.aside_from_batcher(|session| {
            let optimizer = &mut session.optimizer;
            if let Some(over) = thresholds {
                let (absolute, percentage) = (over.absolute, over.percentage);
                return Ok(optimizer.observe_with(now, handle, &text, time, absolute, percentage)?);
            }
            let lengths = [text.len() as u32];
            if let Some(advice) = advice {
                let (opinion, number, delay) = match advice {
                    AdviceArguments::Publish => (1, f64::NAN, 0),
                    AdviceArguments::Hold => (2, f64::NAN, 0),
                    AdviceArguments::Replace(number) => (3, number, 0),
                    AdviceArguments::Defer(delay) => (4, f64::NAN, delay.0),
                };
                let verdicts = optimizer.observe_advised(
                    now,
                    &[handle],
                    &text,
                    &lengths,
                    &[opinion],
                    &[number],
                    &[delay],
                )?;
                return Ok(verdicts.first().copied().unwrap_or_default());
            }
            let verdicts =
                optimizer.observe_texts(now, &[handle], &text, &lengths, time.as_slice())?;
            Ok(verdicts.first().copied().unwrap_or_default())
        })?;
        // The last value of a total comes before the reading that ended it.
        self.print_published()?;
        let publish = verdict & PUBLISH != 0;
        if verdict != Reason::Late as u8
            && let Some(values) = self.series.values_mut(handle)
        {
            values.latest = Some(value.clone());
        }
        if publish {
            self.published(handle, Some(value))?;
        }
        answer(&Verdict {
            decision: if publish { "publish" } else { "suppress" },
            reason: &reason(verdict),
            published: self
                .series
                .values(handle)
                .and_then(|values| values.published.as_deref()),
        })
    }

    pub(super) fn rule(&mut self, arguments: RuleArguments) -> Outcome {
        let rule = settings::rule(&arguments)?;
        let entity = arguments.entity.unwrap_or_default();
        let handles = self.series.intern(
            &mut *self.optimizer,
            &entity,
            arguments.attribute.as_deref(),
        )?;
        self.optimizer.set_rule(&[handles.series], Some(&rule))?;
        self.centred |= arguments.centred;
        self.rules.insert((entity, arguments.attribute), rule);
        ok()
    }

    /// Forgets an entity's state and attributes; counts those that had values.
    pub(super) fn reset(&mut self, arguments: &Entity) -> Outcome {
        let handles = self.series.all_of(&arguments.entity);
        let forgotten = self.optimizer.reset(&handles)?;
        for handle in handles {
            if let Some(values) = self.series.values_mut(handle) {
                *values = super::series::Values::default();
            }
        }
        answer(&forgotten)
    }

    pub(super) fn dirty(&mut self, arguments: Dirty) -> Outcome {
        let handle = self
            .series
            .intern(&mut *self.optimizer, &arguments.entity, None)?
            .entity;
        let now = self.now();
        let coalesced = self.optimizer.batch_totals()?.coalesced;
        self.optimizer.mark_dirty(now, &[handle])?;
        // One that did not wait carries nothing yet: what an earlier update of
        // it carried left with it, perhaps for want of room.
        if self.optimizer.batch_totals()?.coalesced == coalesced {
            self.carried.remove(&handle);
        }
        self.marked.insert(handle);
        if let Some(value) = arguments.value {
            self.carried.insert(handle, value);
        }
        ok()
    }

    pub(super) fn drop(&mut self, arguments: &Entity) -> Outcome {
        if let Some(handle) = self.series.entity(&arguments.entity) {
            self.optimizer.drop_pending(&[handle])?;
            self.marked.remove(&handle);
            self.carried.remove(&handle);
        }
        ok()
    }

    pub(super) fn batch_stats(&mut self) -> Outcome {
        let totals = self.optimizer.batch_totals()?;
        let (updates, coalesced) = self.uncounted;
        answer(&BatchStatistics {
            updates: totals.updates.saturating_sub(updates),
            coalesced: totals.coalesced.saturating_sub(coalesced),
            batches: totals.batches,
            pending: totals.pending,
            mean: Number(totals.mean_size),
        })
    }

    pub(super) fn batch_pace(&mut self) -> Outcome {
        let totals = self.optimizer.batch_totals()?;
        answer(&BatchPace {
            window: Micros(totals.window),
            max: totals.max,
        })
    }
}

/// A value as Home Assistant would write a state: text as it is, numbers as
/// they were written, anything else as JSON without insignificant white space.
fn text_of(value: &RawValue) -> String {
    match serde_json::from_str(value.get()) {
        Ok(Value::String(text)) => text,
        Ok(structure @ (Value::Array(_) | Value::Object(_))) => structure.to_string(),
        _ => value.get().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_the_text_of_a_state() {
        for (json, text) in [
            (r#""21.50""#, "21.50"),
            (r#""\u00e4\n""#, "ä\n"),
            ("2.10e1", "2.10e1"),
            ("12345678901234567890.5", "12345678901234567890.5"),
            ("1e400", "1e400"),
            ("null", "null"),
            ("true", "true"),
            (r#"{ "b" : 1, "a": [ 2 ] }"#, r#"{"a":[2],"b":1}"#),
        ] {
            let raw = RawValue::from_string(json.to_owned()).unwrap();
            assert_eq!(text_of(&raw), text);
        }
    }
}
