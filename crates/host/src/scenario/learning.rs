//! Noise floors, and the many readings it takes to learn one.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::arguments::Observe;
use super::output::{Number, Outcome, Problem, answer, ok};
use super::session::Session;

/// Most readings one line stands for.
const MOST_READINGS: u64 = 100_000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Learning {
    pub(super) enabled: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Named {
    entity: String,
    attribute: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Readings {
    entity: String,
    attribute: Option<String>,
    values: Vec<Box<RawValue>>,
    /// How often the values are read in turn.
    #[serde(default = "once")]
    repeat: u64,
}

fn once() -> u64 {
    1
}

/// What `readings` answers.
#[derive(Serialize)]
struct Count {
    readings: u64,
    published: u64,
}

/// What `proposal` answers.
#[derive(Serialize)]
struct Proposal {
    threshold: Number,
    suppressed: Number,
    mean_error: Number,
    max_error: Number,
    readings: u32,
}

impl Session<'_> {
    pub(super) fn learning(&mut self, arguments: &Learning) -> Outcome {
        self.optimizer.set_learning(arguments.enabled)?;
        self.learns = arguments.enabled;
        ok()
    }

    /// Readings at one moment; what they publish shows in later answers only.
    pub(super) fn readings(&mut self, arguments: &Readings) -> Outcome {
        let readings = arguments
            .repeat
            .saturating_mul(arguments.values.len() as u64);
        if readings > MOST_READINGS {
            return Err(Problem::invalid(format!(
                "one line holds at most {MOST_READINGS} readings, not {readings}"
            )));
        }
        let before = self.optimizer.update_totals()?.published;
        // As many passes over no values would still take their time.
        let values = arguments.values.iter().cycle().take(readings as usize);
        for value in values {
            self.observe(Observe {
                entity: arguments.entity.clone(),
                attribute: arguments.attribute.clone(),
                value: value.clone(),
                time: None,
                thresholds: None,
                advice: None,
            })?;
        }
        answer(&Count {
            readings,
            published: self.optimizer.update_totals()?.published - before,
        })
    }

    /// `null` where nothing is proposed yet.
    pub(super) fn proposal(&mut self, arguments: &Named) -> Outcome {
        let handles = self.series.intern(
            &mut *self.optimizer,
            &arguments.entity,
            arguments.attribute.as_deref(),
        )?;
        let proposals = self.optimizer.propose(&[handles.series])?;
        let first = |column: &[f64]| column.first().copied().unwrap_or(f64::NAN);
        let threshold = first(&proposals.thresholds);
        answer(&(!threshold.is_nan()).then(|| Proposal {
            threshold: Number(threshold),
            suppressed: Number(first(&proposals.suppressed)),
            mean_error: Number(first(&proposals.mean_errors)),
            max_error: Number(first(&proposals.max_errors)),
            readings: proposals.readings.first().copied().unwrap_or_default(),
        }))
    }
}
