//! How many requests were answered, by class of status.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::StatusCode;

/// The classes that requests of this API end in.
const CLASSES: [&str; 4] = ["2xx", "3xx", "4xx", "5xx"];

/// Counters from the start.
#[derive(Debug, Default)]
pub(super) struct Answered([AtomicU64; CLASSES.len()]);

impl Answered {
    /// Counts one answer.
    pub(super) fn note(&self, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100).saturating_sub(2);
        if let Some(counter) = self.0.get(class) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The classes with their counts.
    pub(super) fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = self.0.iter().map(|counter| counter.load(Ordering::Relaxed));
        CLASSES.into_iter().zip(counts)
    }
}
