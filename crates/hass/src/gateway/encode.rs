//! States and their differences as Home Assistant's WebSocket tells them.
//!
//! The compressed form is that of `subscribe_entities`, the full one that of `get_states` and `state_changed`.
//! Times are exact to the microsecond. `last_reported`, which no feed carries, is told as `last_updated`: Home
//! Assistant's own answers keep it as it was when the state was first serialised, mostly at that moment.

use std::fmt::Write as _;
use std::sync::OnceLock;

use serde::Serialize;

use crate::state::AttributeChanges;
use crate::{Attributes, Context, State, Timestamp};

/// Appends a text as JSON.
pub(super) fn text(out: &mut String, text: &str) {
    let is_plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
    if text.bytes().all(is_plain) {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        value(out, text);
    }
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

/// Appends a state in full. Tens of thousands are written for one client that begins, most of them for others before.
pub(super) fn full(out: &mut String, entity_id: &str, state: &State) {
    out.push_str(r#"{"entity_id":"#);
    text(out, entity_id);
    once(out, &state.written.full, |out| all_but_name(out, state));
}

/// Appends what is kept there, or else is written now and kept.
fn once(out: &mut String, kept: &OnceLock<Box<str>>, write: impl FnOnce(&mut String)) {
    out.push_str(kept.get_or_init(|| {
        let mut written = String::new();
        write(&mut written);
        written.into()
    }));
}

fn all_but_name(out: &mut String, state: &State) {
    out.push_str(r#","state":"#);
    text(out, &state.state);
    out.push_str(r#","attributes":"#);
    attributes(out, &state.attributes);
    out.push_str(r#","last_changed":"#);
    time(out, state.last_changed);
    out.push_str(r#","last_reported":"#);
    time(out, state.last_updated);
    out.push_str(r#","last_updated":"#);
    time(out, state.last_updated);
    out.push_str(r#","context":{"id":"#);
    identifier(out, state.context.id.as_deref());
    out.push_str(r#","parent_id":"#);
    identifier(out, state.context.parent_id.as_deref());
    out.push_str(r#","user_id":"#);
    identifier(out, state.context.user_id.as_deref());
    out.push_str("}}");
}

/// Appends attributes, each as it was received.
fn attributes(out: &mut String, attributes: &Attributes) {
    out.push('{');
    for (name, json) in attributes.iter() {
        member(out, name);
        out.push_str(json);
    }
    out.push('}');
}

/// Appends a date.
fn time(out: &mut String, time: Timestamp) {
    // Writing to a text has no way to fail.
    let _ = write!(out, "\"{time}\"");
}

/// Appends an identifier, or null.
fn identifier(out: &mut String, id: Option<&str>) {
    match id {
        Some(id) => text(out, id),
        None => out.push_str("null"),
    }
}

/// Appends a state in the compressed form.
pub(super) fn compressed(out: &mut String, state: &State) {
    once(out, &state.written.compressed, |out| compress(out, state));
}

fn compress(out: &mut String, state: &State) {
    out.push('{');
    member(out, "s");
    text(out, &state.state);
    member(out, "a");
    attributes(out, &state.attributes);
    member(out, "c");
    if state.context.parent_id.is_none() && state.context.user_id.is_none() {
        identifier(out, state.context.id.as_deref());
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn state(told: &Value) -> State {
        serde_json::from_str(&told.to_string()).unwrap()
    }

    #[test]
    fn what_was_written_of_a_state_is_not_told_once_it_has_changed() {
        let written = |state: &State| {
            let (mut full, mut short) = (String::new(), String::new());
            super::full(&mut full, "sensor.a", state);
            compressed(&mut short, state);
            let [full, short]: [Value; 2] =
                [&full, &short].map(|text| serde_json::from_str(text).unwrap());
            (full["state"].clone(), short["s"].clone())
        };
        let mut state = state(&json!({ "s": "1", "a": {}, "c": "x", "lc": 1.0 }));
        assert_eq!(written(&state), (json!("1"), json!("1")));
        let held = state.clone();
        state.merge(serde_json::from_value(json!({ "+": { "s": "2" } })).unwrap());
        assert_eq!(written(&state), (json!("2"), json!("2")));
        assert_eq!(written(&held), (json!("1"), json!("1")));
    }

    #[test]
    fn a_state_in_full_is_what_serialising_its_parts_gives() {
        let texts = ["", "on", "12.5", "\"quoted\" \\ \n\t\u{1}", "é 🙂 \u{7f}"];
        let attributes = [
            json!({}),
            json!({ "b": [1, { "c": null }], "a \"name\"": "ä\n", "z": 1.5e300 }),
        ];
        let contexts = [
            json!("01ABC"),
            json!({ "id": "01ABC", "parent_id": null, "user_id": "\"u\"" }),
        ];
        for text in texts {
            for attributes in &attributes {
                for context in &contexts {
                    for updated in [1.0, 2.5] {
                        let told = json!({ "s": text, "a": attributes, "c": context, "lc": 1.0, "lu": updated });
                        let state = state(&told);
                        let mut written = String::new();
                        full(&mut written, text, &state);
                        let part = |part: &Value| part.to_string();
                        let time = |time: Timestamp| part(&json!(time.to_string()));
                        let expected = format!(
                            r#"{{"entity_id":{0},"state":{0},"attributes":{1},"last_changed":{2},"last_reported":{3},"last_updated":{3},"context":{4}}}"#,
                            part(&json!(text)),
                            serde_json::to_string(&state.attributes).unwrap(),
                            time(state.last_changed),
                            time(state.last_updated),
                            serde_json::to_string(&state.context).unwrap(),
                        );
                        assert_eq!(written, expected);
                        let mut short = String::new();
                        compressed(&mut short, &state);
                        let short: Value = serde_json::from_str(&short).unwrap();
                        assert_eq!(
                            (&short["s"], &short["a"], &short["c"]),
                            (&told["s"], &told["a"], &told["c"])
                        );
                    }
                }
            }
        }
    }
}
