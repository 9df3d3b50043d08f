//! The arguments of every operation, as the file spells them.
//!
//! Unknown arguments and wrong types are refused by these types; values out of
//! range are not, because the optimizer refuses those in its own words.

use std::collections::BTreeMap;

use serde::de::{Deserialize, Deserializer, Error as _};
use serde_json::value::RawValue;

use super::cache_arguments::{CacheArguments, FetchArguments};
use super::flow_arguments::{Breaker, Gate, Retry};
use super::micros::Micros;

/// `{}`
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Configure {
    pub(super) significance: Option<RuleArguments>,
    pub(super) cache: Option<CacheArguments>,
    pub(super) fetch: Option<FetchArguments>,
    pub(super) batch: Option<BatchArguments>,
    pub(super) queue: Option<QueueArguments>,
    pub(super) metric: Option<MetricArguments>,
    pub(super) gate: Option<Gate>,
    pub(super) breaker: Option<Breaker>,
    pub(super) retry: Option<Retry>,
}

/// A significance rule; of one entity in `rule`, the default in `configure`.
#[allow(clippy::struct_excessive_bools)] // The format's own switches.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleArguments {
    /// Only in `rule`, and required there.
    pub(super) entity: Option<String>,
    /// Only in `rule`.
    pub(super) attribute: Option<String>,
    pub(super) absolute: Option<f64>,
    pub(super) percentage: Option<f64>,
    /// `all` (the default) or `any`.
    pub(super) mode: Option<String>,
    pub(super) max_age: Option<Micros>,
    pub(super) settle: Option<Micros>,
    #[serde(default)]
    pub(super) centred: bool,
    #[serde(default)]
    pub(super) zero_crossing: bool,
    #[serde(default)]
    pub(super) levels: Vec<f64>,
    #[serde(default)]
    pub(super) total: bool,
    #[serde(default)]
    pub(super) learn: bool,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BatchArguments {
    pub(super) window: Option<Micros>,
    pub(super) max: Option<i64>,
    #[serde(default)]
    pub(super) flush_on_full: bool,
    pub(super) adaptive: Option<AdaptiveArguments>,
}

/// Bounds for window and size, lower before upper, and the latency to aim at.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AdaptiveArguments {
    pub(super) window: (Micros, Micros),
    pub(super) max: (i64, i64),
    pub(super) target_latency: Micros,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct QueueArguments {
    pub(super) capacity: Option<i64>,
    /// `drop-oldest` (the default) or `drop-new`.
    pub(super) overflow: Option<String>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MetricArguments {
    pub(super) window: Option<Micros>,
    pub(super) enabled: Option<bool>,
    pub(super) names: Option<i64>,
    pub(super) slow_over: Option<Micros>,
    pub(super) slow_list: Option<i64>,
    pub(super) history_interval: Option<Micros>,
    pub(super) history_points: Option<i64>,
    pub(super) history_metrics: Option<i64>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Observe {
    pub(super) entity: String,
    pub(super) attribute: Option<String>,
    pub(super) value: Box<RawValue>,
    pub(super) time: Option<Micros>,
    #[serde(rename = "override")]
    pub(super) thresholds: Option<Override>,
    /// What a policy beside the rules says of it.
    pub(super) advice: Option<AdviceArguments>,
}

/// What a policy beside the rules says of a reading.
#[derive(Debug, Clone, Copy, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum AdviceArguments {
    Publish,
    Hold,
    Replace(f64),
    Defer(Micros),
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Override {
    pub(super) absolute: Option<f64>,
    pub(super) percentage: Option<f64>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entity {
    pub(super) entity: String,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Dirty {
    pub(super) entity: String,
    #[serde(default, deserialize_with = "present")]
    pub(super) value: Option<Box<RawValue>>,
}

/// Tells a null that stands there from a value that does not.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::deserialize(deserializer).map(Some)
}

/// Registers a sink, or changes how it is served.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sink {
    pub(super) name: String,
    pub(super) max: Option<i64>,
    pub(super) capacity: Option<i64>,
    pub(super) attempts: Option<i64>,
    pub(super) retry_first: Option<Micros>,
    pub(super) retry_cap: Option<Micros>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Unsink {
    pub(super) name: String,
}

/// How the delivery to a sink ended; without a number, the one printed last.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Delivered {
    pub(super) sink: String,
    pub(super) number: Option<u64>,
    pub(super) latency: Option<Micros>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Undelivered {
    pub(super) sink: String,
    pub(super) number: Option<u64>,
    #[serde(default)]
    pub(super) permanent: bool,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Register {
    pub(super) entity: String,
    pub(super) interval: Option<Interval>,
    pub(super) class: Option<String>,
    pub(super) volatility: Option<String>,
    pub(super) shortest: Option<Micros>,
    pub(super) longest: Option<Micros>,
    pub(super) group: Option<String>,
    pub(super) weight: Option<f64>,
}

impl Register {
    /// One way of registering, whole and alone.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let bounds = (&self.shortest, &self.longest, &self.group);
        match (&self.interval, &self.class, &self.volatility, bounds) {
            (Some(_), None, None, (None, None, None))
            | (None, Some(_), _, (None, None, None))
            | (None, None, None, (Some(_), Some(_), _)) => {}
            _ => {
                return Err(
                    "give either `interval`, or `class` with `volatility`, or `shortest` and `longest`",
                );
            }
        }
        if self.weight.is_some() && self.group.is_none() {
            return Err("`weight` is that of an entity with a `group`");
        }
        Ok(())
    }
}

/// An interval; the words for what JSON cannot write as a number are read, so
/// that a scenario can show their refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interval {
    Length(Micros),
    NotANumber,
}

impl<'de> Deserialize<'de> for Interval {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        match (raw.get(), Micros::parse(raw.get())) {
            (_, Some(length)) => Ok(Self::Length(length)),
            ("\"NaN\"", None) => Ok(Self::NotANumber),
            ("\"inf\"", None) => Ok(Self::Length(Micros(i64::MAX))),
            ("\"-inf\"", None) => Ok(Self::Length(Micros(-i64::MAX))),
            (text, None) => Err(D::Error::custom(format!(
                "expected a number of milliseconds, \"NaN\", \"inf\" or \"-inf\", found {text}"
            ))),
        }
    }
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    pub(super) name: String,
    #[serde(default)]
    pub(super) tags: BTreeMap<String, String>,
    #[serde(rename = "ms")]
    pub(super) sample: Sample,
    #[serde(default)]
    pub(super) failed: bool,
    #[serde(default)]
    pub(super) request: String,
}

/// A measured time in microseconds, with the same words as [`Interval`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sample(pub(super) f64);

impl<'de> Deserialize<'de> for Sample {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        match raw.get() {
            "\"NaN\"" => Ok(Self(f64::NAN)),
            "\"inf\"" => Ok(Self(f64::INFINITY)),
            "\"-inf\"" => Ok(Self(f64::NEG_INFINITY)),
            text => micros_of(text).map(Self).ok_or_else(|| {
                D::Error::custom(format!(
                    "expected a number of milliseconds, \"NaN\", \"inf\" or \"-inf\", found {text}"
                ))
            }),
        }
    }
}

/// Milliseconds in text to microseconds, rounded once.
fn micros_of(text: &str) -> Option<f64> {
    Micros::parse(text)?;
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent = exponent.parse::<i64>().map_or_else(
        |_| exponent.to_owned(),
        |exponent| exponent.saturating_add(3).to_string(),
    );
    format!("{mantissa}e{exponent}").parse().ok()
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Metric {
    pub(super) name: String,
    #[serde(default)]
    pub(super) tags: BTreeMap<String, String>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Counter {
    pub(super) name: String,
    #[serde(default)]
    pub(super) tags: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) add: u64,
}

/// The words for what JSON cannot write as a number are read, too.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Gauge {
    pub(super) name: String,
    #[serde(default)]
    pub(super) tags: BTreeMap<String, String>,
    pub(super) set: Option<Figure>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Figure(pub(super) f64);

impl<'de> Deserialize<'de> for Figure {
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

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct History {
    pub(super) name: String,
    #[serde(default)]
    pub(super) tags: BTreeMap<String, String>,
    /// `timer` (the default), `counter` or `gauge`.
    pub(super) kind: Option<String>,
}

/// Bounds in milliseconds.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AtMost {
    pub(super) name: String,
    #[serde(default)]
    pub(super) tags: BTreeMap<String, String>,
    #[serde(rename = "ms")]
    pub(super) bounds: Vec<Sample>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_rounded_once() {
        for (text, micros) in [
            ("0.57", 570.0),
            ("1.1", 1100.0),
            ("1e3", 1e6),
            ("25E-4", 2.5),
            ("-1", -1000.0),
        ] {
            assert_eq!(
                serde_json::from_str::<Sample>(text).unwrap(),
                Sample(micros),
                "{text}"
            );
        }
        assert!(
            serde_json::from_str::<Sample>("\"NaN\"")
                .unwrap()
                .0
                .is_nan()
        );
        assert!(serde_json::from_str::<Sample>("\"1\"").is_err());
    }

    #[test]
    fn null_is_a_value_and_no_value_is_none() {
        let dirty = |text: &str| serde_json::from_str::<Dirty>(text).unwrap().value;
        assert_eq!(
            dirty(r#"{"entity":"a","value":null}"#).unwrap().get(),
            "null"
        );
        assert!(dirty(r#"{"entity":"a"}"#).is_none());
    }
}
