//! A copy for backups, and the start from it.

use super::{L2Store, RedbStore, open, record, value};

#[test]
fn a_folder_that_comes_back_from_a_backup_has_what_was_committed() {
    let live = tempfile::tempdir().unwrap();
    let path = live.path().join("l2.redb");
    let store = open(&path);
    store.put("a", "before", record("1")).unwrap();
    store.leave_copy().unwrap();
    store.put("a", "after", record("2")).unwrap();
    store.flush().unwrap();

    // What a backup reads: everything but the file that is written to.
    let restored = tempfile::tempdir().unwrap();
    let copy = "l2.redb.backup";
    std::fs::copy(live.path().join(copy), restored.path().join(copy)).unwrap();
    let back = open(&restored.path().join("l2.redb"));
    assert_eq!(value(&back, "a", "before").as_deref(), Some(&b"1"[..]));
    assert_eq!(value(&back, "a", "after"), None);
    assert!(!restored.path().join(copy).exists(), "it is the store now");

    assert_eq!(value(&store, "a", "after").as_deref(), Some(&b"2"[..]));
    store.remove_copy().unwrap();
    store.remove_copy().unwrap();
    assert!(!live.path().join(copy).exists());
}

#[test]
fn a_copy_never_takes_the_place_of_a_store_that_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("l2.redb");
    let store = open(&path);
    store.leave_copy().unwrap();
    store.put("a", "after", record("2")).unwrap();
    drop(store);
    let again = open(&path);
    assert_eq!(value(&again, "a", "after").as_deref(), Some(&b"2"[..]));
}

#[test]
fn a_copy_that_cannot_be_made_is_told_and_costs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("l2.redb");
    let store: RedbStore = open(&path);
    store.put("a", "k", record("1")).unwrap();
    std::fs::create_dir(folder.path().join("l2.redb.backup.new")).unwrap();
    let error = store.leave_copy().unwrap_err().to_string();
    assert!(error.contains("cannot copy"), "{error}");
    assert_eq!(value(&store, "a", "k").as_deref(), Some(&b"1"[..]));
}
