//! Messages of our own to a client, in the layouts of Home Assistant's.

use std::fmt::Write as _;

use super::encode::{member, text};

/// The result of a command; `result` is JSON.
pub(super) fn result(id: u64, result: &str) -> String {
    result_in(id, result.len(), |out| out.push_str(result))
}

/// The result of a command, whose JSON of about `room` bytes is written in place.
pub(super) fn result_in(id: u64, room: usize, write: impl FnOnce(&mut String)) -> String {
    let mut out = String::with_capacity(room + 80);
    // Writing to a text has no way to fail.
    let _ = write!(
        out,
        r#"{{"id":{id},"type":"result","success":true,"result":"#
    );
    write(&mut out);
    out.push('}');
    out
}

/// An event of a subscription; `event` is JSON.
pub(super) fn event(id: u64, event: &str) -> String {
    event_in(id, event.len(), |out| out.push_str(event))
}

/// An event of a subscription, whose JSON of about `room` bytes is written in place.
pub(super) fn event_in(id: u64, room: usize, write: impl FnOnce(&mut String)) -> String {
    let mut out = String::with_capacity(room + 60);
    // Writing to a text has no way to fail.
    let _ = write!(out, r#"{{"id":{id},"type":"event","event":"#);
    write(&mut out);
    out.push('}');
    out
}

/// The refusal of a command; `id` is JSON, for what a client sent as one may be anything.
pub(super) fn error(id: &str, code: &str, words: &str) -> String {
    let mut error = String::from("{");
    member(&mut error, "code");
    text(&mut error, code);
    member(&mut error, "message");
    text(&mut error, words);
    format!(r#"{{"id":{id},"type":"result","success":false,"error":{error}}}}}"#)
}
