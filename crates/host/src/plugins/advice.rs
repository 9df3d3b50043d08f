//! What plugins advise, made sense of.

use std::sync::Arc;

use weirhouse_runner::plugin::PluginFault;
use weirhouse_runner::plugin::wit::judge::{Decision, Verdict};
use weirhouse_runner::plugin::wit::types::{Observation, Value};

use super::consult::Seen;

/// Characters kept of a reason.
const MOST_REASON_CHARS: usize = 80;

/// What is advised on one reading, in the optimizer's words. By default it
/// decides alone.
#[derive(Debug, Clone, PartialEq)]
pub struct Advice {
    /// The code of the WIT type `advice.opinion`.
    pub opinion: u8,
    /// The number to publish in its place.
    pub number: f64,
    /// How long it is put off, in microseconds.
    pub delay_us: i64,
    /// Why, for people; nothing if the plugin does not say.
    pub reason: Option<Arc<str>>,
}

impl Default for Advice {
    fn default() -> Self {
        Self {
            opinion: 0,
            number: f64::NAN,
            delay_us: 0,
            reason: None,
        }
    }
}

impl Advice {
    /// What a decision advises on a reading.
    pub(super) fn of(
        decision: &Decision,
        observation: &Observation,
        seen: &Seen,
    ) -> Result<Self, PluginFault> {
        let reason = shown(&decision.reason);
        let reading = match observation.value {
            Value::Number(reading) => Some(reading),
            _ => None,
        };
        Ok(match decision.verdict {
            Verdict::Abstain => Self::plain(0, reason),
            Verdict::Publish => Self::plain(1, reason),
            Verdict::Suppress => Self::plain(2, reason),
            Verdict::Replace(number) => Self::replacing(number, reading, seen, reason)?,
            Verdict::Defer(delay_ms) => Self::deferring(delay_ms, reason),
        })
    }

    /// An opinion that needs no number.
    pub(super) fn plain(opinion: u8, reason: Option<Arc<str>>) -> Self {
        Self {
            opinion,
            reason,
            ..Self::default()
        }
    }

    /// Putting a reading off.
    pub(super) fn deferring(delay_ms: u32, reason: Option<Arc<str>>) -> Self {
        Self {
            delay_us: i64::from(delay_ms) * 1000,
            ..Self::plain(4, reason)
        }
    }

    /// Another number in place of a reading, if it may be that.
    pub(super) fn replacing(
        number: f64,
        reading: Option<f64>,
        seen: &Seen,
        reason: Option<Arc<str>>,
    ) -> Result<Self, PluginFault> {
        check_replacement(number, reading, seen)?;
        Ok(Self {
            number,
            ..Self::plain(3, reason)
        })
    }
}

/// A reason as people are shown it: on one line, and short.
pub(super) fn shown(reason: &str) -> Option<Arc<str>> {
    if reason.is_empty() {
        return None;
    }
    // As nearly all are.
    if reason.len() <= MOST_REASON_CHARS && !reason.chars().any(char::is_control) {
        return Some(reason.into());
    }
    let line = reason
        .chars()
        .map(|it| if it.is_control() { ' ' } else { it });
    Some(line.take(MOST_REASON_CHARS).collect::<String>().into())
}

fn check_replacement(number: f64, reading: Option<f64>, seen: &Seen) -> Result<(), PluginFault> {
    let nonsense = |reason: String| PluginFault::Nonsense {
        function: "judge",
        reason,
    };
    let entity_id = &seen.entity_id;
    let Some(reading) = reading else {
        return Err(nonsense(format!(
            "replaced `{}` of {entity_id}, which is no number",
            seen.text
        )));
    };
    if !number.is_finite() {
        return Err(nonsense(format!(
            "replaced {reading} of {entity_id} by {number}"
        )));
    }
    let Some(tolerance) = seen.tolerance else {
        return Err(nonsense(format!(
            "replaced {reading} of {entity_id}, for which no tolerance is set"
        )));
    };
    // What rounding may add is none of the plugin's fault.
    let slack = (reading.abs() + number.abs() + tolerance) * f64::EPSILON;
    if (number - reading).abs() > tolerance + slack {
        return Err(nonsense(format!(
            "replaced {reading} of {entity_id} by {number}, farther away than {tolerance}"
        )));
    }
    Ok(())
}
