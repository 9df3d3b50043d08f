//! Which of several rules is for a series: the first whose conditions it meets.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::Error;
use crate::entities::Series;
use crate::filter::{Filter, Mode};

/// Most rules to choose from: with the bound on globs it bounds the work one
/// series can cause.
const MOST_RULES: usize = 1_000;

/// Which series a rule is for, as it was written: those that meet all of these.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conditions {
    /// Globs over entity names, at most 1,000; one is enough. Empty for all.
    pub entities: Vec<String>,
    /// What stands before the dot of an entity's name; one is enough. Empty for
    /// all.
    pub domains: Vec<String>,
    /// Device classes; one is enough. Empty for all.
    pub device_classes: Vec<String>,
    /// An attribute by name; `None` for the state.
    pub attribute: Option<String>,
}

/// Rules in the order in which they are tried.
#[derive(Debug, Clone)]
pub struct Selection {
    rules: Vec<Selector>,
}

/// The conditions of one rule, ready to be tried.
#[derive(Debug, Clone)]
struct Selector {
    /// `None` for all entities.
    entities: Option<Filter>,
    domains: Vec<String>,
    device_classes: Vec<String>,
    attribute: Option<String>,
}

impl Selection {
    /// Reads the conditions of rules, at most 1,000. A malformed glob is
    /// refused.
    pub fn parse(rules: Vec<Conditions>) -> Result<Self, Error> {
        if rules.len() > MOST_RULES {
            return Err(Error::TooLarge(format!(
                "at most {MOST_RULES} rules are chosen from, not {}",
                rules.len()
            )));
        }
        let rules = rules.into_iter().map(Selector::parse);
        Ok(Self {
            rules: rules.collect::<Result<_, _>>()?,
        })
    }

    /// The place of the first rule that is for a series, counted from 0.
    pub fn first(&self, series: &Series, device_class: Option<&str>) -> Option<u32> {
        let rules = (0..).zip(&self.rules);
        rules
            .filter(|(_, rule)| rule.fits(series, device_class))
            .map(|(place, _)| place)
            .next()
    }
}

impl Selector {
    fn parse(conditions: Conditions) -> Result<Self, Error> {
        let Conditions {
            entities,
            domains,
            device_classes,
            attribute,
        } = conditions;
        let exceptions: [&str; 0] = [];
        Ok(Self {
            entities: (!entities.is_empty())
                .then(|| Filter::parse(Mode::Include, &entities, &exceptions))
                .transpose()?,
            domains,
            device_classes,
            attribute,
        })
    }

    fn fits(&self, series: &Series, device_class: Option<&str>) -> bool {
        let among = |names: &[String], name| {
            names.is_empty() || names.iter().any(|it| Some(it.as_str()) == name)
        };
        let domain = series.entity.split_once('.').map(|(domain, _)| domain);
        self.attribute.as_deref() == series.attribute.as_deref()
            && among(&self.domains, domain)
            && among(&self.device_classes, device_class)
            && self
                .entities
                .as_ref()
                .is_none_or(|globs| globs.keeps(&series.entity))
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use proptest::prelude::*;

    use super::*;

    fn series(entity: &str, attribute: Option<&str>) -> Series {
        Series {
            entity: entity.into(),
            attribute: attribute.map(Into::into),
        }
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.into()).collect()
    }

    #[test]
    fn the_first_rule_counts_whose_conditions_are_all_met() {
        let rules = Selection::parse(vec![
            Conditions {
                entities: names(&["*_power", "sensor.meter"]),
                device_classes: names(&["power", "energy"]),
                ..Conditions::default()
            },
            Conditions {
                domains: names(&["sensor", "number"]),
                ..Conditions::default()
            },
            Conditions {
                attribute: Some("brightness".into()),
                ..Conditions::default()
            },
        ])
        .unwrap();
        for (entity, attribute, class, place) in [
            ("sensor.oven_power", None, Some("power"), Some(0)),
            ("sensor.meter", None, Some("energy"), Some(0)),
            ("sensor.meter", None, Some("voltage"), Some(1)),
            ("sensor.meter", None, None, Some(1)),
            ("number.oven_power", None, Some("power"), Some(0)),
            ("light.oven_power", None, None, None),
            ("light.hall", Some("brightness"), None, Some(2)),
            ("sensor.meter", Some("voltage"), Some("power"), None),
            ("no domain", None, None, None),
        ] {
            let first = rules.first(&series(entity, attribute), class);
            assert_eq!(first, place, "{entity} {attribute:?} {class:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        let broken = Conditions {
            entities: names(&["sensor.*", "["]),
            ..Conditions::default()
        };
        assert!(matches!(
            Selection::parse(vec![Conditions::default(), broken]),
            Err(Error::InvalidArgument(_))
        ));
        let many = vec![Conditions::default(); MOST_RULES + 1];
        assert!(matches!(Selection::parse(many), Err(Error::TooLarge(_))));
    }

    proptest! {
        /// Every rule before the chosen one is not for the series, and the
        /// chosen one alone would be chosen.
        #[test]
        fn nothing_before_the_chosen_rule_fits(
            rules in prop::collection::vec(
                ("[ab*]{0,3}", "[ab]{0,1}", "[ab]{0,1}").prop_map(|(entity, domain, class)| {
                    let list = |name: String| if name.is_empty() { vec![] } else { vec![name] };
                    Conditions {
                        entities: list(entity),
                        domains: list(domain),
                        device_classes: list(class),
                        attribute: None,
                    }
                }),
                0..6,
            ),
            entity in "[ab]\\.[ab]{1,3}",
            class in prop::option::of("[ab]"),
        ) {
            let series = series(&entity, None);
            let first = |rules: &[Conditions]| {
                Selection::parse(rules.to_vec()).unwrap().first(&series, class.as_deref())
            };
            let fitting = rules.iter().position(|rule| first(core::slice::from_ref(rule)).is_some());
            prop_assert_eq!(first(&rules).map(|place| place as usize), fitting);
        }
    }
}
