//! How long operations take: one histogram for each named metric.
//!
//! Failing operations are recorded like others. Timing them, logging slow ones
//! and writing the numbers out are the host's.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::Error;
use crate::histogram::Histogram;

/// Most metrics under names of their own: with the range of a histogram this
/// bounds all of them to some 35 MB, a thousandth of which is usual.
const MOST_NAMES: usize = 1000;
/// The metric that all further names share.
const OVERFLOW: &str = "overflow";

/// What is known of one metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// As it was interned.
    pub name: String,
    /// Number of samples.
    pub count: u64,
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

#[derive(Debug, Clone)]
struct Metric {
    name: String,
    samples: Histogram,
}

impl Metric {
    fn summary(&self) -> Summary {
        Summary {
            name: self.name.clone(),
            count: self.samples.count(),
            mean: self.samples.mean(),
            min: self.samples.min(),
            max: self.samples.max(),
            p50: self.samples.percentile(50),
            p95: self.samples.percentile(95),
            p99: self.samples.percentile(99),
        }
    }
}

/// All metrics, numbered from zero.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    list: Vec<Metric>,
    numbers: BTreeMap<String, u32>,
}

impl Metrics {
    /// No metrics yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Numbers of metrics, by name; the same name gets the same one. Past 1,000
    /// names every further one shares the metric `overflow` and is itself not
    /// remembered.
    pub fn intern(&mut self, names: &[impl AsRef<str>]) -> Vec<u32> {
        names
            .iter()
            .map(|name| self.number_of(name.as_ref()))
            .collect()
    }

    /// Adds samples in microseconds to the metrics beside them. Says how many
    /// were refused: NaN, infinite or negative.
    pub fn record_samples(&mut self, metrics: &[u32], micros: &[f64]) -> Result<u32, Error> {
        if metrics.len() != micros.len() {
            return Err(Error::InvalidArgument(format!(
                "metrics has {} items and micros has {}; give one sample for each metric",
                metrics.len(),
                micros.len()
            )));
        }
        let known = self.list.len();
        if let Some(unknown) = metrics.iter().find(|number| **number as usize >= known) {
            return Err(Error::UnknownHandle(*unknown));
        }
        let mut refused = 0;
        for (number, micros) in metrics.iter().zip(micros) {
            if let Some(metric) = self.list.get_mut(*number as usize) {
                refused += u32::from(!metric.samples.record(*micros));
            }
        }
        Ok(refused)
    }

    /// Adds all that another collection has recorded, name by name: how shards
    /// are told as one.
    pub fn merge(&mut self, other: &Self) {
        for metric in &other.list {
            let number = self.number_of(&metric.name);
            if let Some(mine) = self.list.get_mut(number as usize) {
                mine.samples.merge(&metric.samples);
            }
        }
    }

    /// What is known of a name; `None` for one that has no metric of its own.
    pub fn summary_of(&self, name: &str) -> Option<Summary> {
        let number = *self.numbers.get(name)?;
        self.list.get(number as usize).map(Metric::summary)
    }

    /// All metrics, in order of their numbers.
    pub fn summaries(&self) -> Vec<Summary> {
        self.list.iter().map(Metric::summary).collect()
    }

    /// Forgets all samples; names and numbers stay.
    pub fn reset(&mut self) {
        for metric in &mut self.list {
            metric.samples = Histogram::default();
        }
    }

    fn number_of(&mut self, name: &str) -> u32 {
        // The overflow metric itself may come on top of the others.
        let name = if self.list.len() < MOST_NAMES || self.numbers.contains_key(name) {
            name
        } else {
            OVERFLOW
        };
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = self.list.len() as u32;
        self.list.push(Metric {
            name: name.to_owned(),
            samples: Histogram::default(),
        });
        self.numbers.insert(name.to_owned(), number);
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn many(from: usize, to: usize) -> Vec<String> {
        (from..to)
            .map(|number| format!("operation {number}"))
            .collect()
    }

    #[test]
    fn a_name_keeps_its_number() {
        let mut metrics = Metrics::new();
        assert_eq!(metrics.intern(&["get", "put", "get"]), [0, 1, 0]);
        assert_eq!(metrics.intern(&["put", "tick"]), [1, 2]);
    }

    #[test]
    fn names_past_the_bound_share_one_metric() {
        let mut metrics = Metrics::new();
        metrics.intern(&many(0, MOST_NAMES));
        assert_eq!(
            metrics.intern(&many(MOST_NAMES, MOST_NAMES + 3)),
            [1000, 1000, 1000]
        );
        assert_eq!(metrics.intern(&["operation 7", OVERFLOW]), [7, 1000]);
        metrics
            .record_samples(&[1000], &[5.0])
            .expect("the shared metric is known");
        assert_eq!(
            metrics.summary_of(OVERFLOW).map(|summary| summary.count),
            Some(1)
        );
        assert_eq!(metrics.summaries().len(), MOST_NAMES + 1);
    }

    #[test]
    fn a_name_that_was_overflow_already_is_shared_too() {
        let mut metrics = Metrics::new();
        metrics.intern(&[OVERFLOW]);
        metrics.intern(&many(1, MOST_NAMES));
        assert_eq!(metrics.intern(&["one more"]), [0]);
        assert_eq!(metrics.summaries().len(), MOST_NAMES);
    }

    #[test]
    fn a_refused_call_records_nothing() {
        let mut metrics = Metrics::new();
        metrics.intern(&["get"]);
        let uneven = metrics.record_samples(&[0, 0], &[1.0]);
        assert!(matches!(uneven, Err(Error::InvalidArgument(_))));
        assert_eq!(
            metrics.record_samples(&[0, 1], &[1.0, 1.0]),
            Err(Error::UnknownHandle(1))
        );
        assert_eq!(
            metrics.summary_of("get").map(|summary| summary.count),
            Some(0)
        );
    }

    #[test]
    fn refused_samples_are_counted_and_the_others_recorded() {
        let mut metrics = Metrics::new();
        metrics.intern(&["get"]);
        let refused = metrics.record_samples(&[0; 5], &[f64::NAN, 2.0, f64::INFINITY, -1.0, 4.0]);
        assert_eq!(refused, Ok(3));
        let summary = metrics.summary_of("get").expect("interned");
        assert_eq!(
            (summary.count, summary.mean, summary.min, summary.max),
            (2, 3.0, 2.0, 4.0)
        );
    }

    #[test]
    fn merging_goes_by_name_and_keeps_numbers() {
        let (mut left, mut right) = (Metrics::new(), Metrics::new());
        left.intern(&["get", "put"]);
        right.intern(&["put", "tick"]);
        left.record_samples(&[0, 1], &[1.0, 2.0]).expect("known");
        right.record_samples(&[0, 1], &[4.0, 8.0]).expect("known");
        left.merge(&right);
        let merged: Vec<(u64, f64)> = left
            .summaries()
            .iter()
            .map(|summary| (summary.count, summary.mean))
            .collect();
        assert_eq!(merged, [(1, 1.0), (2, 3.0), (1, 8.0)]);
        assert_eq!(left.intern(&["get", "put", "tick"]), [0, 1, 2]);
    }

    #[test]
    fn a_reset_forgets_samples_and_keeps_numbers() {
        let mut metrics = Metrics::new();
        metrics.intern(&["get", "put"]);
        metrics.record_samples(&[1], &[2.0]).expect("known");
        metrics.reset();
        let names: Vec<(String, u64)> = metrics
            .summaries()
            .into_iter()
            .map(|summary| (summary.name, summary.count))
            .collect();
        assert_eq!(names, [("get".to_owned(), 0), ("put".to_owned(), 0)]);
        assert_eq!(metrics.intern(&["put"]), [1]);
        assert_eq!(metrics.summary_of("tick"), None);
    }
}
