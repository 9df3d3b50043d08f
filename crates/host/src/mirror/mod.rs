//! The home as readers see it: a replica of Home Assistant's states and registries, every row serialised once per
//! change.
//!
//! One writer, the hub, and many readers, who never wait for the optimizer or the disk. Rows are copied into answers
//! as they stand. Nothing here judges a value or talks to Home Assistant.

mod choose;
mod cursor;
mod fields;
mod in_full;
mod list;
mod patterns;
mod query;
mod saved;
mod selection;
mod streaming;
mod survey;
mod table;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use weirhouse_hass::{Class, Registry, Timestamp, Topology};

pub use cursor::{Cursor, CursorError, Tag};
pub use fields::Fields;
pub use list::{Found, Listing};
pub use patterns::{PatternError, Patterns};
pub use query::{Expansion, Query, QueryError, Source};
pub use saved::{Saved, SavedError};
pub use selection::{Glob, GlobError, Selection};
pub use survey::{Survey, Surveyed};

use table::Table;

/// Renames that are remembered, to tell readers of an old name the new one.
const MOST_RENAMED: usize = 1000;

/// What is known of an entity that no reading was taken of since the start.
const NO_NOTES: &[u8] = br#""published":null,"observed":0,"suppressed":0"#;

/// All that readers can be told of a home.
#[derive(Debug)]
pub struct Replica {
    /// Tells cursors and tags of this run from those of another.
    epoch: u32,
    inner: RwLock<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// The last one given to a change, of whatever kind.
    revision: u64,
    states: Listed,
    classes: BTreeMap<Class, Listed>,
    topology: Topology,
    renamed: HashMap<String, String>,
}

/// A table, and how current it is.
#[derive(Debug)]
struct Listed {
    table: Table,
    /// Whether Home Assistant may hold something else by now.
    stale: bool,
    /// Whether it does: a change was announced since.
    outdated: bool,
    /// The rows in Home Assistant's order; only of a class.
    order: Vec<Arc<str>>,
    /// When Home Assistant was last heard about it.
    as_of: Option<Timestamp>,
}

/// One entity to be shown.
#[derive(Debug, Clone)]
pub struct StateRow {
    /// The entity.
    pub entity_id: String,
    /// Home Assistant's state object; `None` for an entity that is gone.
    pub json: Option<Vec<u8>>,
    /// Members of an object, without braces, with what Weirhouse knows of it.
    pub notes: Vec<u8>,
}

impl Default for Listed {
    fn default() -> Self {
        Self {
            table: Table::default(),
            stale: true,
            outdated: false,
            order: Vec::new(),
            as_of: None,
        }
    }
}

impl Default for Replica {
    fn default() -> Self {
        Self {
            epoch: fastrand::u32(..),
            inner: RwLock::default(),
        }
    }
}

impl Replica {
    /// An empty one, stale until Home Assistant was heard.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes entities that changed.
    pub fn update_states(&self, as_of: Timestamp, rows: &[StateRow]) {
        let mut inner = self.write();
        inner.states.as_of = Some(as_of);
        inner.set_states(rows);
    }

    /// Takes new notes about entities, in which Home Assistant had no part.
    pub fn annotate(&self, rows: &[StateRow]) {
        if !rows.is_empty() {
            self.write().set_states(rows);
        }
    }

    /// Takes all states in place of what was held. What was the same keeps its place in the order of changes.
    pub fn replace_states(&self, as_of: Timestamp, rows: &[StateRow]) {
        let present: BTreeSet<&str> = rows.iter().map(|row| row.entity_id.as_str()).collect();
        let mut inner = self.write();
        inner.states.as_of = Some(as_of);
        inner.states.stale = false;
        for id in inner.states.table.without(|id| present.contains(id)) {
            let next = inner.revision + 1;
            inner.states.table.remove(&id, next);
            inner.revision = next;
        }
        inner.set_states(rows);
    }

    /// Takes a class in place of what was held of it.
    pub fn replace_class(&self, as_of: Timestamp, registry: &Registry) {
        let class = registry.class();
        let rows = rows_of(registry);
        let mut inner = self.write();
        inner.topology.replace(registry);
        inner.set_class(class, &rows);
        let listed = inner.classes.entry(class).or_default();
        listed.as_of = Some(as_of);
        listed.stale = false;
        listed.outdated = false;
        listed.order = rows.iter().map(|(id, _)| Arc::from(*id)).collect();
    }

    /// What is held may be out of date: the link is down.
    pub fn set_stale(&self) {
        let mut inner = self.write();
        inner.states.stale = true;
        for listed in inner.classes.values_mut() {
            listed.stale = true;
        }
    }

    /// What is held of a class is out of date, until it is replaced.
    pub fn set_class_outdated(&self, class: Class) {
        self.write().classes.entry(class).or_default().outdated = true;
    }

    /// What is held of a class may be out of date.
    pub fn set_class_stale(&self, class: Class) {
        self.write().classes.entry(class).or_default().stale = true;
    }

    /// An entity has another identifier now.
    pub fn note_renamed(&self, from: String, to: String) {
        let mut inner = self.write();
        if inner.renamed.len() >= MOST_RENAMED {
            inner.renamed.clear();
        }
        // Should the new name have been an old one, it is that no longer.
        inner.renamed.remove(&to);
        inner.renamed.insert(from, to);
    }

    /// The identifier an entity has now that had this one.
    pub fn renamed(&self, from: &str) -> Option<String> {
        let inner = self.read();
        let next = |id: &String| inner.renamed.get(id).cloned();
        std::iter::successors(inner.renamed.get(from).cloned(), next)
            .take(MOST_RENAMED)
            .last()
    }

    /// Entities held.
    pub fn entity_count(&self) -> usize {
        self.read().states.table.len()
    }

    fn read(&self) -> RwLockReadGuard<'_, Inner> {
        // A panic while it was held leaves rows that were not updated at worst.
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Inner> {
        self.inner.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn set_states(&mut self, rows: &[StateRow]) {
        for row in rows {
            let next = self.revision + 1;
            let changed = match &row.json {
                Some(json) => self
                    .states
                    .table
                    .set(&row.entity_id, json, &row.notes, next),
                None => self.states.table.remove(&row.entity_id, next),
            };
            if changed {
                self.revision = next;
            }
        }
    }

    fn set_class(&mut self, class: Class, rows: &[(&str, Vec<u8>)]) {
        let present: BTreeSet<&str> = rows.iter().map(|(id, _)| *id).collect();
        let table = &mut self.classes.entry(class).or_default().table;
        for id in table.without(|id| present.contains(id)) {
            self.revision += 1;
            table.remove(&id, self.revision);
        }
        for (id, json) in rows {
            if table.set(id, json, b"", self.revision + 1) {
                self.revision += 1;
            }
        }
    }
}

/// The rows of a registry as they are served: as Home Assistant sends them, and an action with its name.
fn rows_of(registry: &Registry) -> Vec<(&str, Vec<u8>)> {
    let is_service = registry.class() == Class::Services;
    let rows = registry.rows().into_iter().map(|(id, json)| {
        let json = json.get().as_bytes();
        if !is_service {
            return (id, json.to_vec());
        }
        let (domain, service) = id.split_once('.').unwrap_or((id, ""));
        let mut row = vec![b'{'];
        for (name, value) in [("id", id), ("domain", domain), ("service", service)] {
            fields::member(&mut row, 0, name);
            fields::text(&mut row, value);
        }
        fields::member(&mut row, 0, "definition");
        row.extend_from_slice(json);
        row.push(b'}');
        (id, row)
    });
    rows.collect()
}
