//! The names behind handles, and the values behind verdicts.
//!
//! The optimizer keeps numbers and digests; what a reading looked like, and
//! which one is published, is remembered here as the JSON it came as.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use weirhouse_runner::wit::entities::Series as Name;
use weirhouse_runner::{Fault, Optimizer};

/// A state or an attribute.
#[derive(Debug, Default)]
pub(super) struct Values {
    /// The newest reading that was not late.
    pub(super) latest: Option<Box<RawValue>>,
    /// The reading published last.
    pub(super) published: Option<Box<RawValue>>,
}

/// The handle of a series and of the state of its entity.
#[derive(Debug, Clone, Copy)]
pub(super) struct Handles {
    pub(super) series: u32,
    pub(super) entity: u32,
}

/// Every series of a run.
#[derive(Debug, Default)]
pub(super) struct Table {
    handles: BTreeMap<(String, Option<String>), u32>,
    series: BTreeMap<u32, Held>,
}

#[derive(Debug)]
struct Held {
    entity: String,
    attribute: Option<String>,
    values: Values,
}

impl Table {
    /// The handles of a series, interned if need be.
    pub(super) fn intern(
        &mut self,
        optimizer: &mut dyn Optimizer,
        entity: &str,
        attribute: Option<&str>,
    ) -> Result<Handles, Fault> {
        let state = self.intern_one(optimizer, entity, None)?;
        let series = match attribute {
            Some(_) => self.intern_one(optimizer, entity, attribute)?,
            None => state,
        };
        Ok(Handles {
            series,
            entity: state,
        })
    }

    fn intern_one(
        &mut self,
        optimizer: &mut dyn Optimizer,
        entity: &str,
        attribute: Option<&str>,
    ) -> Result<u32, Fault> {
        let key = (entity.to_owned(), attribute.map(str::to_owned));
        if let Some(handle) = self.handles.get(&key) {
            return Ok(*handle);
        }
        let name = Name {
            entity: key.0.clone(),
            attribute: key.1.clone(),
        };
        let handles = optimizer.intern(&[name])?;
        let [handle] = handles[..] else {
            return Err(Fault::Dead(
                "interning one series gave no single handle".into(),
            ));
        };
        self.series.insert(
            handle,
            Held {
                entity: key.0.clone(),
                attribute: key.1.clone(),
                values: Values::default(),
            },
        );
        self.handles.insert(key, handle);
        Ok(handle)
    }

    /// The handle of an entity's state, if it was ever mentioned.
    pub(super) fn entity(&self, entity: &str) -> Option<u32> {
        self.handles.get(&(entity.to_owned(), None)).copied()
    }

    /// The handles of an entity's state and attributes.
    pub(super) fn all_of(&self, entity: &str) -> Vec<u32> {
        self.handles
            .range((entity.to_owned(), None)..)
            .take_while(|((name, _), _)| name == entity)
            .map(|(_, handle)| *handle)
            .collect()
    }

    /// What a handle stands for.
    pub(super) fn name(&self, handle: u32) -> (&str, Option<&str>) {
        self.series.get(&handle).map_or(("?", None), |held| {
            (&held.entity, held.attribute.as_deref())
        })
    }

    pub(super) fn values(&self, handle: u32) -> Option<&Values> {
        self.series.get(&handle).map(|held| &held.values)
    }

    pub(super) fn values_mut(&mut self, handle: u32) -> Option<&mut Values> {
        self.series.get_mut(&handle).map(|held| &mut held.values)
    }

    /// Interns everything anew in an optimizer that may have given out other
    /// handles; with `keep`, published values stay.
    pub(super) fn reintern(
        &mut self,
        optimizer: &mut dyn Optimizer,
        keep: bool,
    ) -> Result<(), Fault> {
        self.handles.clear();
        for held in std::mem::take(&mut self.series).into_values() {
            let attribute = held.attribute.as_deref();
            let handle = self.intern(optimizer, &held.entity, attribute)?.series;
            if keep && let Some(values) = self.values_mut(handle) {
                *values = held.values;
            }
        }
        Ok(())
    }
}
