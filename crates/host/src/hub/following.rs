//! What the home does, write by write, for those who tell it on as Home Assistant would.
//!
//! Nothing is judged or merged here: that is the matter of streams and updates.

use std::sync::Arc;

use tokio::sync::broadcast;
use weirhouse_hass::{Class, Home, State, StateChange, States};

use super::Hub;

/// Frames of changes that a follower may be behind. One further behind is told so, and has to begin anew.
pub(super) const BACKLOG: usize = 1024;

/// Something that happened to the mirror.
#[derive(Debug)]
pub enum Followed {
    /// Writes, in order.
    Changes(Vec<StateChange>),
    /// A mark set in the link; all that preceded it has been told, if the link was up.
    Marked {
        /// The mark.
        mark: u64,
        /// Whether the link was up.
        live: bool,
    },
    /// The link is down.
    Stale,
}

impl Hub {
    /// Everything that happens to the mirror from now on.
    pub fn follow(&self) -> broadcast::Receiver<Arc<Followed>> {
        self.followed.subscribe()
    }

    pub(super) fn tell_followers(&self, what: Followed) {
        if self.followed.receiver_count() > 0 {
            // Nobody listening any more is no error.
            let _ = self.followed.send(Arc::new(what));
        }
    }
}

impl Home for Hub {
    fn states(&self) -> Option<States> {
        let engine = self.lock();
        if engine.mirror.is_stale() {
            return None;
        }
        let held = engine.mirror.iter_shared();
        let states = held
            .map(|(id, it)| (Arc::clone(id), Arc::clone(it)))
            .collect();
        let sequence = engine.written;
        Some(States { sequence, states })
    }

    fn state(&self, entity_id: &str) -> Option<Arc<State>> {
        self.lock().mirror.shared(entity_id)
    }

    fn list(&self, class: Class) -> Option<String> {
        self.replica.in_full(class)
    }
}
