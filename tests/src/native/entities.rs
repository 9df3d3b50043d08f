//! Names to numbers.

use weirhouse_core as core;
use weirhouse_runner::operations::Entities;
use weirhouse_runner::wit::entities::{Facts, Series};

use super::{Answer, Native, refused};

impl Entities for Native {
    fn intern(&mut self, series: &[Series]) -> Answer<Vec<u32>> {
        let series: Vec<_> = series
            .iter()
            .map(|s| core::Series {
                entity: s.entity.as_str().into(),
                attribute: s.attribute.as_deref().map(Into::into),
            })
            .collect();
        self.0.intern(&series).map_err(refused)
    }

    fn names(&mut self, handles: &[u32]) -> Answer<Vec<Series>> {
        let names = self.0.names(handles).map_err(refused)?;
        Ok(names
            .into_iter()
            .map(|core::Series { entity, attribute }| Series {
                entity: entity.into(),
                attribute: attribute.map(Into::into),
            })
            .collect())
    }

    fn all_handles(&mut self) -> Answer<Vec<u32>> {
        Ok(self.0.all_handles())
    }

    fn release(&mut self, entities: &[u32]) -> Answer<u32> {
        self.0.release(entities).map_err(refused)
    }

    fn describe(&mut self, entity: u32, facts: &Facts) -> Answer<()> {
        let Facts {
            device_class,
            unit,
            state_class,
        } = facts.clone();
        let facts = core::Facts {
            device_class,
            unit,
            state_class,
        };
        self.0.describe(entity, &facts).map_err(refused)
    }
}
