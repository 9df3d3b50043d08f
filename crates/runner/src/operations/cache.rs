//! Two levels of cache.

use super::operations;
use crate::wit::cache::{
    Admitted, Lookup, Options, OwnSettings, Place, Settings, Stamp, Stored, Totals, Usage,
};
use crate::wit::types::Instant;

operations! {
    /// The interface `cache`.
    trait Cache {
        cache_get() -> Lookup = weirhouse_core_cache.call_get;
        cache_admit(found: Option<&Stored>) -> Admitted = weirhouse_core_cache.call_admit;
        cache_warm(found: &Stored) -> Admitted = weirhouse_core_cache.call_warm;
        cache_forget() -> () = weirhouse_core_cache.call_forget;
        cache_delete() -> bool = weirhouse_core_cache.call_delete;
    } {
        cache_put(options: Options) -> Option<Stamp> = weirhouse_core_cache.call_put;
        cache_put_tagged(options: Options, tags: &[String]) -> Option<Stamp> = weirhouse_core_cache.call_put_tagged;
    };

    fallible cache_configure(mono: u64, settings: Settings) -> () = weirhouse_core_cache.call_configure;
    fallible cache_configure_own(mono: u64, namespace: &str, own: OwnSettings) -> () = weirhouse_core_cache.call_configure_own;
    fallible cache_resize(mono: u64, namespace: Option<&str>, capacity: u32) -> () = weirhouse_core_cache.call_resize;
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
