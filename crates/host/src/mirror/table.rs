//! Rows by identifier, each serialised once, with the order in which they changed.
//!
//! It knows nothing of what the rows are. A row that is told again unchanged keeps its revision, so that only real
//! changes reach those who ask for what is new.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use axum::body::Bytes;

/// Identifiers of removed rows that are remembered; a reader further behind is told everything anew.
const MOST_GONE: usize = 10_000;

/// One row as it is served.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// A JSON object with at least one member.
    pub(super) json: Bytes,
    /// When `json` last changed.
    pub(super) revision: u64,
    /// What Weirhouse itself knows of it: members of a JSON object without the braces, or nothing.
    pub(super) notes: Bytes,
    /// When `notes` last changed.
    pub(super) noted: u64,
}

/// What happened to a row.
#[derive(Debug, Clone, Copy)]
pub(super) enum Change<'a> {
    /// This is what it is now.
    Present(&'a str, &'a Row),
    /// It is gone.
    Gone(&'a str),
}

/// All rows of one kind.
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: BTreeMap<Arc<str>, Row>,
    /// Each row, and each row that is gone, by its last change.
    changes: BTreeMap<u64, Arc<str>>,
    /// When rows left that are gone.
    gone: BTreeMap<Arc<str>, u64>,
    /// The last removal that was forgotten.
    forgotten: u64,
}

impl Table {
    /// Sets a row. `revision` must be over all before; it is used up only if this returns true.
    pub(super) fn set(&mut self, id: &str, json: &[u8], notes: &[u8], revision: u64) -> bool {
        let Some(row) = self.rows.get_mut(id) else {
            let id: Arc<str> = id.into();
            if let Some(left) = self.gone.remove(&id) {
                self.changes.remove(&left);
            }
            self.changes.insert(revision, Arc::clone(&id));
            let row = Row {
                json: Bytes::copy_from_slice(json),
                revision,
                notes: Bytes::copy_from_slice(notes),
                noted: revision,
            };
            self.rows.insert(id, row);
            return true;
        };
        let renoted = row.notes != notes;
        if renoted {
            row.notes = Bytes::copy_from_slice(notes);
            row.noted = revision;
        }
        if row.json == json {
            return renoted;
        }
        row.json = Bytes::copy_from_slice(json);
        let before = std::mem::replace(&mut row.revision, revision);
        if let Some(id) = self.changes.remove(&before) {
            self.changes.insert(revision, id);
        }
        true
    }

    /// Removes a row; true if it was there, which uses the revision up.
    pub(super) fn remove(&mut self, id: &str, revision: u64) -> bool {
        let Some(row) = self.rows.remove(id) else {
            return false;
        };
        if let Some(id) = self.changes.remove(&row.revision) {
            self.gone.insert(Arc::clone(&id), revision);
            self.changes.insert(revision, id);
        }
        if self.gone.len() > MOST_GONE
            && let Some((id, left)) = self.gone.iter().min_by_key(|(_, left)| **left)
        {
            let (id, left) = (Arc::clone(id), *left);
            self.gone.remove(&id);
            self.changes.remove(&left);
            self.forgotten = left;
        }
        true
    }

    /// Identifiers of the rows for which `keep` is false.
    pub(super) fn without(&self, keep: impl Fn(&str) -> bool) -> Vec<Arc<str>> {
        let ids = self.rows.keys();
        ids.filter(|id| !keep(id)).cloned().collect()
    }

    /// One row.
    pub(super) fn get(&self, id: &str) -> Option<&Row> {
        self.rows.get(id)
    }

    /// One row with its identifier.
    pub(super) fn entry(&self, id: &str) -> Option<(&str, &Row)> {
        self.rows.get_key_value(id).map(|(id, row)| (&**id, row))
    }

    /// All rows, by identifier.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Arc<str>, &Row)> {
        self.rows.iter()
    }

    /// The rows after this identifier, by identifier.
    pub(super) fn after(&self, id: Option<&str>) -> impl Iterator<Item = (&str, &Row)> {
        let from = id.map_or(Bound::Unbounded, Bound::Excluded);
        self.rows
            .range::<str, _>((from, Bound::Unbounded))
            .map(|(id, row)| (&**id, row))
    }

    /// The rows whose identifier begins with this word and a dot, by identifier.
    pub(super) fn of_domain(&self, domain: &str) -> impl Iterator<Item = (&str, &Row)> + use<'_> {
        let prefix = format!("{domain}.");
        self.rows
            .range::<str, _>((Bound::Included(prefix.as_str()), Bound::Unbounded))
            .map(|(id, row)| (&**id, row))
            .take_while(move |(id, _)| id.starts_with(&prefix))
    }

    /// What changed after this revision, oldest first; each row once, as it is now.
    pub(super) fn since(&self, revision: u64) -> impl Iterator<Item = (u64, Change<'_>)> {
        self.changes
            .range((Bound::Excluded(revision), Bound::Unbounded))
            .map(|(revision, id)| {
                let change = self
                    .rows
                    .get(id)
                    .map_or(Change::Gone(id), |row| Change::Present(id, row));
                (*revision, change)
            })
    }

    /// Whether [`since`](Self::since) still knows everything after this revision.
    pub(super) fn remembers(&self, revision: u64) -> bool {
        revision >= self.forgotten
    }

    /// The revision of the last change.
    pub(super) fn revision(&self) -> u64 {
        self.changes
            .last_key_value()
            .map_or(self.forgotten, |(revision, _)| *revision)
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What changed since, as text: `+id` for a row, `-id` for one that is gone.
    fn since(table: &Table, revision: u64) -> Vec<String> {
        let changes = table.since(revision).map(|(_, change)| match change {
            Change::Present(id, row) => format!("+{id}{}", String::from_utf8_lossy(&row.json)),
            Change::Gone(id) => format!("-{id}"),
        });
        changes.collect()
    }

    #[test]
    fn each_row_is_told_once_as_it_is_now() {
        let mut table = Table::default();
        assert!(table.set("a", b"{1}", b"", 1));
        assert!(table.set("b", b"{1}", b"", 2));
        assert!(!table.set("a", b"{1}", b"", 3), "nothing new");
        assert!(table.set("a", b"{2}", b"", 3));
        assert_eq!(since(&table, 0), ["+b{1}", "+a{2}"]);
        assert_eq!(since(&table, 2), ["+a{2}"]);
        assert!(table.remove("b", 4) && !table.remove("b", 5));
        assert_eq!(since(&table, 2), ["+a{2}", "-b"]);
        assert!(table.set("b", b"{3}", b"", 5));
        assert_eq!(since(&table, 0), ["+a{2}", "+b{3}"]);
        assert_eq!(table.revision(), 5);
    }

    #[test]
    fn notes_are_no_change_of_the_row() {
        let mut table = Table::default();
        table.set("a", b"{1}", b"x", 1);
        assert!(table.set("a", b"{1}", b"y", 2));
        assert!(since(&table, 1).is_empty());
        let row = table.get("a").unwrap();
        assert_eq!((row.revision, row.noted, &row.notes[..]), (1, 2, &b"y"[..]));
    }

    #[test]
    fn removals_are_remembered_up_to_a_bound_and_it_says_so() {
        let mut table = Table::default();
        let mut revision = 0;
        for number in 0..=MOST_GONE {
            revision += 1;
            table.set(&number.to_string(), b"{}", b"", revision);
        }
        let filled = revision;
        for number in 0..=MOST_GONE {
            revision += 1;
            table.remove(&number.to_string(), revision);
        }
        assert!(!table.remembers(filled) && table.remembers(filled + 1));
        assert_eq!(since(&table, filled + 1).len(), MOST_GONE);
        assert_eq!(table.len(), 0);
        assert_eq!(table.revision(), revision);
    }

    #[test]
    fn rows_are_listed_by_identifier() {
        let mut table = Table::default();
        for (revision, id) in (1..).zip(["light.b", "sensor.a", "light.a", "lightning.a"]) {
            table.set(id, b"{}", b"", revision);
        }
        let ids = |rows: &mut dyn Iterator<Item = (&str, &Row)>| -> Vec<String> {
            rows.map(|(id, _)| id.to_owned()).collect()
        };
        assert_eq!(ids(&mut table.of_domain("light")), ["light.a", "light.b"]);
        assert_eq!(
            ids(&mut table.after(Some("light.b"))),
            ["lightning.a", "sensor.a"]
        );
        assert_eq!(table.after(None).count(), 4);
        assert_eq!(table.without(|id| id.ends_with('a')).len(), 1);
    }
}
