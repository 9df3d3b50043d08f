//! What every store promises, checked on each of them, before and after a
//! commit and a reopening.

use std::time::{Duration, Instant};

use super::super::{L2Store, MemoryStore, RedbOptions, RedbStore, StoreError, Ticket, Usage};
use super::{manual, open, record, stamp, value};

/// Runs `check` on a memory store, and on a file store with everything
/// pending and with everything committed.
fn on_every_store(fill: impl Fn(&dyn L2Store), check: impl Fn(&dyn L2Store)) {
    let memory = MemoryStore::new();
    fill(&memory);
    check(&memory);
    for committed in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("l2.redb");
        let mut store = open(&path);
        fill(&store);
        if committed {
            drop(store);
            store = open(&path);
        }
        check(&store);
    }
}

#[test]
fn names_never_collide_and_any_text_is_a_name() {
    let long = "k".repeat(20_000);
    let names = [
        ("", ""),
        ("a", "bc"),
        ("ab", "c"),
        ("a\0", "b"),
        ("a", "\0b"),
        ("a\u{0}b", ""),
        ("", "a:b"),
        ("a:b", ""),
        ("ключ", "🔑"),
        ("long", long.as_str()),
        (long.as_str(), "long"),
    ];
    on_every_store(
        |store| {
            for (number, (ns, key)) in names.iter().enumerate() {
                store.put(ns, key, record(number.to_string())).unwrap();
            }
        },
        |store| {
            for (number, (ns, key)) in names.iter().enumerate() {
                let expected = number.to_string().into_bytes();
                assert_eq!(value(store, ns, key), Some(expected), "{ns:?} {key:?}");
            }
            assert_eq!(store.usage().entries, names.len() as u64);
            assert_eq!(store.clear(Some("a")).unwrap().len(), 2);
            assert_eq!(store.usage().entries, names.len() as u64 - 2);
            assert_eq!(value(store, "a", "bc"), None);
            assert!(value(store, "a\0", "b").is_some());
            assert!(value(store, "ab", "c").is_some());
        },
    );
}

#[test]
fn an_empty_value_is_a_value() {
    on_every_store(
        |store| {
            store.put("ns", "empty", record("")).unwrap();
        },
        |store| {
            assert_eq!(value(store, "ns", "empty"), Some(Vec::new()));
            assert_eq!(value(store, "ns", "none"), None);
            assert_eq!(store.remove("ns", "none").unwrap(), None);
            assert_eq!(store.remove("ns", "empty").unwrap(), Some(stamp(1_000)));
            assert_eq!(value(store, "ns", "empty"), None);
            assert_eq!(store.usage(), Usage::default());
        },
    );
}

#[test]
fn trimming_takes_the_records_written_longest_ago() {
    on_every_store(
        |store| {
            for key in ["d", "c", "b", "a"] {
                store.put("ns", key, record("1234")).unwrap();
            }
            store.put("ns", "d", record("again")).unwrap();
        },
        |store| {
            let entries = |entries| Usage {
                entries,
                bytes: u64::MAX,
            };
            assert_eq!(store.trim(entries(9)).unwrap(), 0);
            assert_eq!(store.trim(entries(2)).unwrap(), 2);
            let left = store.keys("ns", None, 9).unwrap();
            let left: Vec<_> = left.into_iter().map(|(key, _)| key).collect();
            assert_eq!(left, ["a", "d"]);
            store.put("ns", "e", record("1234")).unwrap();
            assert_eq!(store.trim(entries(1)).unwrap(), 2);
            assert_eq!(store.keys("ns", None, 9).unwrap()[0].0, "e");
            let bytes = Usage {
                entries: 9,
                bytes: store.usage().bytes - 1,
            };
            assert_eq!(store.trim(bytes).unwrap(), 1);
            assert_eq!(store.usage(), Usage::default());
        },
    );
}

#[test]
fn sweeping_takes_the_earliest_end_first_and_stops_at_its_limit() {
    on_every_store(
        |store| {
            for (key, put_at) in [("c", 30), ("a", 10), ("b", 20), ("d", 1_000_000)] {
                let mut record = record(key);
                record.stamp = stamp(put_at);
                store.put("ns", key, record).unwrap();
            }
        },
        |store| {
            assert_eq!(store.sweep(510, 9).unwrap(), 0, "ends at 510, not before");
            assert_eq!(store.sweep(2_000, 2).unwrap(), 2);
            assert_eq!(value(store, "ns", "a"), None);
            assert!(value(store, "ns", "c").is_some());
            assert_eq!(store.sweep(2_000, 2).unwrap(), 1);
            assert_eq!(store.sweep(2_000, 2).unwrap(), 0);
            assert!(value(store, "ns", "d").is_some());
        },
    );
}

#[test]
fn a_change_is_durable_within_the_flush_interval_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("l2.redb");
    let options = RedbOptions {
        flush_interval: Duration::from_millis(100),
        ..RedbOptions::default()
    };
    let store = RedbStore::open(&path, options).unwrap().store;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let mut durable = store.durable();
    let mut await_ticket = |ticket: Ticket| {
        let reached = durable.wait_for(|done| *done >= ticket);
        let limit = Duration::from_secs(5);
        let reached = runtime.block_on(async { tokio::time::timeout(limit, reached).await });
        assert!(*reached.unwrap().unwrap() >= ticket);
    };
    let began = Instant::now();
    let ticket = store.put("ns", "key", record("1")).unwrap();
    assert_eq!(store.health().pending_changes, 1);
    await_ticket(ticket);
    assert!(began.elapsed() >= Duration::from_millis(90));
    store.remove("ns", "key").unwrap();
    assert!(store.latest() > ticket);
    await_ticket(store.latest());
    let health = store.health();
    assert_eq!((health.pending_changes, health.pending_bytes), (0, 0));
    assert_eq!(health.last_commit.unwrap().changes, 1);
}

#[test]
fn much_pending_is_committed_before_the_interval_ends() {
    let folder = tempfile::tempdir().unwrap();
    let options = RedbOptions {
        flush_bytes: 64 << 10,
        pending_limit: 256 << 10,
        ..manual()
    };
    let store = RedbStore::open(&folder.path().join("l2.redb"), options)
        .unwrap()
        .store;
    for number in 0..100 {
        let key = number.to_string();
        while let Err(error) = store.put("ns", &key, record(vec![7; 10_000])) {
            assert!(matches!(error, StoreError::Backlog { .. }), "{error}");
            std::thread::sleep(Duration::from_millis(1));
        }
        assert!(store.health().pending_bytes < 300 << 10);
    }
    let deadline = Instant::now() + Duration::from_secs(10);
    while store.health().pending_bytes >= 64 << 10 {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(store.usage().entries, 100);
}

#[test]
fn a_file_that_holds_little_is_shortened_when_it_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("l2.redb");
    let store = open(&path);
    for number in 0..1_200 {
        let key = number.to_string();
        store.put("ns", &key, record(vec![7; 20_000])).unwrap();
    }
    drop(store);
    let full = path.metadata().unwrap().len();
    let store = open(&path);
    assert_eq!(path.metadata().unwrap().len(), full, "all of it is in use");
    let kept = Usage {
        entries: 10,
        bytes: u64::MAX,
    };
    store.trim(kept).unwrap();
    drop(store);
    let before = path.metadata().unwrap().len();
    let store = open(&path);
    let after = path.metadata().unwrap().len();
    assert!(after < before / 4, "{before} to {after} bytes");
    assert_eq!(value(&store, "ns", "1199"), Some(vec![7; 20_000]));
    store.put("ns", "new", record("1")).unwrap();
    drop(store);
    assert_eq!(open(&path).usage().entries, 11);
}

#[test]
fn two_stores_on_one_file_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("l2.redb");
    let first = open(&path);
    first.put("ns", "key", record("1")).unwrap();
    let error = RedbStore::open(&path, manual()).unwrap_err().to_string();
    assert!(error.contains("in use by another process"), "{error}");
    assert!(error.contains(&*path.to_string_lossy()), "{error}");
    drop(first);
    assert_eq!(value(&open(&path), "ns", "key"), Some(b"1".to_vec()));
}
