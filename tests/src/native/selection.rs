//! Which of several rules is for a series.

use weirhouse_core as core;
use weirhouse_core::selection as rules;
use weirhouse_runner::operations::Selection;
use weirhouse_runner::wit::selection::{Candidate, Conditions};

use super::{Answer, Native, refused};

impl Selection for Native {
    fn selection_first(
        &mut self,
        rules: &[Conditions],
        candidates: &[Candidate],
    ) -> Answer<Vec<Option<u32>>> {
        let conditions = rules.iter().cloned().map(|it| rules::Conditions {
            entities: it.entities,
            domains: it.domains,
            device_classes: it.device_classes,
            attribute: it.attribute,
        });
        let selection = rules::Selection::parse(conditions.collect()).map_err(refused)?;
        let first = |candidate: &Candidate| {
            let series = core::Series {
                entity: candidate.series.entity.as_str().into(),
                attribute: candidate.series.attribute.as_deref().map(Into::into),
            };
            selection.first(&series, candidate.device_class.as_deref())
        };
        Ok(candidates.iter().map(first).collect())
    }
}
