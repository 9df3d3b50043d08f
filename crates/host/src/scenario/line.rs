//! One line of a scenario, from text to a moment and an operation.
//!
//! Everything that makes a line malformed is found here; whether the arguments
//! are in range is for the optimizer to say.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::micros::Micros;
use super::operations::{Kind, Operation};

/// When, and what.
pub(super) struct Line {
    /// `None` only beside `configure`, which need not say it.
    pub(super) at: Option<Micros>,
    pub(super) operation: Operation,
}

impl Line {
    /// Reads one line; the error says what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let Pairs(pairs) = serde_json::from_str(text).map_err(|error| problem(&error))?;
        let mut at = None;
        let mut op: Option<(String, Box<RawValue>)> = None;
        for (key, value) in pairs {
            if key == "at" {
                if at.replace(parse_at(&value)?).is_some() {
                    return Err("`at` stands twice".into());
                }
            } else if let Some((first, _)) = &op {
                return Err(format!(
                    "a line holds one operation, this one `{first}` and `{key}`"
                ));
            } else {
                op = Some((key, value));
            }
        }
        let (name, arguments) = op.ok_or("no operation beside `at`")?;
        let operation = Operation::parse(&name, &arguments)?;
        if at.is_none() && operation.kind != Kind::Setting {
            return Err(format!("`at` is missing beside `{name}`"));
        }
        Ok(Self { at, operation })
    }
}

fn parse_at(value: &RawValue) -> Result<Micros, String> {
    match Micros::parse(value.get()) {
        Some(at) if (Micros(0)..=Micros::LATEST).contains(&at) => Ok(at),
        Some(_) => Err(format!(
            "`at` is {value}, outside 0 to {} ms",
            Micros::LATEST
        )),
        None => Err(format!("`at` is {value}, no number of milliseconds")),
    }
}

/// The members of an object in their order, repeated ones included.
struct Pairs(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

/// A JSON error of a whole line, with its column.
fn problem(error: &serde_json::Error) -> String {
    format!("{} at column {}", reason(error), error.column())
}

/// A JSON error without its position, which serde counts within one line.
pub(super) fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((reason, _)) => reason.to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_said() {
        for (line, said) in [
            ("", "EOF"),
            ("[1]", "expected an object"),
            (
                r#"{"at":1,"get":{"key":"a"}"#,
                "EOF while parsing an object at column 25",
            ),
            (r#"{"get":{"key":"a"}}"#, "`at` is missing beside `get`"),
            (r#"{"at":1}"#, "no operation"),
            (r#"{"at":1,"at":1,"get":{"key":"a"}}"#, "`at` stands twice"),
            (
                r#"{"at":"1","get":{"key":"a"}}"#,
                "no number of milliseconds",
            ),
            (r#"{"at":-1,"get":{"key":"a"}}"#, "outside 0 to"),
            (r#"{"at":1e300,"advance":{}}"#, "outside 0 to"),
            (
                r#"{"at":1,"get":{"key":"a"},"put":{}}"#,
                "one operation, this one `get` and `put`",
            ),
            (
                r#"{"at":1,"gte":{"key":"a"}}"#,
                "unknown operation `gte`; the nearest is `get`",
            ),
            (r#"{"at":1,"unregistr":{}}"#, "the nearest is `unregister`"),
            (
                r#"{"at":1,"get":{"key":1}}"#,
                "`get`: invalid type: integer `1`, expected a string",
            ),
            (r#"{"at":1,"get":{}}"#, "`get`: missing field `key`"),
            (
                r#"{"at":1,"get":{"key":"a","x":1}}"#,
                "`get`: unknown field `x`",
            ),
            (r#"{"at":1,"advance":null}"#, "`advance`: invalid type"),
            (r#"{"at":1,"call":3}"#, "`call`: invalid type"),
            (
                r#"{"at":1,"rule":{"absolute":1}}"#,
                "`rule`: missing field `entity`",
            ),
            (r#"{"at":1,"register":{"entity":"a"}}"#, "either `interval`"),
            (
                r#"{"at":1,"register":{"entity":"a","interval":1,"class":"gps"}}"#,
                "either `interval`",
            ),
            (
                r#"{"configure":{"significance":{"entity":"a"}}}"#,
                "use `rule` for one",
            ),
            (
                r#"{"configure":{"gate":{"kind":"throttle","wait":1}}}"#,
                "a throttle takes `rate` alone",
            ),
            (
                r#"{"configure":{"gate":{"kind":"debounce"}}}"#,
                "a debounce takes `wait`",
            ),
            (
                r#"{"configure":{"gate":{"kind":"batch","wait":1}}}"#,
                "a batch takes `size` and `wait`",
            ),
            (
                r#"{"configure":{"gate":{"kind":"throttle","rate":"fast"}}}"#,
                "expected a number",
            ),
        ] {
            let error = Line::parse(line).err().unwrap_or_default();
            assert!(error.contains(said), "{line}: {error}");
        }
    }
}
