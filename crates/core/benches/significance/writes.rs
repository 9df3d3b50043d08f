//! Writes that hold a guarantee: by rule, and the fewest there can be.

use weirhouse_core::rule::{Publishing, RuleSettings};
use weirhouse_core::{Error, Instant, Optimizer, Series};

/// One trace under one threshold.
pub(crate) struct Writes {
    pub(crate) name: String,
    pub(crate) threshold: f64,
    pub(crate) readings: usize,
    /// Of an exact rule, which publishes readings as they came.
    pub(crate) deadband: usize,
    /// Of a rule that publishes readings as they came, too, but one that is as
    /// far as the threshold not yet.
    pub(crate) lazy: usize,
    /// Of a centred rule.
    pub(crate) centred: usize,
    /// The fewest with every reading within the threshold of what was written.
    pub(crate) optimum: usize,
}

impl Writes {
    /// Counts the writes of the sensors of one trace.
    pub(crate) fn count(name: &str, threshold: f64, sensors: &[Vec<f64>]) -> Result<Self, Error> {
        let mut writes = Self {
            name: name.to_owned(),
            threshold,
            readings: 0,
            deadband: 0,
            lazy: 0,
            centred: 0,
            optimum: 0,
        };
        for readings in sensors {
            writes.readings += readings.len();
            writes.deadband += by_rule(Publishing::Exact, threshold, readings)?;
            writes.lazy += lazy(threshold, readings);
            writes.centred += by_rule(Publishing::Centred, threshold, readings)?;
            writes.optimum += optimum(threshold, readings);
        }
        Ok(writes)
    }

    /// Centred writes as a share of the deadband's.
    pub(crate) fn against_deadband(&self) -> f64 {
        self.centred as f64 / self.deadband as f64
    }

    /// Centred writes as a multiple of the fewest.
    pub(crate) fn against_optimum(&self) -> f64 {
        self.centred as f64 / self.optimum as f64
    }
}

/// The geometric mean.
pub(crate) fn mean(ratios: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = ratios.fold((0.0, 0_u32), |(sum, count), ratio| {
        (sum + ratio.ln(), count + 1)
    });
    (sum / f64::from(count)).exp()
}

/// Writes of the optimizer itself. Checks its guarantee at every reading.
fn by_rule(publishing: Publishing, threshold: f64, readings: &[f64]) -> Result<usize, Error> {
    let mut optimizer = Optimizer::new();
    optimizer.set_default_rule(&RuleSettings {
        absolute: Some(threshold),
        publishing,
        ..RuleSettings::default()
    })?;
    let handles = optimizer.intern(&[Series {
        entity: "sensor.traced".into(),
        attribute: None,
    }])?;
    let mut writes = 0;
    for (second, &reading) in (0_u64..).zip(readings) {
        let now = Instant {
            mono_us: second * 1_000_000,
            wall_us: 0,
        };
        let reasons = optimizer.observe_numbers(now, &handles, &[reading], &[])?;
        writes += reasons.iter().filter(|reason| reason.publishes()).count();
        for published in optimizer.published_numbers(&handles)? {
            assert!(
                within(published, reading, threshold),
                "{published} was published when {reading} was read, and is not within {threshold}"
            );
        }
    }
    Ok(writes)
}

fn lazy(threshold: f64, readings: &[f64]) -> usize {
    let mut published = None;
    let mut writes = 0;
    for &reading in readings {
        if !published.is_some_and(|it| within(it, reading, threshold)) {
            published = Some(reading);
            writes += 1;
        }
    }
    writes
}

/// Extends each piece as far as its readings lie within twice the threshold of
/// each other. No choice of pieces gets by with fewer: by induction, none ends
/// its nth piece later.
fn optimum(threshold: f64, readings: &[f64]) -> usize {
    let mut pieces = 0;
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for &reading in readings {
        (low, high) = (low.min(reading), high.max(reading));
        if pieces == 0 || !within(low, high, 2.0 * threshold) {
            pieces += 1;
            (low, high) = (reading, reading);
        }
    }
    pieces
}

/// Compares as decimals: generous by a few units in the last place.
fn within(one: f64, other: f64, tolerance: f64) -> bool {
    let slack = (one.abs() + other.abs() + tolerance) * f64::EPSILON;
    (one - other).abs() <= tolerance + slack
}
