//! Which of several rules is for a series.

use weirhouse_core::Series;
use weirhouse_core::selection::{self, Selection};

use crate::Component;
use crate::wit::exports::weirhouse::core::selection::{Candidate, Conditions, Error, Guest};

impl Guest for Component {
    fn first(
        rules: Vec<Conditions>,
        candidates: Vec<Candidate>,
    ) -> Result<Vec<Option<u32>>, Error> {
        let rules = rules.into_iter().map(selection::Conditions::from);
        let selection = Selection::parse(rules.collect())?;
        let first = |candidate: Candidate| {
            let series = Series::from(candidate.series);
            selection.first(&series, candidate.device_class.as_deref())
        };
        Ok(candidates.into_iter().map(first).collect())
    }
}

impl From<Conditions> for selection::Conditions {
    fn from(conditions: Conditions) -> Self {
        let Conditions {
            entities,
            domains,
            device_classes,
            attribute,
        } = conditions;
        Self {
            entities,
            domains,
            device_classes,
            attribute,
        }
    }
}
