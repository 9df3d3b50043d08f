//! What streams of states need of the mirror: which rows a reader means, what changed since it was there, and rows
//! as they are now.

use super::cursor::Cursor;
use super::query::{Query, QueryError};
use super::table::Change;
use super::{Inner, Replica};

impl Replica {
    /// Up to where a reader knows the changes who has seen everything.
    pub fn cursor(&self) -> Cursor {
        Cursor {
            epoch: self.epoch,
            revision: self.read().revision,
        }
    }

    /// Refuses names in a query that mean nothing here.
    pub fn check(&self, query: &Query) -> Result<(), QueryError> {
        let inner = self.read();
        inner.check(query, &inner.states)
    }

    /// Whether a state belongs to what is asked for, whether it is there or not.
    pub fn selects(&self, query: &Query, entity_id: &str) -> bool {
        if query.selection.needs_topology() {
            self.read().selects(query, entity_id)
        } else {
            query.selection.takes_name(entity_id)
        }
    }

    /// Identifiers of the states that are asked for.
    pub fn selected(&self, query: &Query) -> Vec<String> {
        let inner = self.read();
        let members = query.selection.members(&inner.topology);
        let rows = inner.states.table.after(None);
        rows.filter(|(id, _)| inner.takes(query, &members, id))
            .map(|(id, _)| id.to_owned())
            .collect()
    }

    /// Identifiers of the states that are asked for and changed after a cursor, those that are gone included, oldest
    /// change first. `None` if not all of that is known: the cursor is of another run, too far behind, or what
    /// belongs where has changed.
    pub fn changed_since(&self, query: &Query, since: Cursor) -> Option<Vec<String>> {
        let inner = self.read();
        let places = if query.rests_on_places() {
            inner.places_revision()
        } else {
            0
        };
        if !inner.knows(self.epoch, since, &inner.states, places) {
            return None;
        }
        let members = query.selection.members(&inner.topology);
        let changes = inner.states.table.since(since.revision);
        let ids = changes.map(|(_, change)| match change {
            Change::Present(id, _) | Change::Gone(id) => id,
        });
        let ids = ids.filter(|id| inner.takes(query, &members, id));
        Some(ids.map(str::to_owned).collect())
    }

    /// Gives the states of entities as they are now, cut to the fields that are asked for; `None` for what is not
    /// there.
    pub fn each_state<'a>(
        &self,
        query: &Query,
        ids: impl Iterator<Item = &'a str>,
        mut give: impl FnMut(Option<&[u8]>),
    ) {
        let inner = self.read();
        let mut cut = Vec::new();
        for id in ids {
            let row = inner.states.table.get(id);
            match (&query.fields, row) {
                (Some(fields), Some(row)) => {
                    cut.clear();
                    fields.cut(query.source.id(), &row.json, &mut cut);
                    give(Some(&cut));
                }
                (_, row) => give(row.map(|row| &row.json[..])),
            }
        }
    }
}

impl Inner {
    fn selects(&self, query: &Query, entity_id: &str) -> bool {
        let members = query.selection.members(&self.topology);
        self.takes(query, &members, entity_id)
    }
}

impl Query {
    /// Whether all rows of the source are asked for, now and later.
    pub fn selects_everything(&self) -> bool {
        self.selection.is_everything()
    }

    /// Whether which rows are asked for depends on what belongs where.
    pub fn selects_by_place(&self) -> bool {
        self.selection.needs_topology()
    }

    /// Whether attributes are shown.
    pub fn shows_attributes(&self) -> bool {
        self.fields
            .as_ref()
            .is_none_or(|fields| fields.names().any(|name| name == "attributes"))
    }
}
