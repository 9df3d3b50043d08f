//! Parts of a row, cut out of its JSON text.
//!
//! Values are copied as they stand; nothing is decoded but the names.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// The member of a state whose own members can be asked for.
const NESTED: &str = "attributes";

/// Which members of a row are wanted.
#[derive(Debug, Clone, Default)]
pub struct Fields {
    whole: BTreeSet<String>,
    /// Of `attributes`, unless all of it is wanted.
    attributes: BTreeSet<String>,
}

impl Fields {
    /// Members by name; `attributes.NAME` stands for one attribute.
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut fields = Self::default();
        for name in names {
            match name.split_once('.') {
                Some((NESTED, attribute)) => fields.attributes.insert(attribute.to_owned()),
                _ => fields.whole.insert(name.to_owned()),
            };
        }
        fields
    }

    /// The names, those of attributes as `attributes`.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let nested = (!self.attributes.is_empty()).then_some(NESTED);
        self.whole.iter().map(String::as_str).chain(nested)
    }

    /// Appends the wanted members of `json` as an object. `id` is always among them.
    pub(super) fn cut(&self, id: &str, json: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        out.push(b'{');
        for (name, value) in members(json).0 {
            if name == id || self.whole.contains(&*name) {
                member(out, start, &name);
                out.extend_from_slice(value.get().as_bytes());
            } else if name == NESTED && !self.attributes.is_empty() {
                member(out, start, &name);
                let inner = out.len();
                out.push(b'{');
                for (name, value) in members(value.get().as_bytes()).0 {
                    if self.attributes.contains(&*name) {
                        member(out, inner, &name);
                        out.extend_from_slice(value.get().as_bytes());
                    }
                }
                out.push(b'}');
            }
        }
        out.push(b'}');
    }
}

/// Begins a member of the object that starts at `start`.
pub(super) fn member(out: &mut Vec<u8>, start: usize, name: &str) {
    if out.len() > start + 1 {
        out.push(b',');
    }
    text(out, name);
    out.push(b':');
}

/// Appends a JSON string.
pub(super) fn text(out: &mut Vec<u8>, text: &str) {
    // Writing a string to memory has no way to fail.
    let _ = serde_json::to_writer(out, text);
}

/// Names of the members of an object; none of anything else.
pub(super) fn names(json: &[u8]) -> Vec<String> {
    let members = members(json).0;
    members.into_iter().map(|(name, _)| name.into()).collect()
}

/// The members of an object in their order; none of anything else.
fn members(json: &[u8]) -> Members<'_> {
    serde_json::from_slice(json).unwrap_or_default()
}

#[derive(Default)]
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

/// A name, borrowed where it needs no decoding.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some((Name(name), value)) = map.next_entry()? {
                    members.push((name, value));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_cut_out_as_they_stand() {
        let row = br#"{"entity_id":"sensor.a","state":"1","attributes":{"x\u0041":1.50,"unit":"\u00b0C","deep":[[]]},"context":{"id":null}}"#;
        for (names, expected) in [
            (&["state"][..], r#"{"entity_id":"sensor.a","state":"1"}"#),
            (
                &["attributes.unit", "attributes.none"],
                r#"{"entity_id":"sensor.a","attributes":{"unit":"\u00b0C"}}"#,
            ),
            (
                &["attributes.xA", "attributes.deep", "entity_id"],
                r#"{"entity_id":"sensor.a","attributes":{"xA":1.50,"deep":[[]]}}"#,
            ),
            (
                &["attributes", "attributes.unit", "context"],
                r#"{"entity_id":"sensor.a","attributes":{"x\u0041":1.50,"unit":"\u00b0C","deep":[[]]},"context":{"id":null}}"#,
            ),
            (&["nothing"], r#"{"entity_id":"sensor.a"}"#),
        ] {
            let mut out = Vec::new();
            Fields::new(names.iter().copied()).cut("entity_id", row, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
        assert_eq!(names(row), ["entity_id", "state", "attributes", "context"]);
        assert!(names(b"[1]").is_empty());
    }
}
