//! Tests of the stores from outside: equal to the model, through damage and a
//! full disk, and across kill -9.

mod backup;
mod basics;
mod crash;
mod damage;
mod full_disk;
mod model;

use std::path::Path;
use std::time::Duration;

use super::{L2Store, Record, RedbOptions, RedbStore, Stamp};

/// Commits only when asked, and retries quickly.
fn manual() -> RedbOptions {
    RedbOptions {
        flush_interval: Duration::from_hours(1),
        retry_first: Duration::from_millis(20),
        retry_longest: Duration::from_millis(50),
        ..RedbOptions::default()
    }
}

fn open(path: &Path) -> RedbStore {
    let opened = RedbStore::open(path, manual()).unwrap();
    assert_eq!(opened.set_aside, None);
    opened.store
}

fn record(value: impl AsRef<[u8]>) -> Record {
    Record {
        value: value.as_ref().to_vec(),
        content_type: "application/json".into(),
        tags: Vec::new(),
        stamp: stamp(1_000),
    }
}

fn stamp(put_at_us: i64) -> Stamp {
    Stamp {
        put_at_us,
        life_us: 500,
        memory_life_us: 50,
        while_revalidate_us: 0,
        if_error_us: 0,
    }
}

fn value(store: &dyn L2Store, namespace: &str, key: &str) -> Option<Vec<u8>> {
    store.get(namespace, key).unwrap().map(|found| found.value)
}

/// Says that a test could not run here; where everything must run, fails.
fn skipped(test: &str, reason: &str) {
    println!("SKIPPED: {test}: {reason}");
    assert!(
        std::env::var_os("WEIRHOUSE_REQUIRE_ALL").is_none_or(|all| all != "1"),
        "{test} must not be skipped: {reason}"
    );
}
