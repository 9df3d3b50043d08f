//! One commit: everything in an overlay, written to all tables at once.
//!
//! Applying the same overlay twice gives the same file, so that a commit whose
//! outcome is unknown is simply repeated.

use redb::{Database, Durability, ReadableTable, Table};

use super::Usage;
use super::file::{EXPIRY, NUMBER_BYTES, NUMBER_ENTRIES, NUMBERS, ORDER, RECORDS, TAGS};
use super::overlay::{Overlay, PendingPut};
use super::record::{self, Header};
use super::view::successor;

/// Commits `pending` durably; says what the file holds then.
pub(super) fn commit(db: &Database, pending: &Overlay) -> Result<Usage, redb::Error> {
    let mut txn = db.begin_write()?;
    txn.set_durability(Durability::Immediate)?;
    // Reopening after a crash then needs no walk over the whole file.
    txn.set_quick_repair(true);
    if pending.hides_all() {
        txn.delete_table(RECORDS)?;
        txn.delete_table(ORDER)?;
        txn.delete_table(EXPIRY)?;
        txn.delete_table(TAGS)?;
    }
    let usage = {
        let mut numbers = txn.open_table(NUMBERS)?;
        let mut records = txn.open_table(RECORDS)?;
        let mut indexes = Indexes {
            order: txn.open_table(ORDER)?,
            expiry: txn.open_table(EXPIRY)?,
            tags: txn.open_table(TAGS)?,
            usage: Usage::default(),
        };
        if !pending.hides_all() {
            indexes.usage = Usage {
                entries: numbers.get(NUMBER_ENTRIES)?.map_or(0, |n| n.value()),
                bytes: numbers.get(NUMBER_BYTES)?.map_or(0, |n| n.value()),
            };
        }
        for ns in pending.cleared() {
            let past = successor(ns);
            for entry in records
                .extract_from_if::<(&str, &str), _>((ns, "")..(past.as_str(), ""), |_, _| true)?
            {
                let (name, frame) = entry?;
                let (ns, key) = name.value();
                indexes.forget(ns, key, frame.value())?;
            }
        }
        for (ns, key) in pending.removals() {
            if let Some(frame) = records.remove((ns, key))? {
                indexes.forget(ns, key, frame.value())?;
            }
        }
        for put in pending.puts() {
            let frame = record::encode(put.ns, put.key, put.seq, put.record)
                .map_err(|damage| redb::Error::Io(std::io::Error::other(damage)))?;
            if let Some(old) = records.insert((put.ns, put.key), frame.as_slice())? {
                indexes.forget(put.ns, put.key, old.value())?;
            }
            indexes.note(&put)?;
        }
        for row in pending.stale_rows() {
            indexes.drop_row(row)?;
        }
        numbers.insert(NUMBER_ENTRIES, indexes.usage.entries)?;
        numbers.insert(NUMBER_BYTES, indexes.usage.bytes)?;
        indexes.usage
    };
    txn.commit()?;
    Ok(usage)
}

/// Everything that is derived from the records.
struct Indexes<'txn> {
    order: Table<'txn, u64, (&'static str, &'static str, u64)>,
    expiry: Table<'txn, (i64, u64), ()>,
    tags: Table<'txn, (&'static str, &'static str, &'static str), ()>,
    usage: Usage,
}

impl Indexes<'_> {
    fn note(&mut self, put: &PendingPut<'_>) -> Result<(), redb::Error> {
        let weight = put.record.weight(put.ns, put.key);
        self.order.insert(put.seq, (put.ns, put.key, weight))?;
        let end = put.record.stamp.expires_at_us();
        self.expiry.insert((end, put.seq), ())?;
        for tag in &put.record.tags {
            self.tags.insert((tag.as_str(), put.ns, put.key), ())?;
        }
        self.usage.add(weight);
        Ok(())
    }

    /// Takes a record that is gone out of the indexes. Of a damaged one the
    /// rows are not known: they stay, are recognized as stale, and leave when
    /// trimming meets them.
    fn forget(&mut self, ns: &str, key: &str, frame: &[u8]) -> Result<(), redb::Error> {
        let Ok(summary) = record::summary(ns, key, frame) else {
            return Ok(());
        };
        let Header {
            seq, stamp, tags, ..
        } = summary.header;
        self.drop_row(seq)?;
        self.expiry.remove((stamp.expires_at_us(), seq))?;
        for tag in &tags {
            self.tags.remove((tag.as_str(), ns, key))?;
        }
        Ok(())
    }

    fn drop_row(&mut self, seq: u64) -> Result<(), redb::Error> {
        if let Some(row) = self.order.remove(seq)? {
            self.usage.subtract(row.value().2);
        }
        Ok(())
    }
}
