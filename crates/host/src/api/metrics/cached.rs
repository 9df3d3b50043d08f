//! The cache, and what is fetched into it.

use super::super::exposition::Exposition;
use crate::hub::{CacheStats, FetchStats};

/// What the two levels did.
pub(super) fn levels(text: &mut Exposition, stats: &CacheStats) {
    let levels = [("l1", &stats.l1), ("l2", &stats.l2)];
    for (name, help, value) in [
        (
            "weirhouse_cache_hits",
            "Reads a level answered.",
            levels.map(|(_, level)| level.hits),
        ),
        (
            "weirhouse_cache_misses",
            "Reads a level could not answer.",
            levels.map(|(_, level)| level.misses),
        ),
        (
            "weirhouse_cache_evictions",
            "Live entries that left a level for want of room.",
            levels.map(|(_, level)| level.evictions),
        ),
        (
            "weirhouse_cache_expirations",
            "Entries that left a level at the end of their life.",
            levels.map(|(_, level)| level.expirations),
        ),
    ] {
        let [l1, l2] = value;
        text.counters(
            name,
            help,
            &[(&[("level", "l1")], l1), (&[("level", "l2")], l2)],
        );
    }
    for (name, help, value) in [
        (
            "weirhouse_cache_entries",
            "Entries in a level.",
            levels.map(|(_, level)| level.entries),
        ),
        (
            "weirhouse_cache_bytes",
            "Bytes of keys and values in a level.",
            levels.map(|(_, level)| level.bytes),
        ),
    ] {
        let [l1, l2] = value;
        text.gauges(
            name,
            help,
            &[(&[("level", "l1")], l1), (&[("level", "l2")], l2)],
        );
    }
}

/// What callers fetched.
pub(super) fn fetches(text: &mut Exposition, stats: &FetchStats) {
    text.counters(
        "weirhouse_fetch_leases",
        "Leases given to fetch a value.",
        &[
            (&[("why", "missing")], stats.leases - stats.ahead),
            (&[("why", "ahead")], stats.ahead),
        ],
    );
    text.counter(
        "weirhouse_fetch_coalesced",
        "Reads that met the fetch of somebody else.",
        stats.coalesced,
    );
    text.counters(
        "weirhouse_fetch_outcomes",
        "Fetches that ended, by what came of them.",
        &[
            (&[("outcome", "value")], stats.fulfilled),
            (&[("outcome", "nothing")], stats.nothing),
            (&[("outcome", "failed")], stats.failed),
            (&[("outcome", "lapsed")], stats.lapsed),
            (&[("outcome", "superseded")], stats.superseded),
        ],
    );
    text.counters(
        "weirhouse_fetch_spared",
        "Reads answered without a fresh value.",
        &[
            (&[("by", "stale")], stats.stale),
            (&[("by", "nothing")], stats.negative),
            (&[("by", "rescue")], stats.rescued),
        ],
    );
}
