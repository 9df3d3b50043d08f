//! The slow operations of late, each with what the host knew of it.

use alloc::collections::VecDeque;
use alloc::string::String;

/// One slow operation.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) metric: u32,
    pub(super) micros: f64,
    pub(super) failed: bool,
    pub(super) request: Option<String>,
    pub(super) dated_us: i64,
}

/// The latest of them; the oldest leave.
#[derive(Debug, Clone, Default)]
pub(super) struct SlowList {
    entries: VecDeque<Entry>,
}

impl SlowList {
    pub(super) fn push(&mut self, entry: Entry, most: usize) {
        self.entries.push_back(entry);
        self.shorten(most);
    }

    /// Lets the oldest go beyond `most`.
    pub(super) fn shorten(&mut self, most: usize) {
        let surplus = self.entries.len().saturating_sub(most);
        self.entries.drain(..surplus);
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
    }

    pub(super) fn newest_first(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().rev()
    }
}
