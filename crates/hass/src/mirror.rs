//! A copy of Home Assistant's states, kept equal to the feed.
//!
//! Applies snapshots and changes and tells what differed. It decides nothing about the values, and it cannot
//! tell an attribute rewritten from `1` to `1.0`: Home Assistant holds these equal and does not send them.

use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
use serde::Serialize;

use crate::state::{AttributeChanges, Attributes, Change, Context, State};
use crate::{Snapshot, Timestamp};

/// All entities of the subscription, by identifier.
///
/// It starts stale and empty. [`replace`](Self::replace) makes it fresh, [`set_stale`](Self::set_stale) marks that
/// the link is down; what it holds is kept meanwhile, so that readers may still see the last known value.
#[derive(Debug)]
pub struct Mirror {
    /// Shared, so that a state can be told to many without a copy; a write to one that is held elsewhere copies it.
    /// In Home Assistant's order: that of the snapshot, and what appears later at the end.
    states: IndexMap<Arc<str>, Arc<State>>,
    stale: bool,
    as_of: Option<Duration>,
    unmatched: u64,
}

/// What one applied change made different.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// The entity.
    pub entity_id: String,
    /// What happened to it.
    pub kind: Kind,
    /// Whether the state text differs from before; true when added, false when removed.
    ///
    /// A `Changed` observation with this false and both lists empty is a write without a difference: a forced
    /// update, or a change of context alone.
    pub state_changed: bool,
    /// Attributes that are new or have another JSON text; all of them when added.
    pub attributes_changed: Vec<Box<str>>,
    /// Attributes that are gone.
    pub attributes_removed: Vec<Box<str>>,
}

impl Observation {
    /// Whether anything differs from before: not after a forced update, or a change of context alone.
    pub fn differs(&self) -> bool {
        self.state_changed
            || !self.attributes_changed.is_empty()
            || !self.attributes_removed.is_empty()
    }
}

/// What happened to an entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It is new in the mirror.
    Added,
    /// It was written.
    Changed,
    /// It is gone from the mirror.
    Removed,
}

/// One entity in the layout of Home Assistant's own state objects. Serialise it for the JSON.
///
/// `last_reported` is missing because the feed does not carry it.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct EntityView<'a> {
    entity_id: &'a str,
    state: &'a str,
    attributes: &'a Attributes,
    last_changed: Timestamp,
    last_updated: Timestamp,
    context: &'a Context,
}

impl Default for Mirror {
    fn default() -> Self {
        Self {
            states: IndexMap::new(),
            stale: true,
            as_of: None,
            unmatched: 0,
        }
    }
}

impl Mirror {
    /// An empty, stale mirror.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a snapshot in place of everything held and becomes fresh.
    ///
    /// Observes only what differs in state text or attributes: entities in the snapshot's order, then those that
    /// are gone, by name. `now` is the host's monotonic time.
    pub fn replace(&mut self, snapshot: Snapshot, now: Duration) -> Vec<Observation> {
        let mut before = std::mem::take(&mut self.states);
        self.states.reserve(snapshot.len());
        let mut observations = Vec::new();
        for (entity_id, state) in snapshot {
            let (name, old) = match before.swap_remove_entry(entity_id.as_str()) {
                Some((name, old)) => (name, Some(old)),
                None => (entity_id.as_str().into(), None),
            };
            let observation = observe(&entity_id, old.as_deref(), &state);
            if !observation.is_empty() {
                observations.push(observation);
            }
            self.states.insert(name, Arc::new(state));
        }
        let mut gone: Vec<Arc<str>> = before.into_keys().collect();
        gone.sort_unstable();
        let gone = gone
            .iter()
            .map(|name| Observation::removed(String::from(&**name)));
        observations.extend(gone);
        self.stale = false;
        self.as_of = Some(now);
        observations
    }

    /// Applies one change and tells what it made different.
    ///
    /// Read the new values from [`get`](Self::get) before applying the next change, or intermediate values of an
    /// entity that changed twice are lost. `None` means that the change concerns an entity the mirror does not hold;
    /// it is counted in [`unmatched`](Self::unmatched).
    pub fn apply(&mut self, change: Change, now: Duration) -> Option<Observation> {
        self.as_of = Some(now);
        let observation = match change {
            Change::Added { entity_id, state } => {
                let observation = observe(&entity_id, self.get(&entity_id), &state);
                if let Some(held) = self.states.get_mut(entity_id.as_str()) {
                    *held = Arc::new(state);
                } else {
                    self.states.insert(entity_id.into(), Arc::new(state));
                }
                Some(observation)
            }
            Change::Updated { entity_id, diff } => {
                let held = self.states.get_mut(entity_id.as_str());
                held.map(|state| {
                    let (state_changed, attributes) = Arc::make_mut(state).merge(diff);
                    Observation::new(entity_id, Kind::Changed, state_changed, attributes)
                })
            }
            Change::Removed { entity_id } => self
                .states
                .shift_remove(entity_id.as_str())
                .map(|_| Observation::removed(entity_id)),
        };
        if observation.is_none() {
            self.unmatched += 1;
        }
        observation
    }

    /// Marks the copy as possibly out of date, until the next snapshot.
    pub fn set_stale(&mut self) {
        self.stale = true;
    }

    /// Whether Home Assistant may hold other values by now.
    pub fn is_stale(&self) -> bool {
        self.stale
    }

    /// Host time of the last snapshot or change applied; `None` before the first.
    pub fn as_of(&self) -> Option<Duration> {
        self.as_of
    }

    /// Changes that named an entity the mirror did not hold. Anything but zero means that the feed lost something
    /// and that a reconnect would repair it.
    pub fn unmatched(&self) -> u64 {
        self.unmatched
    }

    /// One entity's state.
    pub fn get(&self, entity_id: &str) -> Option<&State> {
        self.states.get(entity_id).map(|state| &**state)
    }

    /// One entity's state, to be kept: it stays as it is now, whatever is applied later.
    pub fn shared(&self, entity_id: &str) -> Option<Arc<State>> {
        self.states.get(entity_id).cloned()
    }

    /// All entities, to be kept, in Home Assistant's order.
    pub fn iter_shared(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<State>)> {
        self.states.iter()
    }

    /// One entity in Home Assistant's own layout.
    pub fn view(&self, entity_id: &str) -> Option<EntityView<'_>> {
        self.states
            .get_key_value(entity_id)
            .map(|(entity_id, state)| EntityView {
                entity_id,
                state: &state.state,
                attributes: &state.attributes,
                last_changed: state.last_changed,
                last_updated: state.last_updated,
                context: &state.context,
            })
    }

    /// One entity's full state object as JSON text, with the values' text as received.
    pub fn entity_json(&self, entity_id: &str) -> Option<String> {
        // Serialising strings and validated raw values has no way to fail.
        self.view(entity_id)
            .and_then(|view| serde_json::to_string(&view).ok())
    }

    /// All entities, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &State)> {
        self.states.iter().map(|(id, state)| (&**id, &**state))
    }

    /// How many entities are held.
    pub fn len(&self) -> usize {
        self.states.len()
    }

    /// Whether none is held.
    pub fn is_empty(&self) -> bool {
        self.states.is_empty()
    }
}

impl Observation {
    fn new(
        entity_id: String,
        kind: Kind,
        state_changed: bool,
        attributes: AttributeChanges,
    ) -> Self {
        Self {
            entity_id,
            kind,
            state_changed,
            attributes_changed: attributes.changed,
            attributes_removed: attributes.removed,
        }
    }

    fn removed(entity_id: String) -> Self {
        Self::new(entity_id, Kind::Removed, false, AttributeChanges::default())
    }

    fn is_empty(&self) -> bool {
        !self.state_changed
            && self.attributes_changed.is_empty()
            && self.attributes_removed.is_empty()
    }
}

/// Compares an entity's full new state with the one held before.
fn observe(entity_id: &str, before: Option<&State>, after: &State) -> Observation {
    let (kind, state_changed, attributes) = match before {
        Some(before) => (
            Kind::Changed,
            before.state != after.state,
            AttributeChanges::between(&before.attributes, &after.attributes),
        ),
        None => (
            Kind::Added,
            true,
            AttributeChanges::between(&Attributes::default(), &after.attributes),
        ),
    };
    Observation::new(entity_id.to_owned(), kind, state_changed, attributes)
}

#[cfg(test)]
mod tests;
