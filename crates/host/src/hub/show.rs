//! From what the hub holds to what readers see.
//!
//! An entity is serialised here, once for each change, and never again for an answer.

use serde::Serialize;
use weirhouse_hass::{Mirror, Timestamp};
use weirhouse_runner::wit::types::Instant;

use super::engine::Engine;
use super::update::Published;
use super::{Hub, MIRROR};
use crate::mirror::{Replica, Saved, StateRow};

/// What Weirhouse knows of an entity beside its state.
#[derive(Serialize)]
struct Notes<'a> {
    /// What consumers were told last.
    published: Option<&'a Published>,
    /// Readings of its state and attributes since the start.
    observed: u64,
    /// How many of them were suppressed.
    suppressed: u64,
}

/// What an event did to the states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// All of them were told.
    All,
    /// Some were.
    Some,
    /// Home Assistant said nothing about them.
    None,
}

impl Hub {
    /// The home as readers see it.
    pub fn replica(&self) -> &Replica {
        &self.replica
    }

    /// Shows readers what changed.
    pub(super) fn show(&self, engine: &mut Engine, now: Instant, told: Told) {
        let as_of = Timestamp::from_micros(now.wall);
        let mut touched = std::mem::take(&mut engine.touched);
        touched.sort_unstable();
        touched.dedup();
        // Readers of states are shown what Home Assistant has.
        touched.retain(|id| !engine.reported.has(id));
        let touched_rows = || touched.iter().map(|id| engine.row(id)).collect();
        match told {
            Told::All => {
                let ids = engine.mirror.iter().map(|(entity_id, _)| entity_id);
                let rows: Vec<StateRow> = ids.map(|id| engine.row(id)).collect();
                self.replica.replace_states(as_of, &rows);
            }
            Told::Some => {
                let rows: Vec<StateRow> = touched_rows();
                self.replica.update_states(as_of, &rows);
            }
            Told::None => {
                let rows: Vec<StateRow> = touched_rows();
                self.replica.annotate(&rows);
            }
        }
        self.offer_touched(engine, now, &touched);
    }

    /// Shows readers the home of an earlier run, until Home Assistant was heard.
    pub(super) fn show_saved(&self) {
        let saved = match self.blobs.load(MIRROR) {
            Ok(Some(bytes)) => Saved::from_bytes(&bytes),
            Ok(None) => return,
            Err(error) => {
                tracing::warn!(%error, "the mirror starts empty");
                return;
            }
        };
        match saved {
            Ok(saved) => {
                tracing::info!(
                    entities = saved.entities(),
                    "the last mirror is served as stale"
                );
                self.replica.restore(saved);
            }
            Err(error) => tracing::warn!(%error, "the mirror starts empty"),
        }
    }

    /// Writes what readers see to disk.
    pub(super) fn save_mirror(&self) {
        let Some(saved) = self.replica.save() else {
            return;
        };
        let written = saved
            .to_bytes()
            .map_err(|error| error.to_string())
            .and_then(|bytes| {
                let saved = self.blobs.save(MIRROR, &bytes);
                saved.map_err(|error| error.to_string())
            });
        if let Err(error) = written {
            tracing::warn!(%error, "the mirror was not saved; a start without Home Assistant has an older one");
        }
    }
}

impl Engine {
    /// One entity as readers see it.
    fn row(&self, entity_id: &str) -> StateRow {
        let entity = self.entities.get(entity_id);
        let notes = Notes {
            published: entity.and_then(|entity| entity.published.as_ref()),
            observed: entity.map_or(0, |entity| entity.observed),
            suppressed: entity.map_or(0, |entity| entity.suppressed),
        };
        StateRow {
            entity_id: entity_id.to_owned(),
            json: state_json(&self.mirror, entity_id),
            notes: members(&notes),
        }
    }
}

fn state_json(mirror: &Mirror, entity_id: &str) -> Option<Vec<u8>> {
    mirror
        .view(entity_id)
        .and_then(|view| serde_json::to_vec(&view).ok())
}

/// The members of an object, without its braces.
fn members(value: &impl Serialize) -> Vec<u8> {
    // Texts and numbers always serialise.
    let mut json = serde_json::to_vec(value).unwrap_or_default();
    json.pop();
    if !json.is_empty() {
        json.remove(0);
    }
    json
}
