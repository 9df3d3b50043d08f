//! Letting time pass.

use crate::wit::exports::weirhouse::core::clock::{Due, Guest, Instant};
use crate::{Component, with};

impl Guest for Component {
    fn next_deadline() -> Option<u64> {
        with(|optimizer| optimizer.next_deadline())
    }

    fn tick(now: Instant) -> Due {
        let due = with(|optimizer| optimizer.tick(now.into()));
        Due {
            deadline: due.deadline_us,
            published: due.published,
            batches: due.batches,
            refreshes: due.refreshes,
            runs: due.runs,
            clients: due.clients,
        }
    }

    fn flush(now: Instant) {
        with(|optimizer| optimizer.flush(now.into()));
    }
}
