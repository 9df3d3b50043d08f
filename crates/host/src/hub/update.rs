//! What is published, and how an entity is shown.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;
use weirhouse_hass::Timestamp;

/// What streams are told.
#[derive(Debug, Clone)]
pub enum Notice {
    /// An entity was published.
    Update(Update),
    /// An entity was found due, and Home Assistant was asked to refresh it.
    Refresh(Refreshed),
}

impl Notice {
    /// The entity it is about.
    pub fn entity_id(&self) -> &str {
        match self {
            Self::Update(update) => &update.entity_id,
            Self::Refresh(refreshed) => &refreshed.entity_id,
        }
    }
}

/// A refresh that was asked for.
#[derive(Debug, Clone, Serialize)]
pub struct Refreshed {
    /// The entity.
    pub entity_id: String,
    /// When, by the wall clock.
    pub at: Timestamp,
}

/// One published update of an entity.
#[derive(Debug, Clone, Serialize)]
pub struct Update {
    /// For example `sensor.porch_temperature`.
    pub entity_id: String,
    /// The published state; `null` for an entity that is gone.
    pub state: Option<String>,
    /// Attributes published with it: all on the first update, later those
    /// whose change mattered.
    pub attributes: BTreeMap<Box<str>, Box<RawValue>>,
    /// Why it was published.
    pub reason: &'static str,
    /// When, by the wall clock.
    pub at: Timestamp,
    /// The batch it left in, counted from 1 since the start.
    pub batch: u64,
}

/// What consumers have been told of an entity's state.
#[derive(Debug, Clone, Serialize)]
pub struct Published {
    /// The state.
    pub state: String,
    /// Why it was published.
    pub reason: &'static str,
    /// When, by the wall clock.
    pub at: Timestamp,
}
