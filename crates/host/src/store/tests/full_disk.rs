//! A full disk: what is committed is served, what is new waits and is bounded,
//! and space brings everything back without help.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::{L2Store, RedbOptions, RedbStore, StoreError};
use super::{manual, open, record, skipped, value};
use crate::hub::{self, HubError, PutOptions, Settings};

/// A file system of its own, with a given size.
struct Disk {
    folder: tempfile::TempDir,
}

impl Disk {
    fn mount(megabytes: u32) -> Result<Self, String> {
        let folder = tempfile::tempdir().unwrap();
        let output = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={megabytes}m"), "tmpfs"])
            .arg(folder.path())
            .output();
        match output {
            Ok(output) if output.status.success() => Ok(Self { folder }),
            Ok(output) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
            Err(error) => Err(format!("mount: {error}")),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("l2.redb")
    }

    /// Leaves not a byte free.
    fn fill(&self) -> PathBuf {
        use std::io::Write;
        let ballast = self.folder.path().join("ballast");
        let mut file = fs::File::create(&ballast).unwrap();
        while file.write_all(&[1; 4096]).is_ok() {}
        ballast
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(self.folder.path()).status();
        if !unmounted.is_ok_and(|status| status.success()) {
            eprintln!("{} is still mounted", self.folder.path().display());
        }
    }
}

fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < deadline, "waited 10 s until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn options() -> RedbOptions {
    RedbOptions {
        flush_interval: Duration::from_millis(50),
        flush_bytes: 64 << 10,
        pending_limit: 512 << 10,
        ..manual()
    }
}

fn key(number: usize) -> String {
    number.to_string()
}

/// Puts until the store takes no more; says how many it took.
fn put_until_refused(store: &RedbStore) -> usize {
    for number in 0..10_000 {
        loop {
            match store.put("new", &key(number), record([9; 10_000])) {
                Ok(_) => break,
                Err(StoreError::Backlog { reason, .. }) if reason.contains("no space is left") => {
                    return number;
                }
                // The disk is slow, but not full yet.
                Err(StoreError::Backlog { .. }) => std::thread::sleep(Duration::from_millis(1)),
                Err(error) => panic!("{error}"),
            }
        }
    }
    panic!("10,000 records of 10 kB fit into what is left of a few megabytes");
}

#[test]
fn a_disk_that_fills_up_loses_nothing_and_recovers() {
    let disk = match Disk::mount(8) {
        Ok(disk) => disk,
        Err(reason) => return skipped("a_disk_that_fills_up_loses_nothing_and_recovers", &reason),
    };
    let opened = RedbStore::open(&disk.path(), options()).unwrap();
    let store = opened.store;
    for number in 0..50 {
        store.put("old", &key(number), record([5; 5_000])).unwrap();
    }
    store.flush().unwrap();
    let ballast = disk.fill();

    let accepted = put_until_refused(&store);
    assert!(matches!(
        store.flush(),
        Err(StoreError::NotCommitted { .. })
    ));
    let health = store.health();
    let reason = health.degraded.unwrap();
    assert!(reason.contains(&*disk.path().to_string_lossy()), "{reason}");
    assert!(health.pending_bytes < 600 << 10, "{}", health.pending_bytes);
    assert!(health.pending_changes > 0);
    let check = |store: &RedbStore| {
        for number in 0..50 {
            assert_eq!(value(store, "old", &key(number)), Some(vec![5; 5_000]));
        }
        for number in 0..accepted {
            assert_eq!(value(store, "new", &key(number)), Some(vec![9; 10_000]));
        }
        assert_eq!(value(store, "new", &key(accepted)), None);
        assert_eq!(store.usage().entries, 50 + accepted as u64);
    };
    check(&store);

    fs::remove_file(ballast).unwrap();
    wait_until("the store has recovered", || {
        let health = store.health();
        health.degraded.is_none() && health.pending_changes == 0
    });
    check(&store);
    assert_eq!(*store.durable().borrow(), store.latest());
    drop(store);
    check(&open(&disk.path()));
}

#[test]
fn what_is_cleared_on_a_full_disk_is_gone_at_once() {
    let disk = match Disk::mount(8) {
        Ok(disk) => disk,
        Err(reason) => return skipped("what_is_cleared_on_a_full_disk_is_gone_at_once", &reason),
    };
    let store = RedbStore::open(&disk.path(), options()).unwrap().store;
    for number in 0..50 {
        store.put("old", &key(number), record([5; 5_000])).unwrap();
    }
    store.flush().unwrap();
    let ballast = disk.fill();
    put_until_refused(&store);
    let gone = store.clear(None).unwrap();
    assert!(gone.len() > 50);
    assert_eq!(value(&store, "old", "1"), None);
    assert_eq!(store.usage().entries, 0);
    store.put("new", "key", record("1")).unwrap();
    assert_eq!(value(&store, "new", "key"), Some(b"1".to_vec()));
    fs::remove_file(ballast).unwrap();
    wait_until("the clear is committed", || {
        store.health().pending_changes == 0
    });
    drop(store);
    assert_eq!(
        value(&open(&disk.path()), "new", "key"),
        Some(b"1".to_vec())
    );
}

#[test]
fn a_full_disk_at_the_start_is_served_from_and_recovers() {
    let disk = match Disk::mount(8) {
        Ok(disk) => disk,
        Err(reason) => {
            return skipped(
                "a_full_disk_at_the_start_is_served_from_and_recovers",
                &reason,
            );
        }
    };
    let ballast = disk.fill();
    let store = RedbStore::open(&disk.path(), options()).unwrap().store;
    let reason = store.health().degraded.unwrap();
    assert!(reason.contains("no space is left"), "{reason}");
    store.put("ns", "key", record("1")).unwrap();
    assert_eq!(value(&store, "ns", "key"), Some(b"1".to_vec()));
    assert!(matches!(
        store.get("ns", "other"),
        Err(StoreError::Unavailable { .. })
    ));
    fs::remove_file(ballast).unwrap();
    wait_until("the store has recovered", || {
        store.health().degraded.is_none()
    });
    assert_eq!(store.usage().entries, 1);
    store.flush().unwrap();
    drop(store);

    disk.fill();
    assert_eq!(value(&open(&disk.path()), "ns", "key"), Some(b"1".to_vec()));
    let leftovers: Vec<_> = fs::read_dir(disk.path().parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .filter(|name| {
            ["l2.redb", "l2.redb.mark", "ballast"]
                .iter()
                .all(|n| name != n)
        })
        .collect();
    assert!(leftovers.is_empty(), "{leftovers:?}");
}

#[test]
fn a_write_the_disk_refuses_leaves_the_value_before() {
    let disk = match Disk::mount(8) {
        Ok(disk) => disk,
        Err(reason) => {
            return skipped("a_write_the_disk_refuses_leaves_the_value_before", &reason);
        }
    };
    let store = RedbStore::open(&disk.path(), options()).unwrap().store;
    let store: Arc<dyn L2Store> = Arc::new(store);
    let folder = tempfile::tempdir().unwrap();
    let hub = hub::tests::open(folder.path(), Arc::clone(&store), Settings::default());
    let put =
        |key: &str, value: &[u8]| hub.cache_put("ns", key, value.into(), PutOptions::default());
    put("key", b"before").unwrap();
    store.flush().unwrap();
    let _ballast = disk.fill();
    let refused = (0..10_000).find(|number| put(&key(*number), &[9; 10_000]).is_err());
    assert!(
        refused.is_some(),
        "10,000 records of 10 kB fit into a full disk"
    );
    assert!(matches!(put("key", b"after"), Err(HubError::Store(_))));
    let found = hub.cache_get("ns", "key").unwrap().unwrap();
    assert_eq!(found.value, b"before");
}
