//! Names to numbers.

use weirhouse_core as core;

use crate::wit::exports::weirhouse::core::entities::{Error, Facts, Guest, Series};
use crate::{Component, with};

impl Guest for Component {
    fn intern(series: Vec<Series>) -> Result<Vec<u32>, Error> {
        let series: Vec<core::Series> = series.into_iter().map(core::Series::from).collect();
        Ok(with(|optimizer| optimizer.intern(&series))?)
    }

    fn names(handles: Vec<u32>) -> Result<Vec<Series>, Error> {
        let names = with(|optimizer| optimizer.names(&handles))?;
        Ok(names
            .into_iter()
            .map(|core::Series { entity, attribute }| Series {
                entity: entity.into(),
                attribute: attribute.map(Into::into),
            })
            .collect())
    }

    fn all() -> Vec<u32> {
        with(|optimizer| optimizer.all_handles())
    }

    fn release(entities: Vec<u32>) -> Result<u32, Error> {
        Ok(with(|optimizer| optimizer.release(&entities))?)
    }

    fn describe(entity: u32, facts: Facts) -> Result<(), Error> {
        let Facts {
            device_class,
            unit,
            state_class,
        } = facts;
        let facts = core::Facts {
            device_class,
            unit,
            state_class,
        };
        Ok(with(|optimizer| optimizer.describe(entity, &facts))?)
    }
}

impl From<Series> for core::Series {
    fn from(Series { entity, attribute }: Series) -> Self {
        Self {
            entity: entity.into(),
            attribute: attribute.map(Into::into),
        }
    }
}
