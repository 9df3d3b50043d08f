//! One write of a state, as those who follow states are told of it.
//!
//! It is serialised when the first of them needs it, once for each form.

use std::fmt::Write as _;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, OnceLock};

use super::encode::{compressed, difference, full, member, text};
use crate::{Context, State, Timestamp};

/// One write of a state.
#[derive(Debug)]
pub struct StateChange {
    /// Numbers rise with time; those of a snapshot and of the changes after it can be compared.
    pub sequence: u64,
    /// The entity.
    pub entity_id: Arc<str>,
    /// What it was; `None` if there was none.
    pub before: Option<Arc<State>>,
    /// What it is; `None` if it is gone.
    pub after: Option<Arc<State>>,
    /// When it was heard of, which stands for the time of a removal.
    pub at: Timestamp,
    compressed: OnceLock<Box<str>>,
    full: OnceLock<Box<str>>,
}

impl StateChange {
    /// A change.
    pub fn new(
        sequence: u64,
        entity_id: Arc<str>,
        before: Option<Arc<State>>,
        after: Option<Arc<State>>,
        at: Timestamp,
    ) -> Self {
        Self {
            sequence,
            entity_id,
            before,
            after,
            at,
            compressed: OnceLock::new(),
            full: OnceLock::new(),
        }
    }

    /// The event as `subscribe_entities` tells it.
    pub(super) fn compressed(&self) -> &str {
        self.compressed.get_or_init(|| {
            let mut event = Combined::default();
            event.add(
                &self.entity_id,
                self.before.as_deref(),
                self.after.as_deref(),
            );
            event.finish().into()
        })
    }

    /// The event as `subscribe_events` tells it.
    pub(super) fn full(&self) -> &str {
        self.full.get_or_init(|| {
            let (before, after) = (self.before.as_deref(), self.after.as_deref());
            state_changed(&self.entity_id, before, after, self.at).into()
        })
    }
}

/// A `state_changed` event.
///
/// Of a removal no feed tells the context: it is told as one of its own, which is what Home Assistant gives a
/// removal that nobody asked for.
pub(super) fn state_changed(
    entity_id: &str,
    before: Option<&State>,
    after: Option<&State>,
    at: Timestamp,
) -> String {
    let mut out = String::from(r#"{"event_type":"state_changed","data":{"entity_id":"#);
    text(&mut out, entity_id);
    for (name, state) in [("old_state", before), ("new_state", after)] {
        member(&mut out, name);
        match state {
            Some(state) => full(&mut out, entity_id, state),
            None => out.push_str("null"),
        }
    }
    let removal = Context {
        id: after.is_none().then(|| ulid(at)),
        ..Context::default()
    };
    let (fired, context) =
        after.map_or((at, &removal), |state| (state.last_updated, &state.context));
    // Texts always serialise.
    let context = serde_json::to_string(context).unwrap_or_default();
    let _ = write!(
        out,
        r#"}},"origin":"LOCAL","time_fired":"{fired}","context":{context}}}"#
    );
    out
}

/// Changes of several entities in one event of `subscribe_entities`.
#[derive(Debug, Default)]
pub(super) struct Combined {
    added: String,
    changed: String,
    removed: String,
}

impl Combined {
    /// Adds what became of an entity.
    pub(super) fn add(&mut self, entity_id: &str, before: Option<&State>, after: Option<&State>) {
        let part = match (before, after) {
            (_, None) => &mut self.removed,
            (None, Some(_)) => &mut self.added,
            (Some(_), Some(_)) => &mut self.changed,
        };
        if !part.is_empty() {
            part.push(',');
        }
        text(part, entity_id);
        match (before, after) {
            (_, None) => {}
            (None, Some(after)) => {
                part.push(':');
                compressed(part, after);
            }
            (Some(before), Some(after)) => {
                part.push(':');
                difference(part, before, after);
            }
        }
    }

    /// The event.
    pub(super) fn finish(self) -> String {
        let mut out = String::from("{");
        for (name, part) in [("a", &self.added), ("c", &self.changed)] {
            if !part.is_empty() {
                member(&mut out, name);
                let _ = write!(out, "{{{part}}}");
            }
        }
        if !self.removed.is_empty() {
            member(&mut out, "r");
            let _ = write!(out, "[{}]", self.removed);
        }
        out.push('}');
        out
    }
}

/// An identifier of the kind Home Assistant gives contexts: 48 bits of milliseconds and 80 random ones, in
/// Crockford's base 32.
fn ulid(at: Timestamp) -> String {
    const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    const MILLIS: u128 = (1 << 48) - 1;
    const RANDOM: u128 = (1 << 80) - 1;
    let millis = u128::from(at.as_micros().unsigned_abs() / 1000) & MILLIS;
    let half = || u128::from(RandomState::new().hash_one(0u8));
    let bits = (millis << 80) | ((half() << 64 | half()) & RANDOM);
    let digits = (0..26)
        .rev()
        .map(|place| (bits >> (5 * place)) as usize % 32);
    digits
        .filter_map(|digit| DIGITS.get(digit).copied().map(char::from))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn state(compressed: &Value) -> State {
        serde_json::from_value(compressed.clone()).unwrap()
    }

    fn change(before: Option<&Value>, after: Option<&Value>) -> StateChange {
        let state = |json: Option<&Value>| json.map(|json| Arc::new(state(json)));
        let at = Timestamp::from_micros(1_000_000);
        StateChange::new(1, "a.b".into(), state(before), state(after), at)
    }

    /// Every pair of these, merged by the rules of the feed, must give the second again.
    #[test]
    fn a_difference_makes_one_state_out_of_the_other() {
        let states = [
            json!({ "s": "1", "a": { "x": 1, "y": [null] }, "c": "C1", "lc": 1000.5 }),
            json!({ "s": "1", "a": { "x": 1, "y": [null] }, "c": "C2", "lc": 1000.5, "lu": 1001.25 }),
            json!({ "s": "2", "a": { "x": 2.50 }, "c": { "id": "C3", "parent_id": null, "user_id": "u" }, "lc": 1002.0 }),
            json!({ "s": "2", "a": { "z": "ü" }, "c": { "id": "C3", "parent_id": "p", "user_id": null }, "lc": 1002.0, "lu": 1_003.000_001 }),
            json!({ "s": "\"", "a": {}, "c": { "id": "C4", "parent_id": "p", "user_id": null }, "lc": 1004.0, "lu": 1005.0 }),
        ];
        for before in &states {
            for after in &states {
                let change = change(Some(before), Some(after));
                let event: Value = serde_json::from_str(change.compressed()).unwrap();
                let diff = serde_json::from_value(event["c"]["a.b"].clone()).unwrap();
                let mut merged = state(before);
                merged.merge(diff);
                let (mut one, mut other) = (String::new(), String::new());
                compressed(&mut one, &merged);
                compressed(&mut other, &state(after));
                assert_eq!(one, other, "{event}");
                assert_eq!(&serde_json::from_str::<Value>(&other).unwrap(), after);
            }
        }
    }

    #[test]
    fn entities_come_and_go_in_the_forms_of_home_assistant() {
        let known = json!({ "s": "1", "a": {}, "c": "C1", "lc": 1000.0 });
        let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(
            parsed(change(None, Some(&known)).compressed()),
            json!({ "a": { "a.b": known } })
        );
        let removal = change(Some(&known), None);
        assert_eq!(parsed(removal.compressed()), json!({ "r": ["a.b"] }));
        let event = parsed(removal.full());
        assert_eq!(event["data"]["new_state"], Value::Null);
        assert_eq!(
            event["data"]["old_state"]["last_reported"],
            "1970-01-01T00:16:40+00:00"
        );
        assert_eq!(event["time_fired"], "1970-01-01T00:00:01+00:00");
        assert_eq!(event["context"]["id"].as_str().map(str::len), Some(26));
        let appeared = change(None, Some(&known));
        let event = parsed(appeared.full());
        assert_eq!(event["time_fired"], "1970-01-01T00:16:40+00:00");
        assert_eq!(
            event["context"],
            json!({ "id": "C1", "parent_id": null, "user_id": null })
        );
        assert_eq!(event["data"]["old_state"], Value::Null);
    }

    #[test]
    fn several_entities_fit_in_one_event() {
        let known = state(&json!({ "s": "1", "a": {}, "c": "C1", "lc": 1000.0 }));
        let mut event = Combined::default();
        event.add("a.a", None, Some(&known));
        event.add("a.b", Some(&known), Some(&known));
        event.add("a.c", Some(&known), None);
        event.add("a.d", None, None);
        let event: Value = serde_json::from_str(&event.finish()).unwrap();
        assert_eq!(event["c"], json!({ "a.b": { "+": {} } }));
        assert_eq!(event["r"], json!(["a.c", "a.d"]));
        assert_eq!(event["a"]["a.a"]["s"], "1");
    }
}
