//! What a replay knows of one entity: its handles, what was written and
//! published of it, and how far apart these were.

use std::collections::HashMap;

use serde_json::{Map, Value};
use weirhouse_runner::wit::entities::Facts;

use crate::plugins::Seen;
use crate::trace::report::{EntityReport, saving};

/// One entity of a trace.
#[derive(Debug)]
pub(super) struct Entity {
    pub(super) name: String,
    /// The handle of its state.
    pub(super) state: u32,
    /// The handles of its attributes.
    pub(super) attributes: HashMap<String, u32>,
    pub(super) facts: Facts,
    pub(super) before: u64,
    pub(super) after: u64,
    latest: Option<f64>,
    /// The newest state.
    text: String,
    published: Option<f64>,
    largest_error: Option<f64>,
    /// The state published last, and when, in milliseconds.
    shown: Option<(String, u64)>,
    unpublished: u32,
}

impl Entity {
    /// An entity that was not read yet.
    pub(super) fn new(name: &str, state: u32) -> Self {
        Self {
            name: name.to_owned(),
            state,
            attributes: HashMap::new(),
            facts: Facts {
                device_class: None,
                unit: None,
                state_class: None,
            },
            before: 0,
            after: 0,
            latest: None,
            text: String::new(),
            published: None,
            largest_error: None,
            shown: None,
            unpublished: 0,
        }
    }

    /// What is known before a new state, for whoever advises on it.
    pub(super) fn seen(&self, state: &str, now_ms: u64) -> Seen {
        const HOUR_MS: f64 = 3_600_000.0;
        // A pace of a minute or less would be a guess.
        let hours = (now_ms as f64).max(60_000.0) / HOUR_MS;
        Seen {
            entity_id: self.name.as_str().into(),
            text: state.to_owned(),
            at_ms: now_ms,
            published: self.shown.clone(),
            readings: self.unpublished.saturating_add(1),
            changes_per_hour: self.before as f64 / hours,
            tolerance: None,
            name: None,
            device_class: self.facts.device_class.clone(),
            unit: self.facts.unit.clone(),
            state_class: self.facts.state_class.clone(),
        }
    }

    /// Counts one write and what became of it.
    pub(super) fn count(&mut self, state: &str, published: bool) {
        self.before += 1;
        self.unpublished = self.unpublished.saturating_add(1);
        self.after += u64::from(published);
        self.latest = number(state);
        state.clone_into(&mut self.text);
    }

    /// The newest state was published as it is at that time.
    pub(super) fn publish_latest(&mut self, now_ms: u64) {
        self.published = self.latest;
        self.unpublished = 0;
        self.shown = Some((self.text.clone(), now_ms));
    }

    /// A number was published in place of the newest state.
    pub(super) fn publish(&mut self, number: Option<f64>) {
        self.published = number.filter(|number| number.is_finite());
        if let (Some(number), Some((shown, _))) = (self.published, self.shown.as_mut()) {
            *shown = number.to_string();
        }
    }

    /// How far what is published is from the newest state now.
    pub(super) fn note_error(&mut self) {
        if let (Some(latest), Some(published)) = (self.latest, self.published) {
            let error = (latest - published).abs();
            self.largest_error = Some(self.largest_error.map_or(error, |most| most.max(error)));
        }
    }

    /// Takes over what attributes say of the kind of entity; says whether that
    /// changed anything.
    pub(super) fn facts_changed(&mut self, attributes: &Map<String, Value>) -> bool {
        let Facts {
            device_class,
            unit,
            state_class,
        } = &mut self.facts;
        let mut changed = false;
        for (name, fact) in [
            ("device_class", device_class),
            ("unit_of_measurement", unit),
            ("state_class", state_class),
        ] {
            if let Some(value) = attributes.get(name) {
                let told = value.as_str().map(str::to_owned);
                changed |= *fact != told;
                *fact = told;
            }
        }
        changed
    }

    /// What became of its writes.
    pub(super) fn report(self) -> EntityReport {
        let (saved, suppressed) = saving(self.before, self.after);
        EntityReport {
            entity: self.name,
            before: self.before,
            after: self.after,
            saved,
            suppressed,
            largest_error: self.largest_error,
        }
    }
}

/// A state that is a finite decimal number.
fn number(state: &str) -> Option<f64> {
    let decimal = state
        .bytes()
        .all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    state
        .parse()
        .ok()
        .filter(|number: &f64| decimal && number.is_finite())
}
