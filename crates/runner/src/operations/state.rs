//! Carrying what was learned over a restart.

use super::operations;
use crate::wit::state::Restored;
use crate::wit::types::Instant;

operations! {
    /// The interface `state`.
    trait State;

    plain snapshot(now: Instant) -> Vec<u8> = weirhouse_core_state.call_snapshot;
    fallible restore(now: Instant, snapshot: &[u8]) -> Restored = weirhouse_core_state.call_restore;
    plain take_hot() -> Vec<(String, String)> = weirhouse_core_state.call_take_hot;
}
