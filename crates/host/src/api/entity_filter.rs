//! Which entities a stream is about: exact ids and whole domains.
//!
//! No other globs: what a pattern matches should be plain to see.

use std::collections::HashSet;

/// Most patterns in one filter; more entities than that are a domain, or all.
const MAX_PATTERNS: usize = 1000;

/// A set of `domain.name` and `domain.*`; the empty set matches everything.
#[derive(Debug, Default)]
pub(super) struct EntityFilter {
    exact: HashSet<String>,
    domains: HashSet<String>,
}

impl EntityFilter {
    /// Reads patterns; the error says what is wrong with which.
    pub(super) fn new<'a>(patterns: impl Iterator<Item = &'a str>) -> Result<Self, String> {
        let mut filter = Self::default();
        for pattern in patterns {
            let parts = pattern
                .split_once('.')
                .filter(|(domain, name)| is_slug(domain) && (*name == "*" || is_slug(name)));
            match parts {
                Some((domain, "*")) => filter.domains.insert(domain.to_owned()),
                Some(_) => filter.exact.insert(pattern.to_owned()),
                None => {
                    return Err(format!(
                        "`entity={pattern}` is neither an entity id such as `sensor.porch` nor a domain such as `sensor.*`"
                    ));
                }
            };
            if filter.exact.len() + filter.domains.len() > MAX_PATTERNS {
                return Err(format!(
                    "more than {MAX_PATTERNS} `entity` parameters; ask for whole domains, or for all"
                ));
            }
        }
        Ok(filter)
    }

    /// Whether updates of this entity are wanted.
    pub(super) fn matches(&self, entity_id: &str) -> bool {
        if self.exact.is_empty() && self.domains.is_empty() {
            return true;
        }
        let domain = entity_id
            .split_once('.')
            .map_or(entity_id, |(domain, _)| domain);
        self.domains.contains(domain) || self.exact.contains(entity_id)
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
    fn matches_ids_and_domains() {
        let filter = EntityFilter::new(["sensor.a", "light.*"].into_iter()).unwrap();
        for (entity, matches) in [
            ("sensor.a", true),
            ("sensor.ab", false),
            ("light.kitchen", true),
            ("lights.kitchen", false),
            ("sensor", false),
        ] {
            assert_eq!(filter.matches(entity), matches, "{entity}");
        }
        assert!(EntityFilter::default().matches("anything.at_all"));
    }

    #[test]
    fn refuses_what_it_does_not_understand() {
        for bad in [
            "",
            "*",
            "sensor",
            "sensor.",
            ".a",
            "sensor.a*",
            "*.a",
            "Sensor.A",
            "a.b.c",
        ] {
            assert!(EntityFilter::new([bad].into_iter()).is_err(), "{bad:?}");
        }
        let many: Vec<String> = (0..=MAX_PATTERNS).map(|n| format!("sensor.s{n}")).collect();
        assert!(EntityFilter::new(many.iter().map(String::as_str)).is_err());
    }
}
