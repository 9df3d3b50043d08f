//! What metrics answer: summaries of timers, counters, gauges, and all in one.

use alloc::string::String;
use alloc::vec::Vec;

use super::Key;
use super::histogram::Histogram;

/// How many metrics an overview names by each order.
const LEADING: usize = 5;

/// What is known of one timer.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// What it is called.
    pub key: Key,
    /// Number of samples, failing operations included.
    pub count: u64,
    /// Of these, failing.
    pub failed: u64,
    /// Of these, over the limit for slow ones.
    pub slow: u64,
    /// In microseconds, exact to a nanosecond per sample.
    pub sum: f64,
    /// In microseconds, exact to a nanosecond; 0 without samples.
    pub mean: f64,
    /// In microseconds; 0 without samples.
    pub min: f64,
    /// In microseconds; 0 without samples.
    pub max: f64,
    /// The median in microseconds, within 1 %; 0 without samples.
    pub p50: f64,
    /// In microseconds, within 1 %; 0 without samples.
    pub p95: f64,
    /// In microseconds, within 1 %; 0 without samples.
    pub p99: f64,
}

impl Summary {
    pub(super) fn new(key: &Key, samples: &Histogram, failed: u64, slow: u64) -> Self {
        Self {
            key: key.clone(),
            count: samples.count(),
            failed,
            slow,
            sum: samples.sum(),
            mean: samples.mean(),
            min: samples.min(),
            max: samples.max(),
            p50: samples.percentile(50),
            p95: samples.percentile(95),
            p99: samples.percentile(99),
        }
    }
}

/// A number that only rises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counter {
    /// What it is called.
    pub key: Key,
    /// The sum of what was added; stays at its greatest value.
    pub total: u64,
}

/// A number that rises and falls.
#[derive(Debug, Clone, PartialEq)]
pub struct Gauge {
    /// What it is called.
    pub key: Key,
    /// As it was last set; `None` before.
    pub value: Option<f64>,
}

/// A slow operation.
#[derive(Debug, Clone, PartialEq)]
pub struct SlowOperation {
    /// What it is called.
    pub key: Key,
    /// How long it took, in microseconds.
    pub micros: f64,
    /// Whether it failed.
    pub failed: bool,
    /// The request it was part of, if the host said so.
    pub request: Option<String>,
    /// When it was reported, in microseconds since the Unix epoch.
    pub dated_us: i64,
}

/// Everything in a few figures.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Overview {
    /// Metrics of all kinds.
    pub metrics: u32,
    /// Samples of all timers.
    pub samples: u64,
    /// Of these, of failing operations.
    pub failed: u64,
    /// Of these, slow.
    pub slow: u64,
    /// Samples and settings of gauges that were refused: NaN, infinite or, for
    /// a sample, negative.
    pub refused: u64,
    /// The five timers of the greatest mean, greatest first.
    pub slowest: Vec<Summary>,
    /// The five timers with the most samples, most first.
    pub most_called: Vec<Summary>,
}

/// The first few by an order; equal ones by key, so that equal samples always
/// give an equal list.
pub(super) fn leading(
    summaries: &[Summary],
    order: impl Fn(&Summary, &Summary) -> core::cmp::Ordering,
) -> Vec<Summary> {
    let mut sorted: Vec<&Summary> = summaries
        .iter()
        .filter(|summary| summary.count > 0)
        .collect();
    sorted.sort_by(|one, other| order(one, other).then_with(|| one.key.cmp(&other.key)));
    sorted.into_iter().take(LEADING).cloned().collect()
}
