//! What is recorded: samples of timers, counts and gauges, in columns. All of a
//! call is checked before any of it counts.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::history::Ring;
use super::slow::Entry;
use super::window::Window;
use super::{Kind, Metrics, Value};
use crate::time::LONGEST_US;
use crate::{Error, Now};

/// Longest id of a request, in bytes.
const LONGEST_REQUEST: usize = 255;

/// Samples of timers, in columns. Each of `failed` and `requests` is empty or
/// as long as the others.
#[derive(Debug, Clone, Copy, Default)]
pub struct Samples<'a> {
    /// Which timer each is of.
    pub metrics: &'a [u32],
    /// How long each took, in microseconds; at most 10 years.
    pub micros: &'a [f64],
    /// Whether each failed, as 1 or 0; empty when none did.
    pub failed: &'a [u8],
    /// Which request each was part of, at most 255 bytes; empty text for none.
    pub requests: &'a [String],
}

/// What became of samples.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recorded {
    /// How many were refused: NaN, infinite or negative.
    pub refused: u32,
    /// The places of slow ones in the call, to be logged.
    pub slow: Vec<u32>,
}

impl Metrics {
    /// Adds samples of timers.
    pub fn record_samples(&mut self, now: Now, samples: Samples<'_>) -> Result<Recorded, Error> {
        self.check_samples(samples)?;
        let mut recorded = Recorded::default();
        if !self.settings.enabled {
            return Ok(recorded);
        }
        let failed = samples.failed.iter().copied();
        let failed = failed.chain(core::iter::repeat(0));
        let columns = samples.metrics.iter().zip(samples.micros).zip(failed);
        for (place, ((&number, &micros), failed)) in columns.enumerate() {
            match self.record(now, number, micros, failed != 0) {
                None => recorded.refused += 1,
                Some(false) => {}
                Some(true) => {
                    recorded.slow.push(place as u32);
                    let request = samples.requests.get(place);
                    let entry = Entry {
                        metric: number,
                        micros,
                        failed: failed != 0,
                        request: request.filter(|id| !id.is_empty()).cloned(),
                        dated_us: now.dated_us,
                    };
                    self.slow.push(entry, self.settings.slow_list as usize);
                }
            }
        }
        self.refused += u64::from(recorded.refused);
        Ok(recorded)
    }

    /// Adds one sample; says whether it is slow, or `None` where it is refused.
    fn record(&mut self, now: Now, number: u32, micros: f64, fails: bool) -> Option<bool> {
        let limit_us = self.settings.slow_over_us as f64;
        let metric = self.list.get_mut(number as usize)?;
        let Value::Timer(tally) = &mut metric.value else {
            return None;
        };
        let is_slow = micros > limit_us;
        if !tally.record(micros, fails, is_slow) {
            return None;
        }
        self.remember(now, number, micros);
        if let Some(window) = self.window_of(number) {
            window.current(now.mono_us).record(micros, fails, is_slow);
        }
        Some(is_slow)
    }

    /// Adds to counters, `amounts` beside `metrics`.
    pub fn add_counts(&mut self, now: Now, metrics: &[u32], amounts: &[u64]) -> Result<(), Error> {
        same_length("amounts", amounts.len(), metrics.len())?;
        self.check_kind(metrics, Kind::Counter)?;
        if !self.settings.enabled {
            return Ok(());
        }
        for (&number, &amount) in metrics.iter().zip(amounts) {
            if let Some(metric) = self.list.get_mut(number as usize)
                && let Value::Counter(total) = &mut metric.value
            {
                *total = total.saturating_add(amount);
                self.remember(now, number, amount as f64);
            }
        }
        Ok(())
    }

    /// Sets gauges, `values` beside `metrics`; says how many were refused: NaN
    /// or infinite.
    pub fn set_gauges(&mut self, now: Now, metrics: &[u32], values: &[f64]) -> Result<u32, Error> {
        same_length("values", values.len(), metrics.len())?;
        self.check_kind(metrics, Kind::Gauge)?;
        let mut refused = 0;
        if !self.settings.enabled {
            return Ok(refused);
        }
        for (&number, &value) in metrics.iter().zip(values) {
            if !value.is_finite() {
                refused += 1;
                continue;
            }
            if let Some(metric) = self.list.get_mut(number as usize) {
                metric.value = Value::Gauge(Some(value));
            }
            self.remember(now, number, value);
        }
        self.refused += u64::from(refused);
        Ok(refused)
    }

    /// The window of a timer, if it has a history and windows are kept.
    fn window_of(&mut self, number: u32) -> Option<&mut Window> {
        let length_us = self.settings.window_us?.unsigned_abs();
        let metric = self.list.get_mut(number as usize)?;
        metric.history.as_ref()?;
        Some(metric.window.get_or_insert_with(|| Window::new(length_us)))
    }

    /// Puts a value into the history of a metric, if it has one or may.
    fn remember(&mut self, now: Now, number: u32, value: f64) {
        let Some(metric) = self.list.get_mut(number as usize) else {
            return;
        };
        if metric.history.is_none() && self.histories < self.settings.history_metrics {
            let points = self.settings.history_points as usize;
            let interval_us = self.settings.history_interval_us.unsigned_abs();
            metric.history = Some(Ring::new(interval_us, points));
            self.histories += 1;
        }
        if let Some(history) = &mut metric.history {
            history.record(now.mono_us, value);
        }
    }

    fn check_samples(&self, samples: Samples<'_>) -> Result<(), Error> {
        let expected = samples.metrics.len();
        same_length("micros", samples.micros.len(), expected)?;
        if !samples.failed.is_empty() {
            same_length("failed", samples.failed.len(), expected)?;
        }
        if !samples.requests.is_empty() {
            same_length("requests", samples.requests.len(), expected)?;
        }
        if let Some(long) = samples
            .requests
            .iter()
            .find(|request| request.len() > LONGEST_REQUEST)
        {
            return Err(Error::InvalidArgument(format!(
                "the id of a request must have at most {LONGEST_REQUEST} bytes, not {}",
                long.len()
            )));
        }
        let too_long = |micros: &&f64| micros.is_finite() && **micros > LONGEST_US as f64;
        if let Some(micros) = samples.micros.iter().find(too_long) {
            return Err(Error::InvalidArgument(format!(
                "a sample must be at most 10 years, not {} ms",
                micros / 1000.0
            )));
        }
        self.check_kind(samples.metrics, Kind::Timer)
    }

    pub(super) fn check_kind(&self, metrics: &[u32], kind: Kind) -> Result<(), Error> {
        for &number in metrics {
            let Some(metric) = self.list.get(number as usize) else {
                return Err(Error::UnknownHandle(number));
            };
            let other = metric.value.kind();
            if other != kind {
                return Err(Error::InvalidArgument(format!(
                    "metric {number} is the {} {}; this takes a {}",
                    other.name(),
                    metric.key,
                    kind.name()
                )));
            }
        }
        Ok(())
    }
}

fn same_length(name: &str, length: usize, expected: usize) -> Result<(), Error> {
    if length == expected {
        return Ok(());
    }
    Err(Error::InvalidArgument(format!(
        "{name} must be as many as metrics, which are {expected}, not {length}"
    )))
}
