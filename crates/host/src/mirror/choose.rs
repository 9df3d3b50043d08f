//! From a query to the rows that answer it.

use weirhouse_hass::{Class, Place};

use super::cursor::Cursor;
use super::query::{Query, Source};
use super::selection::{Members, Selection};
use super::table::{Change, Row};
use super::{Inner, Listed};

/// The rows of an answer before it is composed.
pub(super) struct Chosen<'a> {
    pub(super) rows: Vec<(&'a str, &'a Row)>,
    pub(super) removed: Vec<&'a str>,
    /// Asked for by name, and not there.
    pub(super) missing: Vec<&'a str>,
    /// Whether these are all rows, not only those that changed.
    pub(super) full: bool,
    /// Whether there are more than the limit let through.
    pub(super) more: bool,
    /// Up to where the reader knows the changes with this answer.
    pub(super) revision: u64,
}

impl Inner {
    /// Finds the rows. `places` is the last change of what belongs where, if the query rests on that.
    pub(super) fn choose<'a>(
        &'a self,
        epoch: u32,
        query: &'a Query,
        listed: &'a Listed,
        places: u64,
    ) -> Chosen<'a> {
        // A reader of another run, too far behind, or of other places than now is told everything.
        let is_known = |since: &Cursor| self.knows(epoch, *since, listed, places);
        match query.since.filter(is_known) {
            Some(since) => self.changed_rows(query, listed, since.revision),
            None => self.all_rows(query, listed),
        }
    }

    /// Whether everything is known that changed after a cursor.
    pub(super) fn knows(&self, epoch: u32, since: Cursor, listed: &Listed, places: u64) -> bool {
        since.epoch == epoch
            && since.revision <= self.revision
            && places <= since.revision
            && listed.table.remembers(since.revision)
    }

    /// Rows by the order of their changes.
    fn changed_rows<'a>(&'a self, query: &'a Query, listed: &'a Listed, since: u64) -> Chosen<'a> {
        let members = query.selection.members(&self.topology);
        let limit = query.limit.unwrap_or(usize::MAX);
        let mut chosen = Chosen {
            rows: Vec::new(),
            removed: Vec::new(),
            missing: Vec::new(),
            full: false,
            more: false,
            revision: self.revision,
        };
        let mut last = since;
        for (revision, change) in listed.table.since(since) {
            let (Change::Present(id, _) | Change::Gone(id)) = change;
            if !self.takes(query, &members, id) {
                continue;
            }
            if chosen.rows.len() + chosen.removed.len() >= limit {
                chosen.more = true;
                chosen.revision = last;
                break;
            }
            last = revision;
            match change {
                Change::Present(id, row) => chosen.rows.push((id, row)),
                Change::Gone(id) => chosen.removed.push(id),
            }
        }
        chosen
    }

    /// Rows by identifier.
    fn all_rows<'a>(&'a self, query: &'a Query, listed: &'a Listed) -> Chosen<'a> {
        let members = query.selection.members(&self.topology);
        let after = query.after.as_deref();
        let selected =
            |id: &str| after.is_none_or(|after| id > after) && self.takes(query, &members, id);
        let mut missing = Vec::new();
        // Each arm yields at least the rows wanted, from the shortest list that has them.
        let candidates: Box<dyn Iterator<Item = (&'a str, &'a Row)> + '_> =
            if !query.selection.ids.is_empty() {
                Box::new(query.selection.ids.iter().filter_map(|id| {
                    let found = listed.table.entry(id);
                    let found = found.filter(|_| self.has(query.source, id));
                    if found.is_none() {
                        missing.push(id.as_str());
                    }
                    found
                }))
            } else if let Some(ids) = members.candidates()
                && query.source.is_of_entities()
            {
                let rows = ids.into_iter().filter_map(|id| listed.table.entry(id));
                Box::new(rows)
            } else if let [domain] = query.selection.domains.as_slice() {
                Box::new(listed.table.of_domain(domain))
            } else {
                Box::new(listed.table.after(after))
            };
        let limit = query.limit.unwrap_or(usize::MAX);
        let mut rows: Vec<_> = candidates
            .filter(|(id, _)| selected(id))
            .take(limit.saturating_add(1))
            .collect();
        let more = rows.len() > limit;
        rows.truncate(limit);
        Chosen {
            rows,
            removed: Vec::new(),
            missing,
            full: true,
            more,
            revision: self.revision,
        }
    }

    /// Whether what is in a source's table is of that source: scenes and helpers are among the states.
    fn has(&self, source: Source, id: &str) -> bool {
        match source {
            Source::Scenes => id.starts_with("scene."),
            Source::Helpers => self.topology.is_helper(id),
            Source::States | Source::Class(_) => true,
        }
    }

    /// Whether a row belongs into the answer.
    pub(super) fn takes(&self, query: &Query, members: &Members<'_>, id: &str) -> bool {
        self.has(query.source, id)
            && query.selection.takes_name(id)
            && match query.source {
                Source::Class(Class::Devices) => {
                    query.selection.takes_place(&self.topology.device(id))
                }
                Source::Class(Class::Areas) => query.selection.takes_place(&self.topology.area(id)),
                _ => members.contain(id),
            }
    }
}

impl Selection {
    /// Whether a device or an area belongs to a group of each kind asked for.
    fn takes_place(&self, place: &Place<'_>) -> bool {
        let mut kinds = self.groups.iter();
        kinds.all(|(group, ids)| ids.iter().any(|id| place.belongs_to(*group, id)))
    }
}
