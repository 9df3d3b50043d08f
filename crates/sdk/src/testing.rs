//! A home to try a plugin in, on the author's machine and without a host: the
//! optimizer itself, in virtual time.

mod asked;
mod surroundings;
mod trace;

use std::collections::HashMap;
use std::fmt::Write as _;

use weirhouse_core::rule::RuleSettings;
use weirhouse_core::significance::Reason;
use weirhouse_core::{Instant, Opinions, Optimizer, Series};

use crate::entities::Metadata;
use crate::{Decision, Observation, Plugin, Publication, Value, Verdict};

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
}

struct Known {
    handle: u32,
    entity: u32,
    published: Option<Publication>,
    readings: u32,
    at: Vec<u64>,
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

    /// One reading at a moment, in milliseconds.
    ///
    /// # Panics
    /// If the plugin answers with an error, or not with one decision.
    #[allow(
        clippy::panic,
        reason = "a test has to fail where a host would count a strike"
    )]
    pub fn read(&mut self, at_ms: u64, entity_id: &str, state: &str) -> Outcome {
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
        if let Some(known) = self.series.get_mut(entity_id)
            && let Some(shown) = &shown
        {
            known.readings = 0;
            known.published = Some(Publication {
                value: value_of(shown),
                at: at_ms,
            });
        }
        Outcome {
            decision,
            reason: name_of(reason),
            published: shown,
        }
    }

    fn observation(&mut self, at_ms: u64, entity_id: &str, state: &str) -> Observation {
        let known = match self.series.entry(entity_id.to_owned()) {
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
                    published: None,
                    readings: 0,
                    at: Vec::new(),
                })
            }
        };
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
            tolerance: self.rule.absolute,
        }
    }

    fn advise(&mut self, at_ms: u64, entity_id: &str, state: &str, decision: &Decision) -> Reason {
        let now = Instant {
            mono_us: at_ms * 1000,
            wall_us: i64::try_from(at_ms * 1000).unwrap_or(i64::MAX),
        };
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
        self.optimizer.tick(now);
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
