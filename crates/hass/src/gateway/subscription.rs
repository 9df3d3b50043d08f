//! One subscription of a client to states, answered from a mirror.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::change::{Combined, StateChange, state_changed};
use super::message;
use crate::{State, Timestamp};

/// A subscription.
#[derive(Debug)]
pub(super) struct Subscription {
    id: u64,
    form: Form,
    /// Changes up to this one are contained in what was told at its start.
    from: u64,
    /// What was told last of each entity, and what is still to be told; only where changes are shaped.
    shaped: Option<Shaped>,
}

/// In which form changes are told.
#[derive(Debug)]
pub(super) enum Form {
    /// As `subscribe_entities` does; of these entities, or of all if there are none.
    Entities(BTreeSet<String>),
    /// As `subscribe_events` does.
    Events,
}

#[derive(Debug)]
struct Shaped {
    told: HashMap<Arc<str>, Arc<State>>,
    due: BTreeMap<Arc<str>, Option<Arc<State>>>,
}

impl Subscription {
    /// One that was told these states, which are as of change number `from`.
    pub(super) fn new(
        id: u64,
        form: Form,
        from: u64,
        told: Option<HashMap<Arc<str>, Arc<State>>>,
    ) -> Self {
        let shaped = told.map(|told| Shaped {
            told,
            due: BTreeMap::new(),
        });
        Self {
            id,
            form,
            from,
            shaped,
        }
    }

    /// Whether it is about this entity.
    fn takes(&self, entity_id: &str) -> bool {
        match &self.form {
            Form::Entities(ids) => ids.is_empty() || ids.contains(entity_id),
            Form::Events => true,
        }
    }

    /// The message for a change that is told as it happens, if it is to be told.
    pub(super) fn tell(&self, change: &StateChange) -> Option<String> {
        if change.sequence <= self.from || !self.takes(&change.entity_id) {
            return None;
        }
        let event = match self.form {
            Form::Entities(_) => change.compressed(),
            Form::Events => change.full(),
        };
        Some(message::event(self.id, event))
    }

    /// An entity is to be told as it is now. Whether there is anything to tell.
    pub(super) fn set_due(&mut self, entity_id: &Arc<str>, state: Option<&Arc<State>>) -> bool {
        if !self.takes(entity_id) {
            return false;
        }
        let Some(shaped) = &mut self.shaped else {
            return false;
        };
        let told = shaped.told.get(entity_id);
        let same = match (told, state) {
            (None, None) => true,
            (Some(told), Some(state)) => {
                Arc::ptr_eq(told, state)
                    || (told.last_updated == state.last_updated && told.context == state.context)
            }
            _ => false,
        };
        if same {
            shaped.due.remove(entity_id);
        } else {
            shaped.due.insert(Arc::clone(entity_id), state.cloned());
        }
        !same
    }

    /// Messages for all that is due, and how many entities they tell of.
    pub(super) fn tell_due(&mut self, at: Timestamp) -> (Vec<String>, usize) {
        let Some(shaped) = &mut self.shaped else {
            return (Vec::new(), 0);
        };
        let due = std::mem::take(&mut shaped.due);
        let entities = due.len();
        let (mut combined, mut messages) = (Combined::default(), Vec::new());
        for (entity_id, after) in due {
            let before = match &after {
                Some(after) => shaped
                    .told
                    .insert(Arc::clone(&entity_id), Arc::clone(after)),
                None => shaped.told.remove(&entity_id),
            };
            let (before, after) = (before.as_deref(), after.as_deref());
            match self.form {
                Form::Entities(_) => combined.add(&entity_id, before, after),
                Form::Events => {
                    let event = state_changed(&entity_id, before, after, at);
                    messages.push(message::event(self.id, &event));
                }
            }
        }
        if entities > 0 && matches!(self.form, Form::Entities(_)) {
            messages.push(message::event(self.id, &combined.finish()));
        }
        (messages, entities)
    }

    /// Whether anything is due.
    pub(super) fn is_due(&self) -> bool {
        self.shaped.as_ref().is_some_and(|it| !it.due.is_empty())
    }
}
