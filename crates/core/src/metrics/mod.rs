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
mod recording;
mod settings;
mod slow;
mod tally;
mod window;

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use crate::{Error, Now};

pub use figures::{Counter, Gauge, Overview, SlowOperation, Summary};
pub use history::History;
use history::Ring;
pub use key::Key;
pub use recording::{Recorded, Samples};
pub use settings::Settings;
use slow::SlowList;
use tally::Tally;
use window::Window;

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
}

#[cfg(test)]
mod tests;
