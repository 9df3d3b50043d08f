//! The arguments of gates, queues, breakers, retries and filters.
//!
//! As in [`super::arguments`], wrong types and unknown names are refused here,
//! values out of range by the optimizer.

use serde::de::{Deserialize, Deserializer, Error as _};
use serde_json::value::RawValue;

use super::micros::Micros;

/// Which arguments a gate takes depends on its kind; see [`Gate::check`].
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Gate {
    /// `debounce`, `throttle` or `batch`.
    pub(super) kind: String,
    pub(super) wait: Option<Micros>,
    pub(super) max_wait: Option<Micros>,
    pub(super) leading: Option<bool>,
    pub(super) trailing: Option<bool>,
    /// Runs per second.
    pub(super) rate: Option<Real>,
    pub(super) size: Option<i64>,
}

impl Gate {
    /// That there is what its kind needs, and nothing else.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let Self {
            kind,
            wait,
            max_wait,
            leading,
            trailing,
            rate,
            size,
        } = self;
        let edges = max_wait.is_some() || leading.is_some() || trailing.is_some();
        match kind.as_str() {
            "debounce" if wait.is_none() || rate.is_some() || size.is_some() => {
                Err("a debounce takes `wait` and perhaps `max_wait`, `leading` and `trailing`")
            }
            "throttle" if rate.is_none() || wait.is_some() || size.is_some() || edges => {
                Err("a throttle takes `rate` alone")
            }
            "batch" if wait.is_none() || size.is_none() || rate.is_some() || edges => {
                Err("a batch takes `size` and `wait`")
            }
            _ => Ok(()),
        }
    }
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Breaker {
    pub(super) failures: Option<i64>,
    pub(super) successes: Option<i64>,
    pub(super) open: Option<Micros>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Retry {
    pub(super) attempts: Option<i64>,
    pub(super) initial: Option<Micros>,
    pub(super) base: Option<Real>,
    pub(super) cap: Option<Micros>,
    pub(super) jitter: Option<Jitter>,
}

/// A number; the words for what JSON cannot write as one are read, so that a
/// scenario can show their refusal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Real(pub(super) f64);

impl<'de> Deserialize<'de> for Real {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        match raw.get() {
            "\"NaN\"" => Ok(Self(f64::NAN)),
            "\"inf\"" => Ok(Self(f64::INFINITY)),
            "\"-inf\"" => Ok(Self(f64::NEG_INFINITY)),
            text => serde_json::from_str(text).map(Self).map_err(|_| {
                D::Error::custom(format!(
                    "expected a number, \"NaN\", \"inf\" or \"-inf\", found {text}"
                ))
            }),
        }
    }
}

/// A fraction of the delay, or whether there is any.
#[derive(Debug, Clone, Copy, PartialEq, serde::Deserialize)]
#[serde(untagged)]
pub(super) enum Jitter {
    Switch(bool),
    Fraction(f64),
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Call {
    pub(super) value: Box<RawValue>,
    pub(super) key: Option<String>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Push {
    pub(super) item: Box<RawValue>,
    pub(super) key: Option<String>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Take {
    /// Without it, all.
    pub(super) most: Option<i64>,
}

/// The name of the breaker that is meant where none is given.
fn default_breaker() -> String {
    "default".into()
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Attempt {
    /// `ok`, `fail`, `excluded` or `cancel`.
    pub(super) outcome: String,
    #[serde(default = "default_breaker")]
    pub(super) breaker: String,
}

/// A call that takes until its `end`.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Begin {
    pub(super) call: String,
    #[serde(default = "default_breaker")]
    pub(super) breaker: String,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct End {
    pub(super) call: String,
    /// As in `attempt`.
    pub(super) outcome: String,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BreakerName {
    #[serde(default = "default_breaker")]
    pub(super) breaker: String,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Delays {
    pub(super) count: i64,
    #[serde(default)]
    pub(super) jitter: bool,
    #[serde(default)]
    pub(super) seed: u64,
}

/// What to do after a failed attempt.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RetryWait {
    pub(super) failure: Failure,
    pub(super) retry_after: Option<Micros>,
    /// Counted from 1.
    #[serde(default = "first")]
    pub(super) attempt: i64,
    #[serde(default)]
    pub(super) seed: u64,
}

fn first() -> i64 {
    1
}

/// A status, or `timeout`, `connection`, `rejected`, `cancelled` or `other`.
#[derive(Debug, serde::Deserialize)]
#[serde(untagged)]
pub(super) enum Failure {
    Status(u16),
    Named(String),
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    /// `include` or `exclude`.
    pub(super) mode: String,
    #[serde(default)]
    pub(super) patterns: Vec<String>,
    #[serde(default)]
    pub(super) exceptions: Vec<String>,
    pub(super) entity: String,
}
