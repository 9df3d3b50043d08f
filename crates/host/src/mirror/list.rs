//! Many rows in one answer: which, how much of each, and whether anything changed.
//!
//! A tag is found first and costs a walk over the revisions; only if the reader does not know it is the answer
//! composed, by copying rows.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use weirhouse_hass::{Class, Group, Place, Timestamp};

use super::choose::Chosen;
use super::cursor::{Cursor, Tag};
use super::fields::{member, text};
use super::query::{Expansion, Query, QueryError, Source};
use super::table::Row;
use super::{Inner, Listed, Replica};

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listing {
    /// The reader has it already.
    Known(Tag),
    /// This is it, a JSON object.
    New(Tag, Vec<u8>),
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
        let (places, stale) = if query.rests_on_places() {
            let stale = listed.stale || inner.places_are_stale();
            (inner.places_revision(), stale)
        } else {
            (0, listed.stale)
        };
        let beside = (stale, places, inner.shown_states(query));
        let choose = || inner.choose(self.epoch, query, listed, places);
        // The last change of a list stands for all of it, without a look at the rows.
        let (tag, chosen) = if query.is_whole() {
            let tag = Tag::new(self.epoch, &(beside, listed.table.revision()));
            (tag, None)
        } else {
            let chosen = choose();
            let mut rows = DefaultHasher::new();
            for (_, row) in &chosen.rows {
                row.revision.hash(&mut rows);
            }
            let rest = (&chosen.removed, &chosen.missing, chosen.full, chosen.more);
            let tag = Tag::new(self.epoch, &(beside, rows.finish(), rest));
            (tag, Some(chosen))
        };
        if is_known(tag) {
            return Ok(Listing::Known(tag));
        }
        let chosen = chosen.unwrap_or_else(choose);
        let body = inner.compose(self.epoch, query, listed, stale, &chosen);
        Ok(Listing::New(tag, body))
    }

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
        Some(date) => {
            out.push(b'"');
            date.append_to(out);
            out.push(b'"');
        }
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
    pub(super) fn places_revision(&self) -> u64 {
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
        // Rows of the pages before this one may have changed since their reader got them: only the first page has a
        // cursor, from which all of that is told.
        if query.after.as_deref().is_none_or(str::is_empty) {
            let cursor = Cursor {
                epoch,
                revision: chosen.revision,
            };
            member(&mut out, 0, "cursor");
            text(&mut out, &cursor.to_string());
        }
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
