//! What a metric is called: a name and tags whose order does not matter.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write as _};

use crate::Error;

/// Longest name, tag or value of a tag, in bytes.
const LONGEST: usize = 255;

/// Most tags of one metric.
const MOST_TAGS: usize = 16;

/// A name and tags, sorted: equal whatever the order they were given in.
///
/// Written out it is the name alone, or `name{tag="value",…}` with the tags in
/// the order of their bytes and with `\`, `"` and line feeds in values escaped
/// as `\\`, `\"` and `\n`: the form of Prometheus' text format, and unequal for
/// unequal keys.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    name: String,
    tags: Vec<(String, String)>,
}

impl Key {
    /// Checks and sorts. The name and the names of tags have 1 to 255 bytes
    /// without control characters, the name no `{` and those of tags no `=`;
    /// values of tags have at most 255 bytes; at most 16 tags, none twice.
    pub fn new(name: impl Into<String>, tags: Vec<(String, String)>) -> Result<Self, Error> {
        let (name, mut tags) = (name.into(), tags);
        check_name("name", &name, '{')?;
        if tags.len() > MOST_TAGS {
            return Err(Error::InvalidArgument(format!(
                "a metric has at most {MOST_TAGS} tags, not {}",
                tags.len()
            )));
        }
        for (tag, value) in &tags {
            check_name("tag", tag, '=')?;
            if value.len() > LONGEST {
                return Err(Error::InvalidArgument(format!(
                    "the value of tag `{tag}` must have at most {LONGEST} bytes, not {}",
                    value.len()
                )));
            }
        }
        tags.sort();
        for pair in tags.windows(2) {
            if let [(one, _), (other, _)] = pair
                && one == other
            {
                return Err(Error::InvalidArgument(format!(
                    "tag `{one}` is given twice; a metric has each tag once"
                )));
            }
        }
        Ok(Self { name, tags })
    }

    /// The name that all metrics past the bound share.
    pub(super) fn overflow() -> Self {
        Self {
            name: "overflow".into(),
            tags: Vec::new(),
        }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Names and values of the tags, sorted by name.
    pub fn tags(&self) -> &[(String, String)] {
        &self.tags
    }
}

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)?;
        for (place, (tag, value)) in self.tags.iter().enumerate() {
            let open = if place == 0 { '{' } else { ',' };
            write!(formatter, "{open}{tag}=\"")?;
            for character in value.chars() {
                match character {
                    '\\' => formatter.write_str("\\\\")?,
                    '"' => formatter.write_str("\\\"")?,
                    '\n' => formatter.write_str("\\n")?,
                    other => formatter.write_char(other)?,
                }
            }
            formatter.write_char('"')?;
        }
        if self.tags.is_empty() {
            Ok(())
        } else {
            formatter.write_char('}')
        }
    }
}

/// Checks that a name can be told from what follows it where it is written out.
fn check_name(what: &str, name: &str, end: char) -> Result<(), Error> {
    if !(1..=LONGEST).contains(&name.len()) {
        return Err(Error::InvalidArgument(format!(
            "the {what} of a metric must have 1 to {LONGEST} bytes, not {}",
            name.len()
        )));
    }
    if name.contains(|character: char| character == end || character.is_control()) {
        return Err(Error::InvalidArgument(format!(
            "the {what} of a metric must hold no {end} and no control character: {name:?}"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use alloc::vec;
    use proptest::prelude::*;

    fn tags(tags: &[(&str, &str)]) -> Vec<(String, String)> {
        tags.iter()
            .map(|(tag, value)| ((*tag).to_string(), (*value).to_string()))
            .collect()
    }

    #[test]
    fn the_order_of_tags_is_irrelevant() {
        let one = Key::new("read", tags(&[("level", "l1"), ("area", "porch")])).unwrap();
        let other = Key::new("read", tags(&[("area", "porch"), ("level", "l1")])).unwrap();
        assert_eq!(one, other);
        assert_eq!(one.to_string(), r#"read{area="porch",level="l1"}"#);
        assert_eq!(Key::new("read", vec![]).unwrap().to_string(), "read");
        let escaped = Key::new("read", tags(&[("a", "\"\\\n")])).unwrap();
        assert_eq!(escaped.to_string(), r#"read{a="\"\\\n"}"#);
    }

    #[test]
    fn what_could_be_mistaken_is_refused() {
        let long = "x".repeat(256);
        for (name, given) in [
            ("", tags(&[])),
            (&*long, tags(&[])),
            ("a{b", tags(&[])),
            ("a\n", tags(&[])),
            ("a", tags(&[("", "v")])),
            ("a", tags(&[("b=c", "v")])),
            ("a", tags(&[("b", &long)])),
            ("a", tags(&[("b", "1"), ("c", "2"), ("b", "3")])),
            (
                "a",
                (0..17)
                    .map(|tag| (tag.to_string(), String::new()))
                    .collect(),
            ),
        ] {
            let outcome = Key::new(name, given);
            assert!(matches!(outcome, Err(Error::InvalidArgument(_))), "{name}");
        }
    }

    fn any_key() -> impl Strategy<Value = Key> {
        let tags = proptest::collection::btree_map("[ab,{}\"]{1,2}", "[ab\"\\\\\n,={}]{0,3}", 0..3);
        ("[ab,=}\"]{1,3}", tags)
            .prop_map(|(name, tags)| Key::new(name, tags.into_iter().collect()).unwrap())
    }

    proptest! {
        #[test]
        fn unequal_keys_are_written_unequal(one in any_key(), other in any_key()) {
            prop_assert_eq!(one == other, one.to_string() == other.to_string());
        }
    }
}
