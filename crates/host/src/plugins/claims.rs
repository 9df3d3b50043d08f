//! Which entities and entries a plugin claims.

use weirhouse_runner::plugin::wit::about::{Claim, Description};
use wildmatch::WildMatch;

/// The claims of a plugin, ready to be asked.
#[derive(Debug, Clone, Default)]
pub struct Claims(Vec<OneClaim>);

#[derive(Debug, Clone)]
struct OneClaim {
    entities: Vec<WildMatch>,
    device_classes: Vec<String>,
    entries: Vec<WildMatch>,
}

impl Claims {
    /// Those that a plugin describes.
    pub fn of(description: &Description) -> Self {
        let globs = |globs: &[String]| globs.iter().map(|glob| WildMatch::new(glob)).collect();
        let one = |claim: &Claim| OneClaim {
            entities: globs(&claim.entities),
            device_classes: claim.device_classes.clone(),
            entries: globs(&claim.entries),
        };
        Self(description.claims.iter().map(one).collect())
    }

    /// Whether an entity is claimed.
    pub fn entity(&self, entity_id: &str, device_class: Option<&str>) -> bool {
        self.0.iter().any(|claim| {
            let names_any = !claim.entities.is_empty() || !claim.device_classes.is_empty();
            names_any
                && (claim.entities.is_empty()
                    || claim.entities.iter().any(|glob| glob.matches(entity_id)))
                && (claim.device_classes.is_empty()
                    || claim
                        .device_classes
                        .iter()
                        .any(|class| Some(class.as_str()) == device_class))
        })
    }

    /// Whether an entry of the cache is claimed.
    pub fn entry(&self, namespace: &str, key: &str) -> bool {
        let place = format!("{namespace}/{key}");
        let mut globs = self.0.iter().flat_map(|claim| &claim.entries);
        globs.any(|glob| glob.matches(&place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(entities: &[&str], device_classes: &[&str], entries: &[&str]) -> Claims {
        let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
        let claim = Claim {
            entities: owned(entities),
            device_classes: owned(device_classes),
            entries: owned(entries),
        };
        Claims::of(&Description {
            claims: vec![claim],
            name: String::new(),
            version: String::new(),
            summary: String::new(),
            author: String::new(),
            licence: String::new(),
            settings: Vec::new(),
            capabilities: Vec::new(),
            functions: Vec::new(),
        })
    }

    #[test]
    fn every_list_that_is_not_empty_must_fit() {
        let power = Some("power");
        for (entities, classes, class, claimed) in [
            (&["sensor.*"][..], &[][..], None, true),
            (&["light.*"], &[], None, false),
            (&[], &["power"], power, true),
            (&[], &["power"], None, false),
            (&["light.*", "sensor.a"], &["power", "energy"], power, true),
            (&["sensor.b"], &["power"], power, false),
            (&[], &[], power, false),
        ] {
            let claims = claims(entities, classes, &["weather/*"]);
            assert_eq!(
                claims.entity("sensor.a", class),
                claimed,
                "{entities:?} {classes:?}"
            );
            assert!(claims.entry("weather", "home/today"));
            assert!(!claims.entry("images", "weather"));
        }
    }
}
