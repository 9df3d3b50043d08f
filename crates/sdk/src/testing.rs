//! A home to try a plugin in, on the author's machine and without a host: the
//! optimizer itself, in virtual time.

mod asked;
mod scenario;
mod surroundings;
mod trace;

use std::collections::HashMap;
use std::fmt::Write as _;

use weirhouse_core::rule::RuleSettings;
use weirhouse_core::significance::Reason;
use weirhouse_core::{Instant, Opinions, Optimizer, Series};

use crate::entities::Metadata;
use crate::{Decision, Observation, Plugin, Publication, Value, Verdict};

pub use scenario::ScenarioError;
pub use surroundings::Surroundings;
pub(crate) use surroundings::surroundings;
pub use trace::{Row, TraceError};

/// A plugin in a home of its own. There is one home per thread: services answer
/// for the harness made last.
pub struct Harness<P> {
    /// The plugin, to look into.
    pub plugin: P,
    optimizer: Optimizer,
    rule: RuleSettings,
    series: HashMap<String, Known>,
    timed: Vec<Timed>,
}

struct Known {
    handle: u32,
    entity: u32,
    /// Its newest reading.
    latest: String,
    published: Option<Publication>,
    /// That, and what was published last, as a scenario wrote them.
    written: String,
    shown: String,
    /// The threshold of its own rule.
    tolerance: Option<f64>,
    readings: u32,
    at: Vec<u64>,
}

/// What was published at a moment of its own: put off, settled, or again after
/// a long silence.
#[derive(Debug, Clone, PartialEq)]
pub struct Timed {
    /// When, in milliseconds.
    pub at_ms: u64,
    /// Of which entity.
    pub entity_id: String,
    /// What was published.
    pub published: String,
    /// Why, as in [`Outcome`]: `deferred`, `settle` or `heartbeat`.
    pub reason: &'static str,
}

/// What became of a reading.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// What the plugin said of it.
    pub decision: Decision,
    /// Why it was published or suppressed: the names in answers of the API,
    /// such as `advised`, `held`, `first` or `threshold`.
    pub reason: &'static str,
    /// What was published for it.
    pub published: Option<String>,
}

impl<P: Plugin> Default for Harness<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P: Plugin> Harness<P> {
    /// An empty home with the plugin's default settings and no threshold.
    pub fn new() -> Self {
        let defaults = P::describe().settings.into_iter();
        let around = Surroundings {
            settings: defaults.map(|it| (it.name, it.default)).collect(),
            ..Surroundings::default()
        };
        surroundings(|it| *it = around);
        Self {
            plugin: P::default(),
            optimizer: Optimizer::new(),
            rule: RuleSettings::default(),
            series: HashMap::new(),
            timed: Vec::new(),
        }
    }

    /// Changes a setting, for calls from now on.
    #[must_use]
    pub fn setting(self, name: &str, value: &str) -> Self {
        surroundings(|it| it.settings.insert(name.to_owned(), value.to_owned()));
        self
    }

    /// Gives all entities a threshold by default: how far what is passed on may
    /// lie from a reading.
    ///
    /// # Panics
    /// If it is negative or not finite.
    #[must_use]
    #[allow(clippy::panic, reason = "a test that is set up wrongly has to fail")]
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.rule.absolute = Some(tolerance);
        if let Err(error) = self.optimizer.set_default_rule(&self.rule) {
            panic!("tolerance: {error}");
        }
        self
    }

    /// One reading at a moment, in milliseconds. The plugin is not asked about
    /// the first of an entity, unless it transforms readings: a host passes that
    /// on.
    ///
    /// # Panics
    /// If the plugin answers with an error or not with one decision, or replaces
    /// a reading by what is no number or farther away than the tolerance.
    #[allow(
        clippy::panic,
        reason = "a test has to fail where a host would count a strike"
    )]
    pub fn read(&mut self, at_ms: u64, entity_id: &str, state: &str) -> Outcome {
        self.advance(at_ms);
        let observation = self.observation(at_ms, entity_id, state);
        let decision = match asked::decide(&mut self.plugin, at_ms, observation) {
            Ok(decision) => decision,
            Err(message) => panic!("{message}"),
        };
        let reason = self.advise(at_ms, entity_id, state, &decision);
        let is_published = reason as u8 & 0x80 != 0;
        let shown = is_published.then(|| match (reason, &decision.verdict) {
            (Reason::Advised, Verdict::Replace(number)) => number.to_string(),
            _ => state.to_owned(),
        });
        if let Some(known) = self.series.get_mut(entity_id) {
            state.clone_into(&mut known.latest);
            if let Some(shown) = &shown {
                known.publish(at_ms, shown);
            }
        }
        Outcome {
            decision,
            reason: name_of(reason),
            published: shown,
        }
    }

    /// Lets time pass, and says what was published at moments of its own since
    /// this was last asked.
    pub fn pass(&mut self, until_ms: u64) -> Vec<Timed> {
        self.advance(until_ms);
        std::mem::take(&mut self.timed)
    }

    /// Does what is due up to a moment, each at its time.
    fn advance(&mut self, until_ms: u64) {
        let end_us = until_ms * 1000;
        let mut last = None;
        while let Some(due) = self.optimizer.next_deadline() {
            if due > end_us || last == Some(due) {
                break;
            }
            last = Some(due);
            self.tick(due);
        }
        self.tick(end_us);
    }

    fn tick(&mut self, now_us: u64) {
        self.optimizer.tick(instant(now_us));
        // Nobody is sent batches here.
        while !self.optimizer.poll_batch().is_empty() {}
        for publication in self.optimizer.poll_published() {
            let named = self.optimizer.names(&[publication.series]).ok();
            let Some(name) = named.and_then(|mut names| names.pop()) else {
                continue;
            };
            let Some(known) = self.series.get_mut(&*name.entity) else {
                continue;
            };
            let published = match (publication.reason, publication.number) {
                (Reason::Final, Some(number)) => number.to_string(),
                _ => known.latest.clone(),
            };
            let at_ms = now_us / 1000;
            // What ended a total was passed on after its last value.
            if publication.reason != Reason::Final {
                known.publish(at_ms, &published);
            }
            self.timed.push(Timed {
                at_ms,
                entity_id: name.entity.to_string(),
                published,
                reason: name_of(publication.reason),
            });
        }
    }

    /// What the home knows of an entity; it is met now if it is new.
    fn known(&mut self, entity_id: &str) -> &mut Known {
        match self.series.entry(entity_id.to_owned()) {
            std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::hash_map::Entry::Vacant(place) => {
                let series = Series {
                    entity: entity_id.into(),
                    attribute: None,
                };
                let handles = self.optimizer.intern(&[series]).unwrap_or_default();
                let entity = surroundings(|it| it.meet(entity_id));
                place.insert(Known {
                    handle: handles.first().copied().unwrap_or_default(),
                    entity,
                    latest: String::new(),
                    written: String::new(),
                    shown: String::new(),
                    published: None,
                    tolerance: None,
                    readings: 0,
                    at: Vec::new(),
                })
            }
        }
    }

    fn observation(&mut self, at_ms: u64, entity_id: &str, state: &str) -> Observation {
        let by_default = self.rule.absolute;
        let known = self.known(entity_id);
        known.readings += 1;
        known
            .at
            .retain(|then| at_ms.saturating_sub(*then) < HOUR_MS);
        known.at.push(at_ms);
        Observation {
            entity: known.entity,
            value: value_of(state),
            at: at_ms,
            published: known.published.clone(),
            readings: known.readings,
            changes_per_hour: known.at.len() as f64,
            tolerance: known.tolerance.or(by_default),
        }
    }

    fn advise(&mut self, at_ms: u64, entity_id: &str, state: &str, decision: &Decision) -> Reason {
        let now = instant(at_ms * 1000);
        let (code, number, delay_ms) = match decision.verdict {
            Verdict::Abstain => (0, f64::NAN, 0),
            Verdict::Publish => (1, f64::NAN, 0),
            Verdict::Suppress => (2, f64::NAN, 0),
            Verdict::Replace(number) => (3, number, 0),
            Verdict::Defer(delay_ms) => (4, f64::NAN, delay_ms),
        };
        let handle = self.series.get(entity_id).map_or(0, |known| known.handle);
        let length = u32::try_from(state.len()).unwrap_or(u32::MAX);
        let opinions = Opinions {
            codes: &[code],
            numbers: &[number],
            delays_us: &[i64::from(delay_ms) * 1000],
        };
        let reasons = self
            .optimizer
            .observe_advised(now, &[handle], state, &[length], &opinions);
        reasons
            .ok()
            .and_then(|it| it.first().copied())
            .unwrap_or(Reason::Late)
    }

    /// Tells the home what an entity is, before its first reading.
    #[must_use]
    pub fn entity(self, metadata: Metadata) -> Self {
        surroundings(|it| it.entities.push(metadata));
        self
    }

    /// Everything the plugin wrote to the log, a line each.
    pub fn log(&self) -> String {
        surroundings(|it| {
            let mut text = String::new();
            for (level, line) in &it.log {
                let _ = writeln!(text, "{level:?} {line}");
            }
            text
        })
    }
}

impl Known {
    fn publish(&mut self, at_ms: u64, shown: &str) {
        self.readings = 0;
        self.published = Some(Publication {
            value: value_of(shown),
            at: at_ms,
        });
    }
}

fn instant(now_us: u64) -> Instant {
    Instant {
        mono_us: now_us,
        wall_us: i64::try_from(now_us).unwrap_or(i64::MAX),
    }
}

const HOUR_MS: u64 = 3_600_000;

/// What a state is, as the host sees it.
fn value_of(state: &str) -> Value {
    match state {
        "unknown" => Value::Unknown,
        "unavailable" => Value::Unavailable,
        text => match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Value::Number(number),
            _ => Value::Text(text.to_owned()),
        },
    }
}

fn name_of(reason: Reason) -> &'static str {
    match reason {
        Reason::Repeat => "repeat",
        Reason::Within => "within",
        Reason::Late => "late",
        Reason::Held => "held",
        Reason::First => "first",
        Reason::Changed => "changed",
        Reason::Threshold => "threshold",
        Reason::Availability => "availability",
        Reason::NotFinite => "not-finite",
        Reason::Crossing => "crossing",
        Reason::Reset => "reset",
        Reason::Heartbeat => "heartbeat",
        Reason::Settle => "settle",
        Reason::Final => "final",
        Reason::Advised => "advised",
        Reason::Deferred => "deferred",
    }
}
