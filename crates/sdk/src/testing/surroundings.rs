//! What natively stands in for the host's services.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use crate::entities::Metadata;
use crate::log::Level;
use crate::store::Refusal;

/// Most bytes of keys and values, as in the host.
const MOST_STORED_BYTES: usize = 64 << 10;

/// Longest key, as in the host.
const MOST_KEY_BYTES: usize = 128;

/// What the services answer from, on this thread.
#[derive(Debug, Default)]
pub struct Surroundings {
    /// Settings by name.
    pub settings: HashMap<String, String>,
    /// Entities by their number.
    pub entities: Vec<Metadata>,
    /// What was stored.
    pub store: BTreeMap<String, Vec<u8>>,
    /// What was logged.
    pub log: Vec<(Level, String)>,
}

impl Surroundings {
    /// The number of an entity, known from now on.
    pub(crate) fn meet(&mut self, entity_id: &str) -> u32 {
        let known = self.entities.iter().position(|it| it.id == entity_id);
        let place = known.unwrap_or_else(|| {
            self.entities.push(Metadata {
                id: entity_id.to_owned(),
                name: None,
                device_class: None,
                unit: None,
                state_class: None,
            });
            self.entities.len() - 1
        });
        u32::try_from(place).unwrap_or(u32::MAX)
    }

    pub(crate) fn keep(&mut self, key: &str, value: &[u8]) -> Result<(), Refusal> {
        if key.is_empty() || key.len() > MOST_KEY_BYTES {
            return Err(Refusal::BadKey);
        }
        let others = self.store.iter().filter(|(name, _)| *name != key);
        let stored: usize = others.map(|(name, value)| name.len() + value.len()).sum();
        if stored + key.len() + value.len() > MOST_STORED_BYTES {
            return Err(Refusal::Full);
        }
        self.store.insert(key.to_owned(), value.to_owned());
        Ok(())
    }
}

thread_local! {
    static AROUND: RefCell<Surroundings> = RefCell::default();
}

/// Runs a call on what surrounds plugins on this thread.
pub(crate) fn surroundings<T>(call: impl FnOnce(&mut Surroundings) -> T) -> T {
    AROUND.with_borrow_mut(call)
}
