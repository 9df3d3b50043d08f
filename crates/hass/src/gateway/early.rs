//! That an entity was called due before the client's own mirror was as far as the shared one.
//!
//! Both hear of the same writes in the same order, each over a connection of its own. Which write is meant is known
//! from the shared mirror; of that nothing is kept but what tells one write from another, so that the client learns no
//! more than its own connection says.

use crate::{State, Timestamp};

/// Which writes are waited for.
///
/// There may be two: one that was called due first, so that an entity that is called due faster than its writes are
/// heard of is told nevertheless, and the last one, so that its last state is.
#[derive(Debug)]
pub(super) struct Early {
    first: Write,
    last: Option<Write>,
}

/// A write of a state: Home Assistant gives each its time, and a context.
#[derive(Debug)]
struct Write {
    at: Timestamp,
    context_id: Option<Box<str>>,
}

impl Early {
    /// Waits for the write that made this state.
    pub(super) fn new(state: &State) -> Self {
        Self {
            first: Write::of(state),
            last: None,
        }
    }

    /// Waits for the write that made this state as well.
    pub(super) fn extend(&mut self, state: &State) {
        self.last = Some(Write::of(state));
    }

    /// A write was heard of that made this state. Whether it is one that was waited for, or a later one.
    pub(super) fn hear(&mut self, state: &State) -> Heard {
        if !self.first.is_in(state) {
            return Heard::Nothing;
        }
        match self.last.take() {
            Some(last) if !last.is_in(state) => {
                self.first = last;
                Heard::First
            }
            _ => Heard::All,
        }
    }
}

/// How much of what was waited for has been heard of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    Nothing,
    First,
    All,
}

/// Whether the one state is of the write that made the other, or of a later one.
pub(super) fn is_as_far(state: &State, as_other: &State) -> bool {
    Write::of(as_other).is_in(state)
}

impl Write {
    fn of(state: &State) -> Self {
        Self {
            at: state.last_updated,
            context_id: state.context.id.as_deref().map(Into::into),
        }
    }

    /// Whether a state is of this write or a later one. Of two at the same moment neither is known to be later.
    fn is_in(&self, state: &State) -> bool {
        state.last_updated > self.at
            || (state.last_updated == self.at
                && self.context_id.as_deref() == state.context.id.as_deref())
    }
}
