//! Reports that say when they were made. The optimizer says which come late;
//! those are as if they had not come.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use weirhouse_hass::{Change, State, Timestamp};
use weirhouse_runner::Reason;
use weirhouse_runner::wit::types::Instant;

use crate::hub::engine::Engine;
use crate::hub::entities::Name;
use crate::hub::stream::Reading;

/// Dated reports whose states are being judged.
#[derive(Default)]
pub(super) struct Dated {
    reports: Vec<Before>,
    /// What differs in attributes. It waits for the verdict on the state: what
    /// comes late must not be judged.
    attributes: Vec<Reading>,
}

/// An entity before a dated report.
struct Before {
    entity_id: String,
    /// `None` if it was not reported.
    state: Option<Arc<State>>,
    /// Readings of it that had been judged.
    observed: u64,
}

impl Dated {
    /// Dates the readings of one report, those from `first` on. Its state is
    /// judged even if it does not differ: else the optimizer would not know the
    /// time.
    pub(super) fn date(
        &mut self,
        (entity_id, time): (&str, Timestamp),
        (before, observed): (Option<Arc<State>>, u64),
        state: String,
        (readings, first): (&mut Vec<Reading>, usize),
    ) {
        let differ = readings.drain(first..);
        self.attributes
            .extend(differ.filter(|reading| reading.name.attribute.is_some()));
        let name = Name {
            entity: entity_id.into(),
            attribute: None,
        };
        readings.push(Reading {
            time: Some(time),
            ..Reading::new(name, state)
        });
        self.reports.push(Before {
            entity_id: entity_id.to_owned(),
            state: before,
            observed,
        });
    }
}

impl Engine {
    /// Once the states are judged: puts entities of which a report came late back
    /// to what they were, and has the attributes of the others judged. Gives the
    /// entities whose report came late.
    pub(super) fn sort_out(&mut self, now: Instant, dated: Dated) -> HashSet<String> {
        let Dated {
            reports,
            mut attributes,
        } = dated;
        let mut late = HashSet::new();
        for before in reports {
            if self.came_late(&before) {
                self.put_back(now, &before.entity_id, before.state);
                late.insert(before.entity_id);
            }
        }
        attributes.retain(|reading| !late.contains(&*reading.name.entity));
        if !attributes.is_empty() {
            self.ingest(now, attributes);
        }
        late
    }

    fn came_late(&self, before: &Before) -> bool {
        self.entities.get(&before.entity_id).is_some_and(|entity| {
            entity.observed > before.observed && entity.verdict == Reason::Late as u8
        })
    }

    fn put_back(&mut self, now: Instant, entity_id: &str, state: Option<Arc<State>>) {
        let Some(state) = state else {
            self.reported.remove(entity_id);
            return;
        };
        let change = Change::Added {
            entity_id: entity_id.to_owned(),
            state: State::clone(&state),
        };
        if let Some(observation) = self.reported.0.apply(change, Duration::ZERO) {
            // What describes it may have been another; nothing is to be judged.
            self.observe_entity(now, &observation, &mut Vec::new());
        }
    }
}
