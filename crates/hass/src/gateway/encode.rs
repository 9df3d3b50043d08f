//! States and their differences as Home Assistant's WebSocket tells them.
//!
//! The compressed form is that of `subscribe_entities`, the full one that of `get_states` and `state_changed`.
//! Times are exact to the microsecond. `last_reported`, which no feed carries, is told as `last_updated`: Home
//! Assistant's own answers keep it as it was when the state was first serialised, mostly at that moment.

use serde::Serialize;

use crate::state::AttributeChanges;
use crate::{Context, State, Timestamp};

/// Appends a text as JSON.
pub(super) fn text(out: &mut String, text: &str) {
    value(out, text);
}

/// Appends what serialises without fail: texts, numbers, and structs of them.
fn value<T: Serialize + ?Sized>(out: &mut String, value: &T) {
    out.push_str(&serde_json::to_string(value).unwrap_or_default());
}

/// Appends `,"name":`, without the comma where an object begins.
pub(super) fn member(out: &mut String, name: &str) {
    if !out.ends_with('{') {
        out.push(',');
    }
    text(out, name);
    out.push(':');
}

/// Appends a state in full.
pub(super) fn full(out: &mut String, entity_id: &str, state: &State) {
    out.push('{');
    member(out, "entity_id");
    text(out, entity_id);
    member(out, "state");
    text(out, &state.state);
    member(out, "attributes");
    value(out, &state.attributes);
    for (name, time) in [
        ("last_changed", state.last_changed),
        ("last_reported", state.last_updated),
        ("last_updated", state.last_updated),
    ] {
        member(out, name);
        value(out, &time);
    }
    member(out, "context");
    value(out, &state.context);
    out.push('}');
}

/// Appends a state in the compressed form.
pub(super) fn compressed(out: &mut String, state: &State) {
    out.push('{');
    member(out, "s");
    text(out, &state.state);
    member(out, "a");
    value(out, &state.attributes);
    member(out, "c");
    if state.context.parent_id.is_none() && state.context.user_id.is_none() {
        value(out, &state.context.id);
    } else {
        value(out, &state.context);
    }
    seconds(out, "lc", state.last_changed);
    if state.last_updated != state.last_changed {
        seconds(out, "lu", state.last_updated);
    }
    out.push('}');
}

/// Appends what makes one state out of another, in the compressed form.
pub(super) fn difference(out: &mut String, before: &State, after: &State) {
    out.push_str(r#"{"+":{"#);
    if before.state != after.state {
        member(out, "s");
        text(out, &after.state);
    }
    if before.last_changed != after.last_changed {
        seconds(out, "lc", after.last_changed);
        // A time of the last change that is told stands for that of the last update, too.
        if after.last_updated != after.last_changed {
            seconds(out, "lu", after.last_updated);
        }
    } else if before.last_updated != after.last_updated {
        seconds(out, "lu", after.last_updated);
    }
    context(out, &before.context, &after.context);
    let AttributeChanges { changed, removed } =
        AttributeChanges::between(&before.attributes, &after.attributes);
    if !changed.is_empty() {
        member(out, "a");
        out.push('{');
        for name in &changed {
            member(out, name);
            out.push_str(after.attributes.get(name).unwrap_or("null"));
        }
        out.push('}');
    }
    out.push('}');
    if !removed.is_empty() {
        out.push_str(r#","-":{"a":"#);
        value(out, &removed);
        out.push('}');
    }
    out.push('}');
}

/// Appends what differs between contexts: the identifier alone where the rest is the same.
fn context(out: &mut String, before: &Context, after: &Context) {
    let parts = [
        ("parent_id", &before.parent_id, &after.parent_id),
        ("user_id", &before.user_id, &after.user_id),
        ("id", &before.id, &after.id),
    ];
    let mut different = parts.iter().filter(|(_, before, after)| before != after);
    match (different.next(), different.next()) {
        (None, _) => {}
        (Some(("id", _, id)), None) => {
            member(out, "c");
            value(out, id);
        }
        _ => {
            member(out, "c");
            out.push('{');
            for (name, before, after) in &parts {
                if before != after {
                    member(out, name);
                    value(out, after);
                }
            }
            out.push('}');
        }
    }
}

fn seconds(out: &mut String, name: &str, time: Timestamp) {
    member(out, name);
    value(out, &time.as_unix_seconds());
}
