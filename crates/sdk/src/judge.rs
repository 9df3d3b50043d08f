//! Looking at readings, and deciding on them.

use crate::{Decision, Observation, Value, Verdict};

impl Observation {
    /// The reading, if it is a number.
    pub fn number(&self) -> Option<f64> {
        number(&self.value)
    }

    /// What was passed on last, if it is a number.
    pub fn published_number(&self) -> Option<f64> {
        number(&self.published.as_ref()?.value)
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => Some(*number),
        _ => None,
    }
}

impl Decision {
    /// The built-in policy decides.
    pub fn abstain() -> Self {
        Self::new(Verdict::Abstain, "")
    }

    /// It is passed on.
    pub fn publish(reason: &str) -> Self {
        Self::new(Verdict::Publish, reason)
    }

    /// It is not passed on.
    pub fn suppress(reason: &str) -> Self {
        Self::new(Verdict::Suppress, reason)
    }

    /// A number within the tolerance is passed on in its place.
    pub fn replace(number: f64, reason: &str) -> Self {
        Self::new(Verdict::Replace(number), reason)
    }

    /// The newest reading is passed on after so many milliseconds.
    pub fn defer(delay_ms: u32, reason: &str) -> Self {
        Self::new(Verdict::Defer(delay_ms), reason)
    }

    fn new(verdict: Verdict, reason: &str) -> Self {
        Self {
            verdict,
            reason: reason.to_owned(),
        }
    }
}
