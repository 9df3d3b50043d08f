//! Reading one consistent state of the file. What is pending above it is not
//! this module's concern.

use std::ops::{Bound, ControlFlow};

use redb::{Database, ReadTransaction, ReadableDatabase};

use super::file::{EXPIRY, ORDER, RECORDS, TAGS};
use super::record::{self, Damage, Summary};

/// One state of the file.
pub(super) struct View(ReadTransaction);

/// A row of the order table.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) seq: u64,
    pub(super) ns: String,
    pub(super) key: String,
    pub(super) weight: u64,
}

type Result<T> = std::result::Result<T, redb::Error>;

/// The smallest string greater than `text`.
pub(super) fn successor(text: &str) -> String {
    let mut next = String::with_capacity(text.len() + 1);
    next.push_str(text);
    next.push('\0');
    next
}

impl View {
    pub(super) fn of(db: &Database) -> Result<Self> {
        Ok(Self(db.begin_read()?))
    }

    /// Hands the frame under a name to `read`.
    pub(super) fn frame<T>(
        &self,
        ns: &str,
        key: &str,
        read: impl FnOnce(&[u8]) -> T,
    ) -> Result<Option<T>> {
        let records = self.0.open_table(RECORDS)?;
        let frame = records.get((ns, key))?;
        Ok(frame.map(|frame| read(frame.value())))
    }

    pub(super) fn summary(
        &self,
        ns: &str,
        key: &str,
    ) -> Result<Option<std::result::Result<Summary, Damage>>> {
        self.frame(ns, key, |frame| record::summary(ns, key, frame))
    }

    /// Visits the records of a namespace, or of all, by name, beginning behind
    /// `after`.
    pub(super) fn records(
        &self,
        ns: Option<&str>,
        after: Option<&str>,
        mut visit: impl FnMut(&str, &str, std::result::Result<Summary, Damage>) -> ControlFlow<()>,
    ) -> Result<()> {
        let records = self.0.open_table(RECORDS)?;
        let first = ns.unwrap_or_default();
        let start = after.map_or(Bound::Included((first, "")), |after| {
            Bound::Excluded((first, after))
        });
        let past = ns.map(successor);
        let end = past
            .as_deref()
            .map_or(Bound::Unbounded, |past| Bound::Excluded((past, "")));
        for entry in records.range::<(&str, &str)>((start, end))? {
            let (name, frame) = entry?;
            let (ns, key) = name.value();
            if visit(ns, key, record::summary(ns, key, frame.value())).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// One row of the order table.
    pub(super) fn row(&self, seq: u64) -> Result<Option<Row>> {
        let order = self.0.open_table(ORDER)?;
        Ok(order.get(seq)?.map(|row| Row::new(seq, row.value())))
    }

    /// Visits writes in their order, beginning behind `after`.
    pub(super) fn oldest(
        &self,
        after: u64,
        mut visit: impl FnMut(Row) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        let order = self.0.open_table(ORDER)?;
        for entry in order.range((Bound::Excluded(after), Bound::Unbounded))? {
            let (seq, row) = entry?;
            if visit(Row::new(seq.value(), row.value()))?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Visits writes whose record's life ended before a date, earliest end
    /// first.
    pub(super) fn ended(
        &self,
        before_us: i64,
        mut visit: impl FnMut(i64, Row) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        let expiry = self.0.open_table(EXPIRY)?;
        let order = self.0.open_table(ORDER)?;
        for entry in expiry.range(..(before_us, 0))? {
            let (end, seq) = entry?.0.value();
            let Some(row) = order.get(seq)? else {
                continue;
            };
            if visit(end, Row::new(seq, row.value()))?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Names listed under a tag, by name.
    pub(super) fn tagged(&self, ns: Option<&str>, tag: &str) -> Result<Vec<(String, String)>> {
        let tags = self.0.open_table(TAGS)?;
        let (start, past_tag, past_ns) =
            (ns.unwrap_or_default(), successor(tag), ns.map(successor));
        let end = past_ns
            .as_deref()
            .map_or((past_tag.as_str(), "", ""), |past| (tag, past, ""));
        let mut names = Vec::new();
        for entry in tags.range((tag, start, "")..end)? {
            let name = entry?.0;
            let (_, ns, key) = name.value();
            names.push((ns.to_owned(), key.to_owned()));
        }
        Ok(names)
    }
}

impl Row {
    fn new(seq: u64, (ns, key, weight): (&str, &str, u64)) -> Self {
        Self {
            seq,
            ns: ns.to_owned(),
            key: key.to_owned(),
            weight,
        }
    }
}
