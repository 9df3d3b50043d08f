//! One line every ten seconds: what the service did.

use std::sync::Arc;
use std::time::Duration;

use super::output::tell;
use crate::hub::{Hub, Stats, UpdateStats};

const EVERY: Duration = Duration::from_secs(10);

/// Tells how it goes, until aborted.
pub(super) async fn tell_regularly(hub: Arc<Hub>) {
    let mut every = tokio::time::interval(EVERY);
    // The first tick comes at once, when there is nothing to tell.
    every.tick().await;
    loop {
        every.tick().await;
        match hub.stats() {
            Ok(stats) => tell(&line(&stats)),
            Err(error) => tracing::warn!(%error, "no figures"),
        }
    }
}

/// Totals since the start.
pub(super) fn line(stats: &Stats) -> String {
    let (updates, batches, cache) = (&stats.updates, &stats.batches, &stats.cache);
    let reads = cache.l1.hits + cache.l1.misses;
    let cache = if reads == 0 {
        "unused".to_owned()
    } else {
        format!("{:.0} % of {reads} reads", cache.hit_rate * 100.0)
    };
    let link = if stats.home.connected {
        ""
    } else {
        "   Home Assistant is away"
    };
    format!(
        "{:>8}   {}   batches {}   cache {cache}{link}",
        clock(stats.uptime_s),
        readings(updates),
        batches.batches,
    )
}

/// What came in, and what became of it.
fn readings(updates: &UpdateStats) -> String {
    format!(
        "in {}   published {}   suppressed {} ({:.0} %)",
        updates.observed,
        updates.published + updates.timed,
        updates.held_back,
        updates.suppressed_share * 100.0,
    )
}

/// `m:ss` or `h:mm:ss`.
fn clock(seconds: f64) -> String {
    let seconds = seconds as u64;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours == 0 {
        format!("{minutes}:{seconds:02}")
    } else {
        format!("{hours}:{minutes:02}:{seconds:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::{UpdateStats, clock, readings};

    #[test]
    fn what_time_published_after_all_is_not_suppressed() {
        let updates = UpdateStats {
            observed: 200,
            published: 80,
            timed: 20,
            suppressed: 120,
            late: 0,
            held_back: 100,
            suppressed_share: 0.5,
        };
        assert_eq!(
            readings(&updates),
            "in 200   published 100   suppressed 100 (50 %)"
        );
    }

    #[test]
    fn times_are_short() {
        for (seconds, text) in [(9.9, "0:09"), (61.0, "1:01"), (3600.0, "1:00:00")] {
            assert_eq!(clock(seconds), text);
        }
    }
}
