//! From changes of the home to readings, verdicts and updates.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::value::RawValue;
use weirhouse_hass::{Change, Kind, Observation, Snapshot, Timestamp};
use weirhouse_runner::operations::{Entities as _, Updates as _};
use weirhouse_runner::wit::entities::Facts;
use weirhouse_runner::wit::types::Instant;
use weirhouse_runner::wit::updates::Publishing;
use weirhouse_runner::{Fault, PUBLISH, Reason};

use super::engine::{Engine, MOST_TRAPS};
use super::entities::{Name, Outgoing};
use super::update::{Published, Update};

/// Attributes from which a preset follows; a change of one describes the
/// entity anew.
const FACTS: [&str; 3] = ["device_class", "unit_of_measurement", "state_class"];

/// One value of one series.
#[derive(Debug, Clone)]
struct Reading {
    name: Name,
    text: String,
}

/// What a tick brought.
#[derive(Debug, Default)]
pub(super) struct Due {
    pub(super) updates: Vec<Update>,
    pub(super) refresh: Vec<String>,
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

    /// Applies the changes of one frame, and observes them in one call.
    pub(super) fn handle_changes(&mut self, now: Instant, changes: Vec<Change>) {
        let at = Duration::from_micros(now.mono);
        let mut readings = Vec::with_capacity(changes.len());
        for change in changes {
            // Read before the next change, or a value between is lost.
            if let Some(observation) = self.mirror.apply(change, at) {
                if observation.kind == Kind::Removed {
                    // What it was before is of no interest, and would bring it back.
                    readings
                        .retain(|reading: &Reading| *reading.name.entity != *observation.entity_id);
                }
                self.observe_entity(now, &observation, &mut readings);
            }
        }
        self.ingest(now, readings);
    }

    /// Turns what differs in one entity into readings.
    fn observe_entity(&mut self, now: Instant, seen: &Observation, readings: &mut Vec<Reading>) {
        let entity_id = seen.entity_id.as_str();
        if seen.kind == Kind::Removed {
            self.remove(now, entity_id);
            return;
        }
        let Some(state) = self.mirror.get(entity_id) else {
            return;
        };
        let mut push = |attribute: Option<&str>, text: String| {
            let name = Name {
                entity: entity_id.into(),
                attribute: attribute.map(Into::into),
            };
            readings.push(Reading { name, text });
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
        if described.into_iter().any(|name| FACTS.contains(&&**name)) {
            let name = Name {
                entity: entity_id.into(),
                attribute: None,
            };
            if let Some(handle) = self.entities.handle(&name)
                && let Err(fault) = self.describe(handle, entity_id)
            {
                tracing::warn!(%fault, entity_id, "its description was not taken");
                self.recover(now);
            }
        }
    }

    /// Reports device class, unit and state class of an entity.
    pub(super) fn describe(&mut self, handle: u32, entity_id: &str) -> Result<(), Fault> {
        let Some(state) = self.mirror.get(entity_id) else {
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
    fn remove(&mut self, now: Instant, entity_id: &str) {
        if let Some(handle) = self.forget(entity_id)
            && let Err(error) = self.call(now, |core| core.release(&[handle]))
        {
            tracing::warn!(%error, entity_id, "it is gone, but could not be forgotten");
        }
        self.removed.push(entity_id.to_owned());
    }

    /// Tells a fresh instance everything the mirror holds.
    pub(super) fn retell(&mut self, now: Instant) {
        let mut readings = Vec::with_capacity(self.mirror.len());
        for (entity_id, state) in self.mirror.iter() {
            let name = |attribute: Option<&str>| Name {
                entity: entity_id.into(),
                attribute: attribute.map(Into::into),
            };
            readings.push(Reading {
                name: name(None),
                text: state.state.clone(),
            });
            for attribute in self.entities.attributes(entity_id) {
                if let Some(json) = state.attributes.get(attribute) {
                    let text = plain_text(json);
                    readings.push(Reading {
                        name: name(Some(attribute)),
                        text,
                    });
                }
            }
        }
        readings.sort_by(|one, other| one.name.entity.cmp(&other.name.entity));
        self.judge(now, readings);
    }

    /// Has readings judged, and brings the optimizer up to date if they made
    /// it trap.
    fn ingest(&mut self, now: Instant, readings: Vec<Reading>) {
        self.judge(now, readings);
        self.recover(now);
    }

    /// Has readings judged, in halves where they trap, until the one at fault
    /// stands alone and is set aside.
    fn judge(&mut self, now: Instant, readings: Vec<Reading>) {
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

    /// One call into the optimizer with columns of readings. They carry no times:
    /// the link delivers in order, and a clock that is set back at home must not
    /// make every reading late.
    fn observe(&mut self, now: Instant, readings: &[Reading]) -> Result<Vec<u8>, Fault> {
        let started = std::time::Instant::now();
        let mut series = Vec::with_capacity(readings.len());
        let mut text = String::new();
        let mut lengths = Vec::with_capacity(readings.len());
        for reading in readings {
            series.push(self.intern(now, &reading.name)?);
            text.push_str(&reading.text);
            lengths.push(reading.text.len() as u32);
        }
        let verdicts = self
            .core
            .observe_texts(now, &series, &text, &lengths, &[])?;
        self.operations.note("observe", started.elapsed(), true);
        Ok(verdicts)
    }

    /// Notes for the next batch what was published.
    fn note(&mut self, now: Instant, readings: &[Reading], verdicts: &[u8]) {
        let chosen = self.chosen(readings, verdicts);
        for ((reading, &verdict), chosen) in readings.iter().zip(verdicts).zip(chosen) {
            let publishes = verdict & PUBLISH != 0;
            let entity = self.entities.entry(&reading.name.entity);
            entity.observed += 1;
            entity.suppressed += u64::from(!publishes);
            if publishes {
                self.publish(now, &reading.name, &reading.text, chosen, verdict);
            } else if reading.name.attribute.is_none() && entity.published.is_none() {
                let state = self.baseline(reading);
                self.entities.entry(&reading.name.entity).published = Some(Published {
                    state,
                    reason: reason_name(verdict),
                    at: Timestamp::from_micros(now.wall),
                });
            }
        }
    }

    /// For each reading the number that a centred rule published in place of
    /// it. Of several readings of a series, the last number counts for all: it
    /// is the one that leaves.
    fn chosen(&mut self, readings: &[Reading], verdicts: &[u8]) -> Vec<Option<f64>> {
        let mut handles = vec![None; readings.len()];
        if self.settings.default_rule.publishing == Publishing::Centred {
            for ((reading, &verdict), handle) in readings.iter().zip(verdicts).zip(&mut handles) {
                if verdict == Reason::Threshold as u8 {
                    *handle = self.entities.handle(&reading.name);
                }
            }
        }
        let asked: Vec<u32> = handles.iter().copied().flatten().collect();
        if asked.is_empty() {
            return vec![None; readings.len()];
        }
        let numbers = self.core.published_numbers(&asked).unwrap_or_else(|fault| {
            tracing::warn!(%fault, "readings leave as they came");
            Vec::new()
        });
        let mut numbers = numbers.into_iter();
        let chosen = readings.iter().zip(handles).map(|(reading, handle)| {
            let number = handle.and_then(|_| numbers.next())?;
            (number.is_finite() && reading.text.parse() != Ok(number)).then_some(number)
        });
        chosen.collect()
    }

    /// What an earlier run published of a series whose first reading in this
    /// one was suppressed: the number it was judged by, or the reading itself,
    /// since other values are only suppressed when they repeat.
    fn baseline(&mut self, reading: &Reading) -> String {
        self.entities
            .handle(&reading.name)
            .and_then(|handle| self.core.published_numbers(&[handle]).ok())
            .and_then(|numbers| numbers.first().copied())
            .filter(|number| number.is_finite())
            .map_or_else(|| reading.text.clone(), |number| number.to_string())
    }

    /// Puts a published value into the entity's next update: the reading, or
    /// the number chosen in its place.
    fn publish(&mut self, now: Instant, name: &Name, text: &str, chosen: Option<f64>, verdict: u8) {
        let reason = reason_name(verdict);
        let entity = self.entities.entry(&name.entity);
        let outgoing = entity.outgoing.get_or_insert_with(Outgoing::default);
        let attributes = self.mirror.get(&name.entity).map(|state| &state.attributes);
        match &name.attribute {
            None => {
                outgoing.reason = reason;
                if verdict == Reason::First as u8
                    && let Some(attributes) = attributes
                {
                    outgoing.attributes = attributes
                        .iter()
                        .filter_map(|(name, json)| Some((name.into(), raw(json)?)))
                        .collect();
                }
                entity.published = Some(Published {
                    state: chosen.map_or_else(|| text.to_owned(), |number| number.to_string()),
                    reason,
                    at: Timestamp::from_micros(now.wall),
                });
            }
            Some(attribute) => {
                if outgoing.reason.is_empty() {
                    outgoing.reason = reason;
                }
                let read = attributes.and_then(|attributes| attributes.get(attribute));
                let json = chosen.map_or_else(
                    || read.unwrap_or("null").to_owned(),
                    // In decimals without exponent, which is JSON, too.
                    |number| number.to_string(),
                );
                if let Some(json) = raw(&json) {
                    outgoing.attributes.insert(attribute.clone(), json);
                }
            }
        }
    }

    /// Lets time pass, and takes what became due.
    pub(super) fn tick(&mut self, now: Instant) -> Due {
        self.tell_operations(now);
        let mut due = Due::default();
        let at = Timestamp::from_micros(now.wall);
        for entity_id in std::mem::take(&mut self.removed) {
            due.updates.push(Update {
                entity_id,
                state: None,
                attributes: BTreeMap::new(),
                reason: "removed",
                at,
                batch: self.batches,
            });
        }
        let started = std::time::Instant::now();
        if let Err(error) = self.call(now, |core| core.tick(now)) {
            tracing::error!(%error, "what was due may come late");
        }
        if let Ok(timed) = self.call(now, |core| core.poll_published()) {
            let published = timed.series.into_iter().zip(timed.verdicts);
            for ((handle, verdict), number) in published.zip(timed.values) {
                if verdict == Reason::Final as u8 {
                    due.updates.extend(self.last_of_total(now, handle, number));
                } else {
                    self.publish_latest(now, handle, verdict);
                }
            }
        }
        while let Ok(batch) = self.call(now, |core| core.poll_batch())
            && !batch.is_empty()
        {
            self.batches += 1;
            due.updates
                .extend(batch.iter().filter_map(|&handle| self.update(now, handle)));
        }
        for handle in self
            .call(now, |core| core.poll_refresh())
            .unwrap_or_default()
        {
            if let Some(name) = self.entities.name(handle) {
                due.refresh.push(name.entity.to_string());
            }
        }
        self.refreshes += due.refresh.len() as u64;
        if !due.updates.is_empty() {
            self.operations.note("tick", started.elapsed(), true);
        }
        due
    }

    /// Publishes the newest value of a series, because time demands it.
    fn publish_latest(&mut self, now: Instant, handle: u32, verdict: u8) {
        let Some(name) = self.entities.name(handle).cloned() else {
            return;
        };
        let Some(state) = self.mirror.get(&name.entity) else {
            return;
        };
        let text = match &name.attribute {
            None => state.state.clone(),
            Some(attribute) => state
                .attributes
                .get(attribute)
                .map(plain_text)
                .unwrap_or_default(),
        };
        self.publish(now, &name, &text, None, verdict);
    }

    /// The update with the last value of a total. It leaves before the batch
    /// with the reading that ended the total, which would coalesce it.
    fn last_of_total(&self, now: Instant, handle: u32, number: f64) -> Option<Update> {
        let name = self.entities.name(handle)?;
        let entity_id = name.entity.to_string();
        let text = number.to_string();
        let (state, attributes) = match &name.attribute {
            None => (Some(text), BTreeMap::new()),
            Some(attribute) => {
                let published = self.entities.get(&entity_id)?.published.as_ref();
                let state = published.map(|published| published.state.clone());
                (state, BTreeMap::from([(attribute.clone(), raw(&text)?)]))
            }
        };
        Some(Update {
            entity_id,
            state,
            attributes,
            reason: Reason::Final.name(),
            at: Timestamp::from_micros(now.wall),
            batch: self.batches,
        })
    }

    /// The update of an entity whose batch leaves.
    fn update(&mut self, now: Instant, handle: u32) -> Option<Update> {
        let entity_id = self.entities.name(handle)?.entity.to_string();
        let entity = self.entities.entry(&entity_id);
        let Outgoing { reason, attributes } = entity.outgoing.take()?;
        Some(Update {
            state: entity
                .published
                .as_ref()
                .map(|published| published.state.clone()),
            entity_id,
            attributes,
            reason,
            at: Timestamp::from_micros(now.wall),
            batch: self.batches,
        })
    }
}

/// The text in which an attribute is compared: the content of a string, the
/// JSON text of anything else.
fn plain_text(json: &str) -> String {
    if json.starts_with('"')
        && let Ok(text) = serde_json::from_str(json)
    {
        return text;
    }
    json.to_owned()
}

fn raw(json: &str) -> Option<Box<RawValue>> {
    RawValue::from_string(json.to_owned()).ok()
}

fn reason_name(verdict: u8) -> &'static str {
    let other = if verdict & PUBLISH == 0 {
        "suppressed"
    } else {
        "published"
    };
    Reason::from_code(verdict).map_or(other, Reason::name)
}
