//! Many rows in one answer: which, how much of each, and whether anything changed.
//!
//! A tag is found first and costs a walk over the revisions; only if the reader does not know it is the answer
//! composed, by copying rows.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use weirhouse_hass::{Class, Group, Place, Timestamp};

use super::cursor::{Cursor, Tag};
use super::fields::{Fields, member, text};
use super::selection::{Members, Selection};
use super::table::{Change, Row};
use super::{Inner, Listed, Replica};

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

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listing {
    /// The reader has it already.
    Known(Tag),
    /// This is it, a JSON object.
    New(Tag, Vec<u8>),
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

impl Source {
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

/// The rows of an answer before it is composed.
struct Chosen<'a> {
    rows: Vec<(&'a str, &'a Row)>,
    removed: Vec<&'a str>,
    /// Asked for by name, and not there.
    missing: Vec<&'a str>,
    /// Whether these are all rows, not only those that changed.
    full: bool,
    /// Whether there are more than the limit let through.
    more: bool,
    /// Up to where the reader knows the changes with this answer.
    revision: u64,
}

impl Replica {
    /// Answers a query, unless the reader has the answer already.
    pub fn list(
        &self,
        query: &Query,
        is_known: impl FnOnce(Tag) -> bool,
    ) -> Result<Listing, QueryError> {
        let inner = self.read();
        let nothing = Listed::default();
        let listed = inner.listed(query.source).unwrap_or(&nothing);
        inner.check(query, listed)?;
        let rests_on_places = query.source == Source::Helpers
            || query.selection.needs_topology()
            || !query.expand.is_empty();
        let places = if rests_on_places {
            inner.places_revision()
        } else {
            0
        };
        let stale = listed.stale || (rests_on_places && inner.places_are_stale());
        let whole = query.source != Source::Scenes
            && query.source != Source::Helpers
            && query.selection.is_everything()
            && query.since.is_none()
            && query.after.is_none()
            && query.limit.is_none();
        let shown = inner.shown_states(query);
        let frame = (stale, places, shown);
        if whole {
            let tag = Tag::new(self.epoch, &(frame, listed.table.revision()));
            if is_known(tag) {
                return Ok(Listing::Known(tag));
            }
            let chosen = inner.choose(self.epoch, query, listed, places);
            return Ok(Listing::New(
                tag,
                inner.compose(self.epoch, query, listed, stale, &chosen),
            ));
        }
        let chosen = inner.choose(self.epoch, query, listed, places);
        let mut digest = DefaultHasher::new();
        for (_, row) in &chosen.rows {
            row.revision.hash(&mut digest);
        }
        let rest = (&chosen.removed, &chosen.missing, chosen.full, chosen.more);
        let tag = Tag::new(self.epoch, &(frame, digest.finish(), rest));
        if is_known(tag) {
            return Ok(Listing::Known(tag));
        }
        let body = inner.compose(self.epoch, query, listed, stale, &chosen);
        Ok(Listing::New(tag, body))
    }
}

/// One row with what was asked for beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// The reader has it already.
    Known(Tag),
    /// This is it, a JSON object.
    New(Tag, Vec<u8>),
    /// There is none.
    Missing,
}

impl Replica {
    /// Answers with one row, unless the reader has it already: a row of `source`, with the members `stale` and
    /// `as_of`, and an entity whole with what Weirhouse knows of it.
    pub fn one(
        &self,
        query: &Query,
        id: &str,
        is_known: impl FnOnce(Tag) -> bool,
    ) -> Result<Found, QueryError> {
        let inner = self.read();
        let nothing = Listed::default();
        let listed = inner.listed(query.source).unwrap_or(&nothing);
        inner.check(query, listed)?;
        let members = query.selection.members(&inner.topology);
        let found = listed.table.entry(id);
        let Some((id, row)) = found.filter(|(id, _)| inner.takes(query, &members, id)) else {
            return Ok(Found::Missing);
        };
        let expands = !query.expand.is_empty();
        let stale = listed.stale || (expands && inner.places_are_stale());
        let places = if expands { inner.places_revision() } else { 0 };
        let shown = inner.shown_states(query);
        let tag = Tag::new(self.epoch, &(row.revision, row.noted, stale, places, shown));
        if is_known(tag) {
            return Ok(Found::Known(tag));
        }
        let mut body = Vec::with_capacity(row.json.len() + row.notes.len() + 128);
        inner.append(&mut body, query, id, row);
        let closing = body.pop();
        member(&mut body, 0, "stale");
        body.extend_from_slice(if stale { b"true" } else { b"false" });
        member(&mut body, 0, "as_of");
        append_date(&mut body, listed.as_of);
        if query.fields.is_none() && !row.notes.is_empty() {
            body.push(b',');
            body.extend_from_slice(&row.notes);
        }
        body.extend(closing);
        Ok(Found::New(tag, body))
    }
}

/// Appends a date, or null.
fn append_date(out: &mut Vec<u8>, date: Option<Timestamp>) {
    match date {
        Some(date) => text(out, &date.to_string()),
        None => out.extend_from_slice(b"null"),
    }
}

impl Inner {
    /// The last change of what an answer shows of states beside its own rows.
    fn shown_states(&self, query: &Query) -> u64 {
        if query.expand.contains(&Expansion::State) {
            self.states.table.revision()
        } else {
            0
        }
    }

    fn listed(&self, source: Source) -> Option<&Listed> {
        match source {
            Source::States | Source::Scenes | Source::Helpers => Some(&self.states),
            Source::Class(class) => self.classes.get(&class),
        }
    }

    /// The last change of anything that says what belongs where.
    fn places_revision(&self) -> u64 {
        const PLACING: [Class; 6] = [
            Class::Entities,
            Class::Devices,
            Class::Areas,
            Class::Floors,
            Class::Labels,
            Class::Helpers,
        ];
        let classes = PLACING.iter().filter_map(|class| self.classes.get(class));
        classes.map(|it| it.table.revision()).max().unwrap_or(0)
    }

    fn places_are_stale(&self) -> bool {
        [Class::Entities, Class::Devices, Class::Areas]
            .iter()
            .any(|class| self.classes.get(class).is_none_or(|listed| listed.stale))
    }

    /// Refuses names that mean nothing here; while nothing is known, nothing is refused.
    fn check(&self, query: &Query, listed: &Listed) -> Result<(), QueryError> {
        const OF_A_STATE: [&str; 6] = [
            "attributes",
            "context",
            "entity_id",
            "last_changed",
            "last_updated",
            "state",
        ];
        for field in query.fields.iter().flat_map(Fields::names) {
            let of_states = !matches!(query.source, Source::Class(_));
            let known: Vec<&str> = if of_states {
                OF_A_STATE.to_vec()
            } else {
                listed.members.iter().map(String::as_str).collect()
            };
            if !known.is_empty() && !known.contains(&field) {
                return Err(QueryError::UnknownField {
                    field: field.escape_debug().to_string(),
                    known: known.join(", "),
                });
            }
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

    /// Whether a row belongs into the answer.
    fn takes(&self, query: &Query, members: &Members<'_>, id: &str) -> bool {
        let of_source = match query.source {
            Source::Scenes => id.starts_with("scene."),
            Source::Helpers => self.topology.is_helper(id),
            Source::States | Source::Class(_) => true,
        };
        of_source
            && query.selection.takes_name(id)
            && match query.source {
                Source::Class(Class::Devices) => {
                    stands_in(&query.selection, &self.topology.device(id))
                }
                Source::Class(Class::Areas) => stands_in(&query.selection, &self.topology.area(id)),
                _ => members.contain(id),
            }
    }

    fn choose<'a>(
        &'a self,
        epoch: u32,
        query: &'a Query,
        listed: &'a Listed,
        places: u64,
    ) -> Chosen<'a> {
        let members = query.selection.members(&self.topology);
        let limit = query.limit.unwrap_or(usize::MAX);
        let mut chosen = Chosen {
            rows: Vec::new(),
            removed: Vec::new(),
            missing: Vec::new(),
            full: true,
            more: false,
            revision: self.revision,
        };
        // A reader of another run, too far behind, or of other places than now is told everything.
        let since = query.since.filter(|since| {
            since.epoch == epoch
                && since.revision <= self.revision
                && places <= since.revision
                && listed.table.remembers(since.revision)
        });
        if let Some(since) = since {
            chosen.full = false;
            for (revision, change) in listed.table.since(since.revision) {
                let (Change::Present(id, _) | Change::Gone(id)) = change;
                if !self.takes(query, &members, id) {
                    continue;
                }
                if chosen.rows.len() + chosen.removed.len() >= limit {
                    chosen.more = true;
                    break;
                }
                match change {
                    Change::Present(id, row) => chosen.rows.push((id, row)),
                    Change::Gone(id) => chosen.removed.push(id),
                }
                if chosen.rows.len() + chosen.removed.len() == limit {
                    chosen.revision = revision;
                }
            }
            if !chosen.more {
                chosen.revision = self.revision;
            }
            return chosen;
        }
        let after = query.after.as_deref();
        let mut push = |(id, row): (&'a str, &'a Row)| {
            if chosen.rows.len() >= limit {
                chosen.more = true;
                return false;
            }
            chosen.rows.push((id, row));
            true
        };
        let behind = |id: &str| after.is_none_or(|after| id > after);
        let of_entities = !matches!(query.source, Source::Class(Class::Devices | Class::Areas));
        if !query.selection.ids.is_empty() {
            let asked = query.selection.ids.iter().map(String::as_str);
            for asked in asked.filter(|id| behind(id)) {
                let found = listed.table.entry(asked);
                match found.filter(|(id, _)| self.takes(query, &members, id)) {
                    Some(found) => {
                        if !push(found) {
                            break;
                        }
                    }
                    None => chosen.missing.push(asked),
                }
            }
        } else if let Some(candidates) = members.candidates().filter(|_| of_entities) {
            let rows = candidates
                .into_iter()
                .filter(|id| behind(id) && self.takes(query, &members, id))
                .filter_map(|id| listed.table.entry(id));
            for row in rows {
                if !push(row) {
                    break;
                }
            }
        } else if let [domain] = query.selection.domains.as_slice() {
            let prefix = format!("{domain}.");
            for (id, row) in listed.table.starting_with(&prefix) {
                if behind(id) && self.takes(query, &members, id) && !push((id, row)) {
                    break;
                }
            }
        } else {
            for (id, row) in listed.table.after(after) {
                if self.takes(query, &members, id) && !push((id, row)) {
                    break;
                }
            }
        }
        chosen
    }

    fn compose(
        &self,
        epoch: u32,
        query: &Query,
        listed: &Listed,
        stale: bool,
        chosen: &Chosen<'_>,
    ) -> Vec<u8> {
        let rows: usize = chosen.rows.iter().map(|(_, row)| row.json.len() + 1).sum();
        let mut out = Vec::with_capacity(rows + 512);
        let cursor = Cursor {
            epoch,
            revision: chosen.revision,
        };
        out.push(b'{');
        member(&mut out, 0, "as_of");
        append_date(&mut out, listed.as_of);
        for (name, flag) in [
            ("stale", stale),
            ("full", chosen.full),
            ("more", chosen.more),
        ] {
            member(&mut out, 0, name);
            out.extend_from_slice(if flag { b"true" } else { b"false" });
        }
        member(&mut out, 0, "cursor");
        text(&mut out, &cursor.to_string());
        member(&mut out, 0, query.source.name());
        array(&mut out, &chosen.rows, |out, (id, row)| {
            self.append(out, query, id, row);
        });
        if !chosen.full {
            member(&mut out, 0, "removed");
            array(&mut out, &chosen.removed, |out, id| text(out, id));
        }
        if !query.selection.ids.is_empty() && chosen.full {
            member(&mut out, 0, "missing");
            array(&mut out, &chosen.missing, |out, id| text(out, id));
        }
        out.push(b'}');
        out
    }

    /// Appends one row.
    fn append(&self, out: &mut Vec<u8>, query: &Query, id: &str, row: &Row) {
        match &query.fields {
            None => out.extend_from_slice(&row.json),
            Some(fields) => fields.cut(query.source.id(), &row.json, out),
        }
        if query.expand.is_empty() {
            return;
        }
        let place = match query.source {
            Source::Class(Class::Devices) => self.topology.device(id),
            Source::Class(Class::Areas) => self.topology.area(id),
            _ => self.topology.entity(id),
        };
        let closing = out.pop();
        out.extend_from_slice(b",\"expanded\":");
        let start = out.len();
        out.push(b'{');
        for expansion in &query.expand {
            member(out, start, expansion.name());
            self.expand(out, query.source, id, &place, *expansion);
        }
        out.push(b'}');
        out.extend(closing);
    }

    fn expand(
        &self,
        out: &mut Vec<u8>,
        source: Source,
        id: &str,
        place: &Place<'_>,
        expansion: Expansion,
    ) {
        let row = |class: Class, id: Option<&str>| self.classes.get(&class)?.table.get(id?);
        let found = match expansion {
            Expansion::Area => row(Class::Areas, place.area),
            Expansion::Device => row(Class::Devices, place.devices.first().copied()),
            Expansion::Floor => row(Class::Floors, place.floor),
            Expansion::Entity => row(Class::Entities, Some(id)),
            Expansion::State => self.states.table.get(id),
            Expansion::Labels => {
                let labels: Vec<&Row> = place
                    .labels
                    .iter()
                    .filter_map(|label| row(Class::Labels, Some(label)))
                    .collect();
                array(out, &labels, |out, row| out.extend_from_slice(&row.json));
                return;
            }
            Expansion::Entities => {
                let group = match source {
                    Source::Class(Class::Devices) => Group::Device,
                    Source::Class(Class::Floors) => Group::Floor,
                    Source::Class(Class::Labels) => Group::Label,
                    _ => Group::Area,
                };
                let members = self.topology.members(group, id);
                let members: Vec<&str> = members.into_iter().flatten().map(|id| &**id).collect();
                array(out, &members, |out, id| text(out, id));
                return;
            }
        };
        out.extend_from_slice(found.map_or(&b"null"[..], |row| &row.json));
    }
}

/// Whether a device or an area belongs to a group of each kind asked for.
fn stands_in(selection: &Selection, place: &Place<'_>) -> bool {
    selection.groups.iter().all(|(group, ids)| {
        ids.iter().any(|id| match group {
            Group::Device => place.devices.contains(&id.as_str()),
            Group::Area => place.area == Some(id),
            Group::Floor => place.floor == Some(id),
            Group::Label => place.labels.contains(id.as_str()),
        })
    })
}

/// Appends a JSON array of what `append` appends for each item.
fn array<T>(out: &mut Vec<u8>, items: &[T], append: impl Fn(&mut Vec<u8>, &T)) {
    out.push(b'[');
    for (number, item) in items.iter().enumerate() {
        if number > 0 {
            out.push(b',');
        }
        append(out, item);
    }
    out.push(b']');
}
