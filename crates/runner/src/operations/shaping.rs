//! What each client of a stream gets, and when.

use super::operations;
use crate::wit::shaping::{Profile, Scope, Statistics, Taken, Totals};
use crate::wit::types::Instant;

operations! {
    /// The interface `shaping`.
    trait Shaping;

    fallible shaping_open(profile: Profile, scope: Scope) -> u32 = weirhouse_core_shaping.call_open;
    fallible shaping_close(client: u32) -> () = weirhouse_core_shaping.call_close;
    fallible shaping_follow(client: u32, rows: &[u32]) -> Vec<u32> = weirhouse_core_shaping.call_follow;
    fallible shaping_unfollow(now: Instant, client: u32, rows: &[u32]) -> () = weirhouse_core_shaping.call_unfollow;
    fallible shaping_offer(now: Instant, rows: &[u32], numbers: &[f64], states: &[u64], attributes: &[u64])
        -> Vec<u32> = weirhouse_core_shaping.call_offer;
    fallible shaping_remove(now: Instant, rows: &[u32]) -> Vec<u32> = weirhouse_core_shaping.call_remove;
    fallible shaping_mark(now: Instant, client: u32, rows: &[u32]) -> () = weirhouse_core_shaping.call_mark;
    fallible shaping_mark_synchronized(client: u32) -> () = weirhouse_core_shaping.call_mark_synchronized;
    fallible shaping_take(now: Instant, client: u32, most: u32) -> Taken = weirhouse_core_shaping.call_take;
    plain shaping_poll_ready() -> Vec<u32> = weirhouse_core_shaping.call_poll_ready;
    fallible shaping_client_totals(client: u32) -> Totals = weirhouse_core_shaping.call_client_totals;
    plain shaping_all_totals() -> Statistics = weirhouse_core_shaping.call_all_totals;
}
