//! A home under load, as calls of the optimizer; see `load.rs` of the bench it
//! is shared with for what it reports.

#[path = "../../crates/core/benches/instructions/load.rs"]
mod shared;

use weirhouse_runner::Fault;
use weirhouse_runner::operations::Optimizer;
use weirhouse_runner::wit::entities::Series;
use weirhouse_runner::wit::updates::{Batching, Overflow, Rule};

use crate::native;
pub use shared::{Batch, Readings, VALUE_BYTES, keys, still};

/// Entities with their rules.
pub struct Home {
    spacing_us: u64,
    names: Vec<Series>,
    rules: Vec<Rule>,
}

impl Home {
    /// A home of so many entities.
    pub fn new(entities: u32) -> Self {
        let names = shared::names(entities);
        Self {
            spacing_us: shared::spacing_us(entities),
            names: names
                .into_iter()
                .map(|weirhouse_core::Series { entity, attribute }| Series {
                    entity: entity.into(),
                    attribute: attribute.map(Into::into),
                })
                .collect(),
            rules: (0..entities)
                .map(|entity| native::rule(shared::rule(entity)))
                .collect(),
        }
    }

    /// The rules of its entities, in their order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The time between two readings of the home, in microseconds.
    pub fn spacing_us(&self) -> u64 {
        self.spacing_us
    }

    /// Its entities in the order of their numbers.
    pub fn entity_ids(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|series| &*series.entity)
    }

    /// Makes it known to a fresh optimizer, which numbers its entities from 0.
    pub fn introduce(&self, optimizer: &mut dyn Optimizer) -> Result<(), Fault> {
        let handles = optimizer.intern(&self.names)?;
        for (handle, rule) in handles.into_iter().zip(&self.rules) {
            optimizer.set_rule(&[handle], Some(rule))?;
        }
        // What a window brought leaves together.
        optimizer.set_batching(Batching {
            window: 100_000,
            max: 1_000,
            flush_on_full: false,
            capacity: 20_000,
            overflow: Overflow::DropOldest,
            adaptive: None,
        })
    }
}
