//! Two levels of cache.

use super::operations;
use crate::wit::cache::{Admitted, Lookup, Options, Place, Settings, Stamp, Stored, Totals, Usage};
use crate::wit::types::Instant;

operations! {
    /// The interface `cache`.
    trait Cache;

    fallible cache_configure(namespace: Option<&str>, settings: Settings) -> () = weirhouse_core_cache.call_configure;
    fallible cache_resize(namespace: Option<&str>, capacity: u32) -> () = weirhouse_core_cache.call_resize;
    fallible cache_get(now: Instant, namespace: &str, key: &str) -> Lookup = weirhouse_core_cache.call_get;
    fallible cache_admit(now: Instant, namespace: &str, key: &str, found: Option<&Stored>) -> Admitted
        = weirhouse_core_cache.call_admit;
    fallible cache_warm(now: Instant, namespace: &str, key: &str, found: &Stored) -> Admitted
        = weirhouse_core_cache.call_warm;
    fallible cache_put(now: Instant, namespace: &str, key: &str, value: &[u8], options: Options) -> Option<Stamp>
        = weirhouse_core_cache.call_put;
    fallible cache_put_tagged(now: Instant, namespace: &str, key: &str, value: &[u8], options: Options, tags: &[String]) -> Option<Stamp>
        = weirhouse_core_cache.call_put_tagged;
    fallible cache_forget(now: Instant, namespace: &str, key: &str) -> () = weirhouse_core_cache.call_forget;
    fallible cache_delete(now: Instant, namespace: &str, key: &str) -> bool = weirhouse_core_cache.call_delete;
    plain cache_clear(now: Instant, namespace: Option<&str>) -> Vec<Place> = weirhouse_core_cache.call_clear;
    fallible cache_invalidate(now: Instant, namespace: &str, pattern: &str) -> Vec<Place>
        = weirhouse_core_cache.call_invalidate;
    plain cache_invalidate_tag(now: Instant, namespace: Option<&str>, tag: &str) -> Vec<Place>
        = weirhouse_core_cache.call_invalidate_tag;
    fallible cache_matching(pattern: &str, keys: &[String]) -> Vec<u8> = weirhouse_core_cache.call_matching;
    fallible cache_alive(now: Instant, put_at: &[i64], lives: &[i64]) -> Vec<u8> = weirhouse_core_cache.call_alive;
    fallible cache_set_disk_bounds(bounds: Usage) -> () = weirhouse_core_cache.call_set_disk_bounds;
    plain cache_trim(held: Usage) -> Option<Usage> = weirhouse_core_cache.call_trim;
    plain cache_sweep_before(now: Instant) -> i64 = weirhouse_core_cache.call_sweep_before;
    plain cache_note_removed(evicted: u64, expired: u64) -> () = weirhouse_core_cache.call_note_removed;
    plain cache_totals(namespace: Option<&str>) -> Totals = weirhouse_core_cache.call_statistics;
    plain cache_hottest(most: u32) -> Vec<Place> = weirhouse_core_cache.call_hottest;
}
