//! Letting time pass.

use crate::wit::exports::weirhouse::core::clock::{Guest, Instant};
use crate::{Component, with};

impl Guest for Component {
    fn next_deadline() -> Option<u64> {
        with(|optimizer| optimizer.next_deadline())
    }

    fn tick(now: Instant) -> Option<u64> {
        with(|optimizer| optimizer.tick(now.into()))
    }

    fn flush(now: Instant) {
        with(|optimizer| optimizer.flush(now.into()));
    }
}
