//! Fetching what no level of the cache has fresh.

use super::operations;
use crate::wit::cache::{Options, Stored};
use crate::wit::fetch::{
    Answer, Due, Fulfilled, Lease, OwnPolicy, Policy, RescueFrom, Resumed, Totals,
};
use crate::wit::types::Instant;

operations! {
    /// The interface `fetch`.
    trait Fetch {
        fetch_ask() -> Answer = weirhouse_core_fetch.call_ask;
        fetch_resume(found: Option<&Stored>) -> Resumed = weirhouse_core_fetch.call_resume;
        fetch_fulfil(lease: u64, value: &[u8], options: Options, tags: &[String]) -> Fulfilled = weirhouse_core_fetch.call_fulfil;
        fetch_nothing(lease: u64, life: Option<i64>) -> bool = weirhouse_core_fetch.call_nothing;
        fetch_fail(lease: u64) -> RescueFrom = weirhouse_core_fetch.call_fail;
        fetch_rescue(found: &Stored) -> Option<i64> = weirhouse_core_fetch.call_rescue;
        fetch_lease_ahead() -> Option<Lease> = weirhouse_core_fetch.call_lease_ahead;
    };

    fallible fetch_set_policy(policy: Policy) -> () = weirhouse_core_fetch.call_set_policy;
    fallible fetch_set_own_policy(namespace: &str, own: OwnPolicy) -> () = weirhouse_core_fetch.call_set_own_policy;
    plain fetch_poll_ahead(now: Instant, most: u32) -> Vec<Due> = weirhouse_core_fetch.call_poll_ahead;
    plain fetch_totals(namespace: Option<&str>) -> Totals = weirhouse_core_fetch.call_statistics;
}
