//! The outside of a message: its identifier and type, with everything else left as it stands.
//!
//! Identifiers are replaced in place, so that what passes is otherwise, byte for byte, what was sent.

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer as _;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

/// A JSON object, read to the first level. Of a name that occurs twice the last value counts, as in Home Assistant.
pub(super) struct Envelope<'a> {
    text: &'a str,
    id: Option<&'a RawValue>,
    kind: Option<&'a RawValue>,
    rest: Vec<(Cow<'a, str>, &'a RawValue)>,
}

/// The messages of a frame: one, or an array of them. `None` if it is no JSON.
pub(super) fn messages(frame: &str) -> Option<Vec<&str>> {
    if frame.trim_start().starts_with('[') {
        let messages: Vec<&RawValue> = serde_json::from_str(frame).ok()?;
        return Some(messages.into_iter().map(RawValue::get).collect());
    }
    let message: &RawValue = serde_json::from_str(frame).ok()?;
    Some(vec![message.get()])
}

impl<'a> Envelope<'a> {
    /// Reads a message; `None` if it is no object.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let mut json = serde_json::Deserializer::from_str(text);
        let (id, kind, rest) = json.deserialize_map(Fields).ok()?;
        Some(Self {
            text,
            id,
            kind,
            rest,
        })
    }

    /// The identifier, if it is one that Home Assistant takes: a whole number over zero.
    pub(super) fn number(&self) -> Option<u64> {
        let digits = self.id?.get();
        let all = digits.bytes().all(|digit| digit.is_ascii_digit());
        digits
            .parse()
            .ok()
            .filter(|number: &u64| all && *number > 0)
    }

    /// The identifier as it was sent, `null` without one.
    pub(super) fn id_text(&self) -> &'a str {
        self.id.map_or("null", RawValue::get)
    }

    /// The type, if it is a text.
    pub(super) fn kind(&self) -> Option<String> {
        let kind: String = serde_json::from_str(self.kind?.get()).ok()?;
        (!kind.is_empty()).then_some(kind)
    }

    /// Another member.
    pub(super) fn member(&self, name: &str) -> Option<&'a RawValue> {
        let found = self.rest.iter().rev().find(|(other, _)| other == name);
        found.map(|(_, value)| *value)
    }

    /// Whether it has no members but identifier, type and these.
    pub(super) fn has_only(&self, names: &[&str]) -> bool {
        self.rest.iter().all(|(name, _)| names.contains(&&**name))
    }

    /// The message with another identifier.
    pub(super) fn with_id(&self, id: u64) -> String {
        self.with(&mut [(self.id, id)])
    }

    /// The message with another identifier, and another number in place of one of its values.
    pub(super) fn with_id_and(&self, id: u64, value: &'a RawValue, number: u64) -> String {
        self.with(&mut [(self.id, id), (Some(value), number)])
    }

    fn with(&self, changes: &mut [(Option<&RawValue>, u64)]) -> String {
        let place = |value: &RawValue| {
            let text = value.get();
            let start = text.as_ptr().addr() - self.text.as_ptr().addr();
            (start, start + text.len())
        };
        changes.sort_by_key(|(value, _)| value.map(place));
        let mut out = String::with_capacity(self.text.len() + 16);
        let mut from = 0;
        for (value, number) in changes {
            let Some((start, end)) = value.map(place) else {
                continue;
            };
            out.push_str(self.text.get(from..start).unwrap_or_default());
            out.push_str(&number.to_string());
            from = end;
        }
        out.push_str(self.text.get(from..).unwrap_or_default());
        out
    }
}

/// Collects the members of an object.
struct Fields;

type Members<'a> = (
    Option<&'a RawValue>,
    Option<&'a RawValue>,
    Vec<(Cow<'a, str>, &'a RawValue)>,
);

impl<'de> Visitor<'de> for Fields {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a message")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut id, mut kind, mut rest) = (None, None, Vec::new());
        while let Some(Name(name)) = map.next_key()? {
            let value: &RawValue = map.next_value()?;
            match &*name {
                "id" => id = Some(value),
                "type" => kind = Some(value),
                _ => rest.push((name, value)),
            }
        }
        Ok((id, kind, rest))
    }
}

/// A name, copied only if it is escaped.
#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_replaced_wherever_it_stands() {
        for (message, id, replaced) in [
            (
                r#"{"id":7,"type":"ping"}"#,
                Some(7),
                r#"{"id":99,"type":"ping"}"#,
            ),
            (
                r#"{ "type" : "event", "event": {"id": 7, "n": 1.10}, "id" : 7 }"#,
                Some(7),
                r#"{ "type" : "event", "event": {"id": 7, "n": 1.10}, "id" : 99 }"#,
            ),
            (
                r#"{"id":1,"a":"ü","id":2}"#,
                Some(2),
                r#"{"id":1,"a":"ü","id":99}"#,
            ),
            (r#"{"id":-1}"#, None, r#"{"id":99}"#),
            (r#"{"id":1.0}"#, None, r#"{"id":99}"#),
            (r#"{"id":0}"#, None, r#"{"id":99}"#),
            (r#"{"id":"1"}"#, None, r#"{"id":99}"#),
            (r#"{"type":"ping"}"#, None, r#"{"type":"ping"}"#),
        ] {
            let envelope = Envelope::read(message).unwrap();
            assert_eq!(envelope.number(), id, "{message}");
            assert_eq!(envelope.with_id(99), replaced, "{message}");
        }
        assert!(Envelope::read("[1]").is_none());
        assert!(Envelope::read("7").is_none());
    }

    #[test]
    fn two_values_are_replaced_in_either_order() {
        for (message, replaced) in [
            (
                r#"{"id":5,"type":"u","subscription":3}"#,
                r#"{"id":50,"type":"u","subscription":30}"#,
            ),
            (
                r#"{"subscription":3,"type":"u","id":5}"#,
                r#"{"subscription":30,"type":"u","id":50}"#,
            ),
        ] {
            let envelope = Envelope::read(message).unwrap();
            let subscription = envelope.member("subscription").unwrap();
            assert_eq!(envelope.with_id_and(50, subscription, 30), replaced);
        }
    }

    #[test]
    fn frames_are_split_and_broken_ones_refused() {
        assert_eq!(messages(" [ {\"a\":1}, 7 ] ").unwrap(), ["{\"a\":1}", "7"]);
        assert_eq!(messages(" {\"a\":1} ").unwrap(), ["{\"a\":1}"]);
        assert_eq!(messages("[]").unwrap().len(), 0);
        for broken in ["", "{", "[{}", "{} {}", "nothing", "[{},]"] {
            assert!(messages(broken).is_none(), "{broken}");
        }
    }
}
