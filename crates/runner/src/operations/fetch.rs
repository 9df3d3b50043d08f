//! Fetching what no level of the cache has fresh.

use super::operations;
use crate::wit::cache::{Options, Stored};
use crate::wit::fetch::{Answer, Due, Fulfilled, Policy, RescueFrom, Resumed, Totals};
use crate::wit::types::Instant;

operations! {
    /// The interface `fetch`.
    trait Fetch;

    fallible fetch_set_policy(namespace: Option<&str>, policy: Policy) -> () = weirhouse_core_fetch.call_set_policy;
    fallible fetch_ask(now: Instant, namespace: &str, key: &str) -> Answer = weirhouse_core_fetch.call_ask;
    fallible fetch_resume(now: Instant, namespace: &str, key: &str, found: Option<&Stored>) -> Resumed
        = weirhouse_core_fetch.call_resume;
    fallible fetch_fulfil(now: Instant, namespace: &str, key: &str, lease: u64, value: &[u8], options: Options, tags: &[String]) -> Fulfilled
        = weirhouse_core_fetch.call_fulfil;
    fallible fetch_nothing(now: Instant, namespace: &str, key: &str, lease: u64, life: Option<i64>) -> bool
        = weirhouse_core_fetch.call_nothing;
    fallible fetch_fail(now: Instant, namespace: &str, key: &str, lease: u64) -> RescueFrom
        = weirhouse_core_fetch.call_fail;
    fallible fetch_rescue(now: Instant, namespace: &str, key: &str, found: &Stored) -> Option<i64>
        = weirhouse_core_fetch.call_rescue;
    plain fetch_poll_ahead(now: Instant, most: u32) -> Vec<Due> = weirhouse_core_fetch.call_poll_ahead;
    plain fetch_totals(namespace: Option<&str>) -> Totals = weirhouse_core_fetch.call_statistics;
}
