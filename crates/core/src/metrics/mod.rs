//! Numbers about operations: timers, counters and gauges under names with tags.
//!
//! A timer is a histogram of durations, of failing operations too. Timing,
//! logging and writing the numbers out are the host's: a call that records
//! slow samples says which they were, so that the host can log each once.
//!
//! Memory is bounded by the number of names, past which metrics of a kind share
//! one, and by the settings for the list of slow operations and for histories.
//! Nothing of this is kept over a restart.

mod figures;
mod histogram;
mod history;
mod key;
mod settings;
mod slow;
mod tally;
mod window;

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::time::LONGEST_US;
use crate::{Error, Now};

pub use figures::{Counter, Gauge, Overview, SlowOperation, Summary};
pub use history::History;
use history::Ring;
pub use key::Key;
pub use settings::Settings;
use slow::{Entry, SlowList};
use tally::Tally;
use window::Window;

/// Longest id of a request, in bytes.
const LONGEST_REQUEST: usize = 255;

/// What a metric counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// How long operations take.
    Timer,
    /// A number that only rises.
    Counter,
    /// A number that rises and falls.
    Gauge,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Timer => "timer",
            Self::Counter => "counter",
            Self::Gauge => "gauge",
        }
    }
}

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

#[derive(Debug, Clone)]
enum Value {
    Timer(Tally),
    Counter(u64),
    Gauge(Option<f64>),
}

impl Value {
    fn new(kind: Kind) -> Self {
        match kind {
            Kind::Timer => Self::Timer(Tally::default()),
            Kind::Counter => Self::Counter(0),
            Kind::Gauge => Self::Gauge(None),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Timer(_) => Kind::Timer,
            Self::Counter(_) => Kind::Counter,
            Self::Gauge(_) => Kind::Gauge,
        }
    }
}

#[derive(Debug, Clone)]
struct Metric {
    key: Key,
    value: Value,
    history: Option<Ring>,
    /// Beside a history, where windows are kept.
    window: Option<Window>,
}

impl Metric {
    fn summary(&self) -> Option<Summary> {
        match &self.value {
            Value::Timer(tally) => Some(tally.summary(&self.key)),
            Value::Counter(_) | Value::Gauge(_) => None,
        }
    }
}

/// All metrics, numbered from zero.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    settings: Settings,
    list: Vec<Metric>,
    numbers: BTreeMap<(Kind, Key), u32>,
    slow: SlowList,
    /// How many metrics have a history.
    histories: u32,
    refused: u64,
}

impl Metrics {
    /// No metrics yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Changes what is recorded and kept. Names, numbers and what was recorded
    /// stay; histories and windows start anew where their shape changes.
    pub fn configure(&mut self, settings: Settings) -> Result<(), Error> {
        settings.check()?;
        if !settings.same_history(&self.settings) {
            self.forget_histories();
        }
        self.slow.shorten(settings.slow_list as usize);
        self.settings = settings;
        Ok(())
    }

    /// Numbers of metrics of a kind, in order; the same key gets the same one.
    /// Past the bound on names every further one shares the metric `overflow`
    /// of its kind and is itself not remembered.
    pub fn intern(&mut self, kind: Kind, keys: &[Key]) -> Vec<u32> {
        keys.iter().map(|key| self.number_of(kind, key)).collect()
    }

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

    /// What is known of a timer; `None` for one without a metric of its own.
    pub fn summary_of(&self, key: &Key) -> Option<Summary> {
        self.find(Kind::Timer, key).and_then(Metric::summary)
    }

    /// What is known of a timer in the window that ends now; `None` for one
    /// without a window, being unknown, never recorded, or without a history, and
    /// for all where none are kept.
    pub fn recent(&self, now: Now, key: &Key) -> Option<Summary> {
        let window = self.find(Kind::Timer, key)?.window.as_ref()?;
        Some(window.read(now.mono_us).summary(key))
    }

    /// All timers, in order of their numbers.
    pub fn summaries(&self) -> Vec<Summary> {
        self.list.iter().filter_map(Metric::summary).collect()
    }

    /// All counters, in order of their numbers.
    pub fn counters(&self) -> Vec<Counter> {
        self.list
            .iter()
            .filter_map(|metric| match metric.value {
                Value::Counter(total) => Some(Counter {
                    key: metric.key.clone(),
                    total,
                }),
                Value::Timer(_) | Value::Gauge(_) => None,
            })
            .collect()
    }

    /// All gauges, in order of their numbers.
    pub fn gauges(&self) -> Vec<Gauge> {
        self.list
            .iter()
            .filter_map(|metric| match metric.value {
                Value::Gauge(value) => Some(Gauge {
                    key: metric.key.clone(),
                    value,
                }),
                Value::Timer(_) | Value::Counter(_) => None,
            })
            .collect()
    }

    /// How many samples of a timer are at most as long as each of `bounds`, in
    /// microseconds, ascending: the buckets of a Prometheus histogram. Samples
    /// within 1 % of a bound may count on its other side.
    pub fn at_most(&self, timer: u32, bounds: &[f64]) -> Result<Vec<u64>, Error> {
        self.check_kind(&[timer], Kind::Timer)?;
        if !bounds.is_sorted() || bounds.iter().any(|bound| bound.is_nan()) {
            return Err(Error::InvalidArgument(
                "bounds must ascend and be numbers".into(),
            ));
        }
        Ok(
            match self.list.get(timer as usize).map(|metric| &metric.value) {
                Some(Value::Timer(tally)) => tally.samples.at_most(bounds),
                _ => Vec::new(),
            },
        )
    }

    /// Everything in a few figures.
    pub fn overview(&self) -> Overview {
        let summaries = self.summaries();
        let total = |of: fn(&Summary) -> u64| summaries.iter().map(of).sum();
        Overview {
            metrics: self.list.len() as u32,
            samples: total(|summary| summary.count),
            failed: total(|summary| summary.failed),
            slow: total(|summary| summary.slow),
            refused: self.refused,
            slowest: figures::leading(&summaries, |one, other| other.mean.total_cmp(&one.mean)),
            most_called: figures::leading(&summaries, |one, other| other.count.cmp(&one.count)),
        }
    }

    /// The slow operations of late, newest first.
    pub fn slow_operations(&self) -> Vec<SlowOperation> {
        self.slow
            .newest_first()
            .filter_map(|entry| {
                let key = &self.list.get(entry.metric as usize)?.key;
                Some(SlowOperation {
                    key: key.clone(),
                    micros: entry.micros,
                    failed: entry.failed,
                    request: entry.request.clone(),
                    dated_us: entry.dated_us,
                })
            })
            .collect()
    }

    /// The recent past of a metric; `None` for one that has no history, being
    /// unknown, never recorded, or recorded after others had taken them all.
    pub fn history_of(&self, now: Now, kind: Kind, key: &Key) -> Option<History> {
        let ring = self.find(kind, key)?.history.as_ref()?;
        Some(ring.read(now.mono_us))
    }

    /// Forgets all that was recorded; names, numbers and settings stay.
    pub fn reset(&mut self) {
        for metric in &mut self.list {
            metric.value = Value::new(metric.value.kind());
        }
        self.forget_histories();
        self.slow.clear();
        self.refused = 0;
    }

    fn forget_histories(&mut self) {
        for metric in &mut self.list {
            metric.history = None;
            metric.window = None;
        }
        self.histories = 0;
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

    fn find(&self, kind: Kind, key: &Key) -> Option<&Metric> {
        let number = *self.numbers.get(&(kind, key.clone()))?;
        self.list.get(number as usize)
    }

    fn number_of(&mut self, kind: Kind, key: &Key) -> u32 {
        let mut place = (kind, key.clone());
        if let Some(number) = self.numbers.get(&place) {
            return *number;
        }
        if self.list.len() - self.shared() >= self.settings.names as usize {
            place.1 = Key::overflow();
            if let Some(number) = self.numbers.get(&place) {
                return *number;
            }
        }
        let number = self.list.len() as u32;
        self.list.push(Metric {
            key: place.1.clone(),
            value: Value::new(kind),
            history: None,
            window: None,
        });
        self.numbers.insert(place, number);
        number
    }

    /// How many metrics stand for those past the bound, and come on top of it.
    fn shared(&self) -> usize {
        let kinds = [Kind::Timer, Kind::Counter, Kind::Gauge];
        let places = kinds.map(|kind| (kind, Key::overflow()));
        let shared = places
            .iter()
            .filter(|place| self.numbers.contains_key(*place));
        shared.count()
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

    fn check_kind(&self, metrics: &[u32], kind: Kind) -> Result<(), Error> {
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

#[cfg(test)]
mod tests;
