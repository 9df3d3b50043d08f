//! Which entities are meant by a list of identifiers, whole domains and globs, of which one must fit.

use std::collections::HashSet;

use super::selection::{Glob, GlobError};

/// Most patterns of one list; more entities than that are a domain, or all.
const MOST_PATTERNS: usize = 1000;

/// Most of them with wildcards: each is tried on every name.
const MOST_GLOBS: usize = 16;

/// A set of `domain.name`, `domain.*` and other globs; the empty set stands for everything.
#[derive(Debug, Default)]
pub struct Patterns {
    exact: HashSet<String>,
    domains: HashSet<String>,
    globs: Vec<Glob>,
}

/// Why a list of patterns is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It names nothing that could be there.
    #[error(
        "`{0}` is neither an entity id such as `sensor.porch` nor a pattern such as `sensor.*` or `*_power`"
    )]
    Unclear(String),
    /// Its wildcards stand among what no identifier has.
    #[error(transparent)]
    Glob(#[from] GlobError),
    /// There are too many.
    #[error("more than {MOST_PATTERNS} are named; ask for whole domains, or for all")]
    TooMany,
    /// There are too many with wildcards.
    #[error(
        "more than {MOST_GLOBS} have wildcards, whole domains not counted; ask for whole domains, or for all"
    )]
    TooManyGlobs,
}

impl Patterns {
    /// Reads patterns.
    pub fn parse<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Result<Self, PatternError> {
        let mut read = Self::default();
        for pattern in patterns {
            match pattern.split_once('.') {
                Some((domain, "*")) if is_slug(domain) => {
                    read.domains.insert(domain.to_owned());
                }
                Some((domain, name)) if is_slug(domain) && is_slug(name) => {
                    read.exact.insert(pattern.to_owned());
                }
                _ if pattern.contains(['*', '?']) => read.globs.push(Glob::parse(pattern)?),
                _ => return Err(PatternError::Unclear(pattern.escape_debug().to_string())),
            }
            if read.exact.len() + read.domains.len() > MOST_PATTERNS {
                return Err(PatternError::TooMany);
            }
            if read.globs.len() > MOST_GLOBS {
                return Err(PatternError::TooManyGlobs);
            }
        }
        Ok(read)
    }

    /// Whether it stands for everything.
    pub fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.domains.is_empty() && self.globs.is_empty()
    }

    /// Whether one of them fits.
    pub fn match_any(&self, entity_id: &str) -> bool {
        let domain = entity_id
            .split_once('.')
            .map_or(entity_id, |(domain, _)| domain);
        self.domains.contains(domain)
            || self.exact.contains(entity_id)
            || self.globs.iter().any(|glob| glob.matches(entity_id))
    }
}

/// Home Assistant's alphabet for both parts of an entity id.
fn is_slug(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_domains_and_globs_are_alternatives() {
        let patterns = Patterns::parse(["sensor.a", "light.*", "*_power", "lock.?"]).unwrap();
        for (entity, matches) in [
            ("sensor.a", true),
            ("sensor.ab", false),
            ("light.kitchen", true),
            ("lights.kitchen", false),
            ("sensor.oven_power", true),
            ("lock.a", true),
            ("lock.ab", false),
            ("sensor", false),
        ] {
            assert_eq!(patterns.match_any(entity), matches, "{entity}");
        }
        assert!(Patterns::default().is_empty() && !patterns.is_empty());
    }

    #[test]
    fn what_means_nothing_is_refused() {
        for bad in [
            "",
            "sensor",
            "sensor.",
            ".a",
            "Sensor.A",
            "a.b.c",
            "Sensor.*",
            "sensor.[a]*",
        ] {
            assert!(Patterns::parse([bad]).is_err(), "{bad:?}");
        }
        let many: Vec<String> = (0..=MOST_PATTERNS)
            .map(|n| format!("sensor.s{n}"))
            .collect();
        let refused = Patterns::parse(many.iter().map(String::as_str));
        assert_eq!(refused.unwrap_err(), PatternError::TooMany);
        let refused = Patterns::parse(["*_a"; MOST_GLOBS + 1]);
        assert_eq!(refused.unwrap_err(), PatternError::TooManyGlobs);
    }
}
