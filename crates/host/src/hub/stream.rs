//! From changes of the home to readings, and to verdicts on them.

use std::sync::Arc;
use std::time::Duration;

use weirhouse_hass::{Change, Kind, Observation, Snapshot, StateChange, Timestamp};
use weirhouse_runner::Fault;
use weirhouse_runner::operations::{Entities as _, Updates as _};
use weirhouse_runner::wit::entities::Facts;
use weirhouse_runner::wit::types::Instant;

use super::engine::{Engine, MOST_TRAPS};
use super::entities::Name;

/// Attributes from which a preset follows; a change of one describes the
/// entity anew.
const FACTS: [&str; 3] = ["device_class", "unit_of_measurement", "state_class"];

/// One value of one series.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    pub(super) name: Name,
    pub(super) text: String,
    /// When it was made, where its source says so. Of readings that are judged
    /// together either all have a time or none.
    pub(super) time: Option<Timestamp>,
}

impl Reading {
    /// One without a time.
    pub(super) fn new(name: Name, text: String) -> Self {
        Self {
            name,
            text,
            time: None,
        }
    }
}

/// Readings in columns: whose, and their texts joined into one.
pub(super) struct Columns {
    pub(super) series: Vec<u32>,
    pub(super) text: String,
    pub(super) lengths: Vec<u32>,
}

impl Engine {
    /// Replaces the mirror, and observes what differs.
    pub(super) fn handle_snapshot(&mut self, now: Instant, states: Snapshot) {
        let observations = self.mirror.replace(states, Duration::from_micros(now.mono));
        let mut readings = Vec::new();
        for observation in &observations {
            self.observe_entity(now, observation, &mut readings);
        }
        self.became_fresh(now);
        self.ingest(now, readings);
    }

    /// Applies the changes of one frame, and observes them in one call. Gives them for those who follow the mirror, if
    /// there are any.
    pub(super) fn handle_changes(
        &mut self,
        now: Instant,
        changes: Vec<Change>,
        following: bool,
    ) -> Vec<StateChange> {
        let at = Duration::from_micros(now.mono);
        let wall = Timestamp::from_micros(now.wall);
        let mut readings = Vec::with_capacity(changes.len());
        let mut written = Vec::new();
        for change in changes {
            self.written += 1;
            let before = following.then(|| {
                let entity_id: Arc<str> = change.entity_id().into();
                let state = self.mirror.shared(&entity_id);
                (entity_id, state)
            });
            let observation = self.mirror.apply(change, at);
            if let (Some((entity_id, before)), Some(_)) = (before, &observation) {
                let after = self.mirror.shared(&entity_id);
                let change = StateChange::new(self.written, entity_id, before, after, wall);
                written.push(change);
            }
            // Read before the next change, or a value between is lost.
            if let Some(observation) = observation {
                if observation.kind == Kind::Removed {
                    // What it was before is of no interest, and would bring it back.
                    readings
                        .retain(|reading: &Reading| *reading.name.entity != *observation.entity_id);
                } else if observation.kind == Kind::Changed && observation.differs() {
                    self.note_changed(now, &observation.entity_id);
                }
                self.observe_entity(now, &observation, &mut readings);
            }
        }
        self.ingest(now, readings);
        written
    }

    /// Turns what differs in one entity into readings.
    pub(super) fn observe_entity(
        &mut self,
        now: Instant,
        seen: &Observation,
        readings: &mut Vec<Reading>,
    ) {
        let entity_id = seen.entity_id.as_str();
        self.touched.push(entity_id.into());
        if seen.kind == Kind::Removed {
            self.remove(now, entity_id);
            return;
        }
        if self.reported.has(entity_id) && self.mirror.get(entity_id).is_some() {
            self.reported.cede(entity_id);
        }
        let Some(state) = self.state(entity_id) else {
            return;
        };
        let mut push = |attribute: Option<&str>, text: String| {
            let name = Name {
                entity: entity_id.into(),
                attribute: attribute.map(Into::into),
            };
            readings.push(Reading::new(name, text));
        };
        if seen.state_changed {
            push(None, state.state.clone());
        }
        // An attribute becomes a series when it first changes: most never do,
        // and those go out with their entity's first update.
        let known = |name: &str| {
            seen.kind == Kind::Changed || self.entities.attributes(entity_id).any(|it| it == name)
        };
        for name in seen.attributes_changed.iter().filter(|name| known(name)) {
            if let Some(json) = state.attributes.get(name) {
                push(Some(name), plain_text(json));
            }
        }
        for name in seen.attributes_removed.iter().filter(|name| known(name)) {
            push(Some(name), "unknown".to_owned());
        }
        let described = seen
            .attributes_changed
            .iter()
            .chain(&seen.attributes_removed);
        if described.into_iter().any(|name| FACTS.contains(&&**name))
            && let Err(fault) = self.describe_anew(entity_id)
        {
            tracing::warn!(%fault, entity_id, "its description was not taken");
            self.recover(now);
        }
    }

    /// Reports what an entity is now, and gives its series the rules that
    /// follow from that.
    fn describe_anew(&mut self, entity_id: &str) -> Result<(), Fault> {
        let name = Name {
            entity: entity_id.into(),
            attribute: None,
        };
        self.policies.forget_claim(entity_id);
        let Some(handle) = self.entities.handle(&name) else {
            return Ok(());
        };
        self.describe(handle, entity_id)?;
        if self.settings.rules.is_empty() {
            return Ok(());
        }
        self.tell_rules(&self.entities.handles_of(entity_id))
    }

    /// Reports device class, unit and state class of an entity.
    pub(super) fn describe(&mut self, handle: u32, entity_id: &str) -> Result<(), Fault> {
        let Some(state) = self.state(entity_id) else {
            return Ok(());
        };
        let facts = Facts {
            device_class: state.attributes.text("device_class"),
            unit: state.attributes.text("unit_of_measurement"),
            state_class: state.attributes.text("state_class"),
        };
        self.core.describe(handle, &facts)
    }

    /// An entity is gone.
    pub(super) fn remove(&mut self, now: Instant, entity_id: &str) {
        if let Some(handle) = self.forget(entity_id)
            && let Err(error) = self.call(now, |core| core.release(&[handle]))
        {
            tracing::warn!(%error, entity_id, "it is gone, but could not be forgotten");
        }
        self.removed.push(entity_id.to_owned());
    }

    /// Tells a fresh instance everything that the mirror holds and programs report.
    pub(super) fn retell(&mut self, now: Instant) {
        let mut readings = Vec::with_capacity(self.mirror.len());
        for (entity_id, state) in self.mirror.iter().chain(self.reported.iter()) {
            let name = |attribute: Option<&str>| Name {
                entity: entity_id.into(),
                attribute: attribute.map(Into::into),
            };
            readings.push(Reading::new(name(None), state.state.clone()));
            for attribute in self.entities.attributes(entity_id) {
                if let Some(json) = state.attributes.get(attribute) {
                    readings.push(Reading::new(name(Some(attribute)), plain_text(json)));
                }
            }
        }
        readings.sort_by(|one, other| one.name.entity.cmp(&other.name.entity));
        self.judge(now, readings);
    }

    /// Has readings judged, and brings the optimizer up to date if they made
    /// it trap.
    pub(super) fn ingest(&mut self, now: Instant, readings: Vec<Reading>) {
        let readings = self.hand_over(now, readings);
        self.judge(now, readings);
        self.recover(now);
    }

    /// Has readings judged, in halves where they trap, until the one at fault
    /// stands alone and is set aside.
    pub(super) fn judge(&mut self, now: Instant, readings: Vec<Reading>) {
        let mut traps = 0;
        let mut work = vec![readings];
        while let Some(mut readings) = work.pop() {
            readings.retain(|reading| self.set_aside.get(&reading.name) != Some(&reading.text));
            if readings.is_empty() {
                continue;
            }
            let fault = match self.observe(now, &readings) {
                Ok(verdicts) => {
                    self.note(now, &readings, &verdicts);
                    continue;
                }
                Err(fault) => fault,
            };
            traps += usize::from(matches!(fault, Fault::Trapped { .. }));
            if matches!(fault, Fault::Dead(_)) || traps > MOST_TRAPS {
                let readings = readings.len() + work.iter().map(Vec::len).sum::<usize>();
                tracing::error!(%fault, readings, "readings were not judged");
                return;
            }
            if let Fault::Trapped { .. } = fault
                && let Err(fault) = self.reinstall(now)
            {
                tracing::error!(%fault, "the optimizer was started anew and refuses its settings");
                return;
            }
            if readings.len() > 1 {
                let second = readings.split_off(readings.len() / 2);
                work.push(second);
                work.push(readings);
            } else if let Some(reading) = readings.pop() {
                tracing::error!(
                    %fault, entity_id = %reading.name.entity, attribute = ?reading.name.attribute,
                    bytes = reading.text.len(), "this reading is set aside; the next of its series is judged again"
                );
                self.set_aside.insert(reading.name, reading.text);
            }
        }
    }

    /// One call into the optimizer with columns of readings. Those of the home
    /// carry no times: the link delivers in order, and a clock that is set back
    /// there must not make every reading late.
    fn observe(&mut self, now: Instant, readings: &[Reading]) -> Result<Vec<u8>, Fault> {
        let started = std::time::Instant::now();
        let Columns {
            series,
            text,
            lengths,
        } = self.columns(now, readings)?;
        let times = readings.iter().filter_map(|reading| reading.time);
        let times: Vec<i64> = times.map(Timestamp::as_micros).collect();
        let verdicts = self
            .core
            .observe_texts(now, &series, &text, &lengths, &times)?;
        self.operations.note("observe", started.elapsed(), true);
        Ok(verdicts)
    }

    /// Readings as the optimizer takes them.
    pub(super) fn columns(&mut self, now: Instant, readings: &[Reading]) -> Result<Columns, Fault> {
        let mut columns = Columns {
            series: Vec::with_capacity(readings.len()),
            text: String::new(),
            lengths: Vec::with_capacity(readings.len()),
        };
        for reading in readings {
            columns.series.push(self.intern(now, &reading.name)?);
            columns.text.push_str(&reading.text);
            columns.lengths.push(reading.text.len() as u32);
        }
        Ok(columns)
    }
}

/// The text in which an attribute is compared: the content of a string, the
/// JSON text of anything else.
pub(super) fn plain_text(json: &str) -> String {
    if json.starts_with('"')
        && let Ok(text) = serde_json::from_str(json)
    {
        return text;
    }
    json.to_owned()
}
