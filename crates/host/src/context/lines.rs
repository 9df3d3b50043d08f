//! Lines of entities, described anew only when a row behind them changed.

use std::collections::HashMap;
use std::sync::Arc;

use super::line::Described;
use crate::mirror::{Survey, Surveyed};

/// What was described before, for the next reader.
#[derive(Debug, Default)]
pub struct Known {
    lines: HashMap<Box<str>, Entry>,
}

#[derive(Debug)]
struct Entry {
    /// Of the state, and of what says where things are: those it was described from.
    rows: (u64, u64),
    /// The revision of the state with which the line began to say what it says.
    changed: u64,
    described: Arc<Described>,
}

impl Known {
    /// Describes what a survey found, each line with its place there; leaves out what the user hides, and what says
    /// the same as when the reader last asked. `entities` are those the home has altogether.
    pub(super) fn describe(
        &mut self,
        survey: &Survey,
        entities: usize,
    ) -> Vec<(usize, Arc<Described>)> {
        if self.lines.len() > 2 * entities + 100 {
            // Most are of entities that are gone.
            self.lines.clear();
        }
        let rows = survey.entities.iter().enumerate();
        let lines = rows.filter_map(|(place, row)| {
            let entry = self.describe_one(row, survey.places);
            let is_told = survey.known.is_none_or(|known| entry.changed > known);
            (is_told && !entry.described.hidden).then(|| (place, Arc::clone(&entry.described)))
        });
        lines.collect()
    }

    fn describe_one(&mut self, row: &Surveyed, places: u64) -> &Entry {
        let rows = (row.revision, places);
        let entry = self.lines.entry(row.entity_id.as_str().into());
        let entry = entry.or_insert_with(|| Entry {
            rows,
            changed: row.revision,
            described: Arc::new(Described::of(row)),
        });
        if entry.rows != rows {
            let described = Described::of(row);
            if described.digest != entry.described.digest {
                entry.changed = row.revision;
            }
            entry.described = Arc::new(described);
            entry.rows = rows;
        }
        entry
    }
}
