//! From verdicts and the passing of time to the updates that leave.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use weirhouse_hass::Timestamp;
use weirhouse_runner::operations::Updates as _;
use weirhouse_runner::wit::types::Instant;
use weirhouse_runner::{PUBLISH, Reason};

use super::advice::json_of;
use super::engine::Engine;
use super::entities::{Name, Outgoing};
use super::stream::{Reading, plain_text};
use super::update::{Published, Update};

/// What a tick brought.
#[derive(Debug, Default)]
pub(super) struct Due {
    pub(super) updates: Vec<Update>,
    pub(super) refresh: Vec<String>,
}

impl Engine {
    /// Notes for the next batch what was published.
    pub(super) fn note(&mut self, now: Instant, readings: &[Reading], verdicts: &[u8]) {
        let chosen = self.chosen(readings, verdicts);
        let at = Timestamp::from_micros(now.wall);
        for ((reading, &verdict), chosen) in readings.iter().zip(verdicts).zip(chosen) {
            let publishes = verdict & PUBLISH != 0;
            self.touched.push(reading.name.entity.clone());
            let entity = self.entities.entry(&reading.name.entity);
            entity.observed += 1;
            entity.suppressed += u64::from(!publishes);
            entity.note_verdict(reading.name.attribute.as_deref(), verdict, at);
            if reading.name.attribute.is_none() {
                entity.unpublished = entity.unpublished.saturating_add(1);
            }
            if verdict != Reason::First as u8 {
                entity.pace.note(now.mono);
            }
            if publishes {
                self.publish(now, &reading.name, &reading.text, chosen, verdict);
            } else if reading.name.attribute.is_none() && entity.published.is_none() {
                let state = self.baseline(reading);
                self.entities.entry(&reading.name.entity).published = Some(Published {
                    state,
                    reason: reason_name(verdict),
                    at,
                });
            }
        }
        let published = verdicts.iter().filter(|&&it| it & PUBLISH != 0).count();
        self.count(now, readings.len() as u64, published as u64);
    }

    /// For each reading the number that a centred rule or advice published in
    /// place of it. Of several readings of a series, the last number counts for all: it
    /// is the one that leaves.
    fn chosen(&mut self, readings: &[Reading], verdicts: &[u8]) -> Vec<Option<f64>> {
        let mut handles = vec![None; readings.len()];
        let by_rule = self.settings.may_choose_numbers();
        for ((reading, &verdict), handle) in readings.iter().zip(verdicts).zip(&mut handles) {
            let chosen = by_rule && verdict == Reason::Threshold as u8;
            if chosen || verdict == Reason::Advised as u8 {
                *handle = self.entities.handle(&reading.name);
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
        let state = self.reported.state(&self.mirror, &name.entity);
        let attributes = state.map(|state| &state.attributes);
        match &name.attribute {
            None => {
                outgoing.reason = reason;
                outgoing.whole |= verdict == Reason::First as u8;
                entity.unpublished = 0;
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
                let json = match (chosen, read) {
                    // In decimals without exponent, which is JSON, too.
                    (Some(number), _) => raw(&number.to_string()),
                    (None, Some(json)) => raw(json),
                    // Gone, or made by a policy.
                    (None, None) => json_of(text),
                };
                if let Some(json) = json {
                    outgoing.attributes.insert(attribute.clone(), json);
                }
            }
        }
    }

    /// Lets time pass, and takes what became due.
    pub(super) fn tick(&mut self, now: Instant) -> Due {
        self.tell_operations(now);
        let mut due = Due {
            updates: self.removals(now),
            refresh: Vec::new(),
        };
        let started = std::time::Instant::now();
        let Ok(waiting) = self.call(now, |core| core.tick(now)).inspect_err(|error| {
            tracing::error!(%error, "what was due may come late");
        }) else {
            return due;
        };
        if waiting.published > 0
            && let Ok(timed) = self.call(now, |core| core.poll_published())
        {
            self.count(now, 0, timed.series.len() as u64);
            let published = timed.series.into_iter().zip(timed.verdicts);
            for ((handle, verdict), number) in published.zip(timed.values) {
                if verdict == Reason::Final as u8 {
                    due.updates.extend(self.last_of_total(now, handle, number));
                } else {
                    self.publish_latest(now, handle, verdict);
                }
            }
        }
        for _ in 0..waiting.batches {
            let Ok(batch) = self.call(now, |core| core.poll_batch()) else {
                break;
            };
            self.batches += 1;
            due.updates
                .extend(batch.iter().filter_map(|&handle| self.update(now, handle)));
        }
        // Without a connection nobody can be asked: what is due stays so, and is
        // asked for once when there is one.
        if waiting.refreshes > 0
            && self.link.connected
            && let Ok(handles) = self.call(now, |core| core.poll_refresh())
        {
            let names = handles.iter().filter_map(|&it| self.entities.name(it));
            due.refresh
                .extend(names.map(|name| name.entity.to_string()));
        }
        if waiting.clients > 0 {
            self.wake_clients(now);
        }
        self.refreshes += due.refresh.len() as u64;
        if !due.updates.is_empty() {
            self.operations.note("tick", started.elapsed(), true);
        }
        due
    }

    /// The updates of entities that are gone.
    pub(super) fn removals(&mut self, now: Instant) -> Vec<Update> {
        let gone = std::mem::take(&mut self.removed).into_iter();
        let updates = gone.map(|entity_id| Update {
            entity_id,
            state: None,
            attributes: BTreeMap::new(),
            reason: "removed",
            at: Timestamp::from_micros(now.wall),
            batch: self.batches,
        });
        updates.collect()
    }

    /// Publishes the newest value of a series, because time demands it.
    fn publish_latest(&mut self, now: Instant, handle: u32, verdict: u8) {
        let Some(name) = self.entities.name(handle).cloned() else {
            return;
        };
        let Some(state) = self.state(&name.entity) else {
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
        // What a policy made of it is newer than what the home says.
        let text = self.policies.derived(&name).cloned().unwrap_or(text);
        self.touched.push(name.entity.clone());
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
        let Outgoing {
            reason,
            whole,
            mut attributes,
        } = entity.outgoing.take()?;
        if whole && let Some(state) = self.reported.state(&self.mirror, &entity_id) {
            for (name, json) in state.attributes.iter() {
                if !attributes.contains_key(name)
                    && let Some(json) = raw(json)
                {
                    attributes.insert(name.into(), json);
                }
            }
        }
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

fn raw(json: &str) -> Option<Box<RawValue>> {
    RawValue::from_string(json.to_owned()).ok()
}

pub(super) fn reason_name(verdict: u8) -> &'static str {
    let other = if verdict & PUBLISH == 0 {
        "suppressed"
    } else {
        "published"
    };
    Reason::from_code(verdict).map_or(other, Reason::name)
}
