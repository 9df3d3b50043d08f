//! What readers can ask for.

use std::collections::BTreeSet;

use weirhouse_hass::{Class, Group};

use super::cursor::Cursor;
use super::fields::{Fields, names};
use super::selection::Selection;
use super::{Inner, Listed};

/// What is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The states of all entities.
    States,
    /// Those of scenes.
    Scenes,
    /// Those of helpers.
    Helpers,
    /// The rows of a registry, or the services.
    Class(Class),
}

/// What can be told along with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Expansion {
    /// The area it stands in, an area's row or null.
    Area,
    /// The device it belongs to, a device's row or null.
    Device,
    /// The floor it is on, a floor's row or null.
    Floor,
    /// The labels that reach it, labels' rows.
    Labels,
    /// What the entity registry has of it, a row or null.
    Entity,
    /// Its state object, or null.
    State,
    /// The identifiers of the registered entities that belong to it.
    Entities,
}

/// What is asked for.
#[derive(Debug)]
pub struct Query {
    /// What is listed.
    pub source: Source,
    /// Which rows of it.
    pub selection: Selection,
    /// Which members of a row; `None` for all.
    pub fields: Option<Fields>,
    /// What is told along with each row.
    pub expand: Vec<Expansion>,
    /// Only what changed after this.
    pub since: Option<Cursor>,
    /// Only rows behind this one, in the order of identifiers.
    pub after: Option<String>,
    /// At most so many rows.
    pub limit: Option<usize>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// No row has a member of this name.
    #[error("there is no field `{field}` here; there are {known}")]
    UnknownField {
        /// The name.
        field: String,
        /// The names there are.
        known: String,
    },
    /// There is no such area, floor, device or label.
    #[error("there is no {group} `{id}`; {hint}")]
    UnknownGroup {
        /// What it was said to be.
        group: &'static str,
        /// The identifier.
        id: String,
        /// What there is.
        hint: String,
    },
}

impl Query {
    /// All of a source.
    pub fn of(source: Source) -> Self {
        Self {
            source,
            selection: Selection::default(),
            fields: None,
            expand: Vec::new(),
            since: None,
            after: None,
            limit: None,
        }
    }
}

impl Query {
    /// Whether everything there is of the source is asked for.
    pub(super) fn is_whole(&self) -> bool {
        !matches!(self.source, Source::Scenes | Source::Helpers)
            && self.selection.is_everything()
            && self.since.is_none()
            && self.after.is_none()
            && self.limit.is_none()
    }

    /// Whether the answer depends on what belongs where.
    pub(super) fn rests_on_places(&self) -> bool {
        self.source == Source::Helpers || self.selection.needs_topology() || !self.expand.is_empty()
    }
}

impl Source {
    /// Whether its rows are told apart by the identifiers of entities.
    pub(super) fn is_of_entities(self) -> bool {
        match self {
            Source::States | Source::Scenes | Source::Helpers => true,
            Source::Class(class) => class == Class::Entities,
        }
    }

    /// The member under which rows are listed.
    pub fn name(self) -> &'static str {
        match self {
            Source::States => "states",
            Source::Scenes => "scenes",
            Source::Helpers => "helpers",
            Source::Class(Class::Entities) => "entities",
            Source::Class(Class::Devices) => "devices",
            Source::Class(Class::Areas) => "areas",
            Source::Class(Class::Floors) => "floors",
            Source::Class(Class::Labels) => "labels",
            Source::Class(Class::ConfigEntries | Class::Helpers) => "config_entries",
            Source::Class(Class::Services) => "services",
        }
    }

    /// The member that identifies a row.
    pub(super) fn id(self) -> &'static str {
        match self {
            Source::States | Source::Scenes | Source::Helpers | Source::Class(Class::Entities) => {
                "entity_id"
            }
            Source::Class(Class::Devices | Class::Services) => "id",
            Source::Class(Class::Areas) => "area_id",
            Source::Class(Class::Floors) => "floor_id",
            Source::Class(Class::Labels) => "label_id",
            Source::Class(Class::ConfigEntries | Class::Helpers) => "entry_id",
        }
    }

    /// What can be told along with its rows.
    pub fn expansions(self) -> &'static [Expansion] {
        use Expansion::{Area, Device, Entities, Entity, Floor, Labels, State};
        match self {
            Source::States | Source::Scenes | Source::Helpers => {
                &[Area, Device, Floor, Labels, Entity]
            }
            Source::Class(Class::Entities) => &[Area, Device, Floor, Labels, State],
            Source::Class(Class::Devices) => &[Area, Floor, Labels, Entities],
            Source::Class(Class::Areas) => &[Floor, Labels, Entities],
            Source::Class(Class::Floors | Class::Labels) => &[Entities],
            Source::Class(Class::ConfigEntries | Class::Helpers | Class::Services) => &[],
        }
    }
}

impl Expansion {
    /// Its name in a query and in an answer.
    pub fn name(self) -> &'static str {
        match self {
            Expansion::Area => "area",
            Expansion::Device => "device",
            Expansion::Floor => "floor",
            Expansion::Labels => "labels",
            Expansion::Entity => "entity",
            Expansion::State => "state",
            Expansion::Entities => "entities",
        }
    }
}

impl Inner {
    /// Refuses names that mean nothing here; while nothing is known, nothing is refused.
    pub(super) fn check(&self, query: &Query, listed: &Listed) -> Result<(), QueryError> {
        const OF_A_STATE: [&str; 6] = [
            "attributes",
            "context",
            "entity_id",
            "last_changed",
            "last_updated",
            "state",
        ];
        for field in query.fields.iter().flat_map(Fields::names) {
            let known = if let Source::Class(_) = query.source {
                // Rows of one class may lack what others have, as parts of devices do.
                let rows = || listed.table.after(None).map(|(_, row)| names(&row.json));
                if listed.table.len() == 0 || rows().any(|names| names.iter().any(|it| it == field))
                {
                    continue;
                }
                let all: BTreeSet<String> = rows().flatten().collect();
                Vec::from_iter(all).join(", ")
            } else if OF_A_STATE.contains(&field) {
                continue;
            } else {
                OF_A_STATE.join(", ")
            };
            return Err(QueryError::UnknownField {
                field: field.escape_debug().to_string(),
                known,
            });
        }
        for (group, ids) in &query.selection.groups {
            let (name, class) = match group {
                Group::Device => ("device", Class::Devices),
                Group::Area => ("area", Class::Areas),
                Group::Floor => ("floor", Class::Floors),
                Group::Label => ("label", Class::Labels),
            };
            let Some(known) = self.classes.get(&class) else {
                continue;
            };
            if let Some(id) = ids.iter().find(|id| known.table.get(id).is_none()) {
                return Err(QueryError::UnknownGroup {
                    group: name,
                    id: id.escape_debug().to_string(),
                    hint: format!("GET /v1/{name}s lists the {} there are", known.table.len()),
                });
            }
        }
        Ok(())
    }
}
