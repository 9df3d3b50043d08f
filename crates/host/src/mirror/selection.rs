//! Which rows a reader asks for.
//!
//! Values of one kind are alternatives, different kinds must all hold. It works on identifiers and on the groups
//! that follow from the registries, never on values.

use std::collections::BTreeSet;

use weirhouse_hass::{Group, Topology};
use wildmatch::WildMatch;

use super::patterns::Patterns;

/// What of a list is wanted; the default is all of it.
#[derive(Debug, Default)]
pub struct Selection {
    /// Single rows.
    pub ids: BTreeSet<String>,
    /// Parts of identifiers before the dot.
    pub domains: Vec<String>,
    /// Patterns over whole identifiers.
    pub globs: Vec<Glob>,
    /// Identifiers, domains and patterns of which one must fit.
    pub patterns: Patterns,
    /// Identifiers of groups, by kind of group.
    pub groups: Vec<(Group, Vec<String>)>,
}

/// A pattern over whole identifiers: `*` stands for any run of characters, `?` for one.
#[derive(Debug)]
pub struct Glob(WildMatch);

/// Longest pattern in bytes: the longest identifier Home Assistant knows has 255.
const LONGEST_GLOB_BYTES: usize = 255;

/// Why a pattern is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GlobError {
    /// It matches nothing.
    #[error("a pattern is empty; write one such as `sensor.*_power`")]
    Empty,
    /// It is longer than any identifier.
    #[error("a pattern is {0} bytes, at most {LONGEST_GLOB_BYTES} are taken")]
    TooLong(usize),
    /// It can match no identifier.
    #[error(
        "the pattern `{pattern}` contains {found:?}; taken are a-z, 0-9, `_`, `.`, and the wildcards `*` for any run and `?` for one character"
    )]
    Character {
        /// The pattern.
        pattern: String,
        /// What cannot stand in it.
        found: char,
    },
}

impl Glob {
    /// Reads a pattern.
    pub fn parse(pattern: &str) -> Result<Self, GlobError> {
        if pattern.is_empty() {
            return Err(GlobError::Empty);
        }
        if pattern.len() > LONGEST_GLOB_BYTES {
            return Err(GlobError::TooLong(pattern.len()));
        }
        let odd = |c: &char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || "_.*?".contains(*c));
        match pattern.chars().find(odd) {
            Some(found) => Err(GlobError::Character {
                pattern: pattern.escape_debug().to_string(),
                found,
            }),
            None => Ok(Self(WildMatch::new(pattern))),
        }
    }

    /// Whether a whole identifier fits.
    pub(super) fn matches(&self, id: &str) -> bool {
        self.0.matches(id)
    }
}

impl Selection {
    /// Whether everything is wanted.
    pub(super) fn is_everything(&self) -> bool {
        self.ids.is_empty()
            && self.domains.is_empty()
            && self.globs.is_empty()
            && self.patterns.is_empty()
            && self.groups.is_empty()
    }

    /// Whether it rests on which row belongs to which.
    pub(super) fn needs_topology(&self) -> bool {
        !self.groups.is_empty()
    }

    /// Whether the name alone fits.
    pub(super) fn takes_name(&self, id: &str) -> bool {
        let domain = || id.split_once('.').map_or(id, |(domain, _)| domain);
        (self.ids.is_empty() || self.ids.contains(id))
            && (self.domains.is_empty() || self.domains.iter().any(|it| it == domain()))
            && (self.globs.is_empty() || self.globs.iter().any(|glob| glob.matches(id)))
            && (self.patterns.is_empty() || self.patterns.match_any(id))
    }

    /// The registered entities that belong to the groups, in one set for each kind of group.
    pub(super) fn members<'a>(&self, topology: &'a Topology) -> Members<'a> {
        let kinds = self.groups.iter().map(|(group, ids)| {
            ids.iter()
                .filter_map(|id| topology.members(*group, id))
                .collect()
        });
        Members(kinds.collect())
    }
}

/// The entities of each kind of group asked for.
pub(super) struct Members<'a>(Vec<Vec<&'a BTreeSet<Box<str>>>>);

impl Members<'_> {
    /// Whether an entity belongs to a group of each kind.
    pub(super) fn contain(&self, entity_id: &str) -> bool {
        let mut kinds = self.0.iter();
        kinds.all(|sets| sets.iter().any(|set| set.contains(entity_id)))
    }

    /// All that can be contained, by name; `None` if no group was asked for.
    pub(super) fn candidates(&self) -> Option<BTreeSet<&str>> {
        let first = self.0.first()?;
        Some(first.iter().copied().flatten().map(|id| &**id).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_whole_names_and_refuse_what_no_name_has() {
        for (pattern, name, matches) in [
            ("sensor.*_power", "sensor.oven_power", true),
            ("sensor.*_power", "sensor.oven_power_2", false),
            ("sensor.*_power", "xsensor.oven_power", false),
            ("*", "light.a", true),
            ("light.?", "light.a", true),
            ("light.?", "light.ab", false),
            ("light.a", "light.a", true),
        ] {
            let glob = Glob::parse(pattern).unwrap();
            assert_eq!(glob.0.matches(name), matches, "{pattern} {name}");
        }
        for pattern in ["", "Sensor.*", "sensor.[ab]", "sensor.a\n", "ä"] {
            assert!(Glob::parse(pattern).is_err(), "{pattern:?}");
        }
        assert!(Glob::parse(&"a".repeat(256)).is_err());
        // The worst a pattern of many wildcards can do is still quick.
        let many = Glob::parse(&"*a".repeat(127)).unwrap();
        assert!(!many.0.matches(&"a".repeat(126)));
    }

    #[test]
    fn kinds_must_all_hold_and_values_are_alternatives() {
        let selection = Selection {
            domains: vec!["light".into(), "sensor".into()],
            globs: vec![Glob::parse("*_a").unwrap()],
            ..Selection::default()
        };
        for (id, taken) in [
            ("light.x_a", true),
            ("sensor.x_a", true),
            ("switch.x_a", false),
            ("light.x_b", false),
        ] {
            assert_eq!(selection.takes_name(id), taken, "{id}");
        }
        assert!(Selection::default().takes_name("anything"));
    }
}
