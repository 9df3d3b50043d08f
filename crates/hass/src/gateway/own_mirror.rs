//! The mirror of a user of whom only Home Assistant knows what he may read, fed by his own connection.

use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use super::early::{Early, Heard, is_as_far};
use super::{Closing, Gateway, Phase, Source, StateChange};
use crate::state::Change;
use crate::{Mirror, State, Timestamp, wire};

impl Gateway {
    /// An event of the subscription that this connection rests on.
    pub(super) fn handle_own_event(&mut self, now: Duration, text: &str) {
        if self.identity.is_admin {
            let concerns = serde_json::from_str::<serde_json::Value>(text).is_ok_and(|message| {
                message["event"]["data"]["user_id"] == self.identity.user_id.as_str()
            });
            if concerns {
                self.closing = Some(Closing::Restart);
            }
            return;
        }
        let Ok(messages) = wire::parse(text) else {
            self.closing = Some(Closing::Restart);
            return;
        };
        for message in messages {
            if self.phase == Phase::Filling {
                let states = message.event.added.unwrap_or_default();
                let mut mirror = Box::new(Mirror::new());
                mirror.replace(states, now);
                self.source = Source::Own(mirror);
                self.phase = Phase::Live;
            } else {
                for change in message.event.into_changes() {
                    self.handle_own_change(now, change);
                }
            }
        }
    }

    pub(super) fn handle_own_change(&mut self, now: Duration, change: Change) {
        let Source::Own(mirror) = &mut self.source else {
            return;
        };
        let entity_id: Arc<str> = change.entity_id().into();
        let before = mirror.shared(&entity_id);
        mirror.apply(change, now);
        let after = mirror.shared(&entity_id);
        if !self.profile.shaped {
            // The shared mirror has no part in it: changes need no order but their own.
            let known = after.as_ref().or(before.as_ref());
            let at = known.map_or_else(Timestamp::default, |it| it.last_updated);
            self.tell(&StateChange::new(u64::MAX, entity_id, before, after, at));
            return;
        }
        // What is gone is told at once, and so is what appeared: the host may have called it due before.
        let mut due = before.is_none() || after.is_none();
        if let Some(state) = &after
            && let Some(early) = self.early.get_mut(&entity_id)
        {
            let heard = early.hear(state);
            due |= heard != Heard::Nothing;
            if heard == Heard::All {
                self.early.remove(&entity_id);
            }
        }
        if due && self.takes(&entity_id) {
            self.set_due(&entity_id, after.as_ref());
        }
    }

    /// An entity is due that the shared mirror holds in this state.
    ///
    /// A client whose own mirror is not as far would be told what was held back before, and nothing when the change
    /// comes. An entity that its mirror does not hold may be one that has not appeared there, or one of which it may
    /// not know: that is told apart by what its own connection says, never here.
    pub(super) fn own_due(&mut self, entity_id: Arc<str>, shared: Option<&State>) {
        let (Source::Own(mirror), Some(shared)) = (&self.source, shared) else {
            // What is gone is told when the own connection says so.
            return;
        };
        match mirror.shared(&entity_id) {
            Some(own) if is_as_far(&own, shared) => {
                self.early.remove(&entity_id);
                self.set_due(&entity_id, Some(&own));
            }
            _ => match self.early.entry(entity_id) {
                Entry::Occupied(early) => early.into_mut().extend(shared),
                Entry::Vacant(none) => {
                    none.insert(Early::new(shared));
                }
            },
        }
    }
}
