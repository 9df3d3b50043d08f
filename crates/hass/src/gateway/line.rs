//! What waits to be said to a client, in the order in which it was heard.
//!
//! Home Assistant tells everything on one connection: what was changed by a command is told before its answer. Here
//! the changes come over another connection than the answers, so an answer stands in line until all changes that
//! preceded it have been told. One mark at a time covers all that stood in line when it was set.

use std::collections::VecDeque;

/// The line.
#[derive(Debug)]
pub(super) struct Line<T> {
    waiting: VecDeque<T>,
    /// How many the mark that is under way covers.
    covered: Option<usize>,
    wanted: bool,
}

impl<T> Default for Line<T> {
    fn default() -> Self {
        Self {
            waiting: VecDeque::new(),
            covered: None,
            wanted: false,
        }
    }
}

impl<T> Line<T> {
    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether none waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Those who wait.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.waiting.iter()
    }

    /// Puts one at the end, to wait for a mark.
    pub(super) fn push(&mut self, item: T) {
        self.waiting.push_back(item);
        self.wanted = self.covered.is_none();
    }

    /// Whether a mark is to be set now; true once for each.
    pub(super) fn poll_mark(&mut self) -> bool {
        let wanted = std::mem::take(&mut self.wanted);
        if wanted {
            self.covered = Some(self.waiting.len());
        }
        wanted
    }

    /// The mark was reached: those it covered. Another is wanted if some came since.
    pub(super) fn reached(&mut self) -> Vec<T> {
        let covered = self.covered.take().unwrap_or_default();
        let released = self
            .waiting
            .drain(..covered.min(self.waiting.len()))
            .collect();
        self.wanted = !self.waiting.is_empty();
        released
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_mark_at_a_time_covers_what_stood_before_it() {
        let mut line = Line::default();
        assert!(!line.poll_mark());
        line.push(1);
        line.push(2);
        assert!(line.poll_mark());
        line.push(3);
        assert!(!line.poll_mark(), "one is under way");
        assert_eq!(line.reached(), [1, 2]);
        assert!(line.poll_mark());
        assert_eq!((line.len(), line.reached()), (1, vec![3]));
        assert!(!line.poll_mark() && line.is_empty());
    }
}
