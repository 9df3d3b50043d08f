//! Damaged records and files: named, set aside, never served, never fatal.

use std::fs;
use std::path::{Path, PathBuf};

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

use super::super::file::{NUMBERS, RECORDS};
use super::super::{L2Store, RedbStore, StoreError, Usage};
use super::{manual, open, record, value};

fn filled(path: &Path, records: u32) {
    let store = open(path);
    for number in 0..records {
        let mut record = record(number.to_string().repeat(200));
        record.tags = vec!["tag".into()];
        store.put("ns", &number.to_string(), record).unwrap();
    }
    store.flush().unwrap();
}

fn flip(path: &Path, key: &str, position: impl Fn(usize) -> usize) {
    let db = Database::open(path).unwrap();
    let txn = db.begin_write().unwrap();
    {
        let mut records = txn.open_table(RECORDS).unwrap();
        let mut frame = records.get(("ns", key)).unwrap().unwrap().value().to_vec();
        let position = position(frame.len());
        frame[position] ^= 0x10;
        records.insert(("ns", key), frame.as_slice()).unwrap();
    }
    txn.commit().unwrap();
}

#[test]
fn a_damaged_record_is_gone_and_counted_and_the_rest_is_served() {
    type Position = fn(usize) -> usize;
    let places: [(&str, Position); 3] = [
        ("value", |len| len - 100),
        ("header", |_| 8),
        ("format", |_| 0),
    ];
    for (place, position) in places {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("l2.redb");
        filled(&path, 3);
        flip(&path, "1", position);
        let store = open(&path);
        assert_eq!(value(&store, "ns", "1"), None, "{place}");
        assert_eq!(store.health().damaged_records, 1, "{place}");
        assert_eq!(value(&store, "ns", "1"), None);
        assert_eq!(store.health().damaged_records, 1, "counted once");
        assert_eq!(value(&store, "ns", "2"), Some(b"2".repeat(200)));
        assert_eq!(store.keys("ns", None, 9).unwrap().len(), 2);
        assert_eq!(store.by_tag(None, "tag").unwrap().len(), 2);
        store.put("ns", "1", record("new")).unwrap();
        drop(store);
        let store = open(&path);
        assert_eq!(value(&store, "ns", "1"), Some(b"new".to_vec()));
        assert_eq!(store.by_tag(None, "tag").unwrap().len(), 2);
        // Whatever the damage left in the indexes does not keep bounds from
        // being met, nor counts for ever.
        let nothing = Usage::default();
        assert_eq!(store.trim(nothing).unwrap(), 3);
        store.flush().unwrap();
        assert_eq!(store.usage(), nothing, "{place}");
    }
}

#[test]
fn listing_trimming_and_sweeping_pass_by_damaged_headers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("l2.redb");
    filled(&path, 4);
    flip(&path, "0", |_| 8);
    flip(&path, "2", |_| 8);
    let store = open(&path);
    let two = Usage {
        entries: 2,
        bytes: u64::MAX,
    };
    assert_eq!(store.trim(two).unwrap(), 1, "one damaged, one whole");
    assert_eq!(store.health().damaged_records, 1);
    assert_eq!(store.sweep(i64::MAX, 9).unwrap(), 1);
    assert_eq!(store.keys("ns", None, 9).unwrap(), []);
    assert_eq!(store.health().damaged_records, 2);
    assert_eq!(store.clear(None).unwrap(), []);
    drop(store);
    assert_eq!(open(&path).usage(), Usage::default());
}

fn aside_files(path: &Path) -> Vec<PathBuf> {
    let prefix = format!("{}.damaged-", path.display());
    let files = fs::read_dir(path.parent().unwrap()).unwrap();
    let files = files.map(|entry| entry.unwrap().path());
    files
        .filter(|file| file.to_string_lossy().starts_with(&prefix))
        .collect()
}

const FOREIGN: TableDefinition<u32, u32> = TableDefinition::new("squares");

#[test]
fn an_unusable_file_is_set_aside_untouched_and_replaced() {
    let whole = {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("l2.redb");
        filled(&path, 50);
        fs::read(path).unwrap()
    };
    let foreign = {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("foreign.redb");
        let db = Database::create(&path).unwrap();
        let txn = db.begin_write().unwrap();
        txn.open_table(FOREIGN).unwrap().insert(7, 49).unwrap();
        txn.commit().unwrap();
        drop(db);
        fs::read(path).unwrap()
    };
    let newer = {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("l2.redb");
        filled(&path, 1);
        let db = Database::open(&path).unwrap();
        let txn = db.begin_write().unwrap();
        txn.open_table(NUMBERS)
            .unwrap()
            .insert("layout", 2)
            .unwrap();
        txn.commit().unwrap();
        drop(db);
        fs::read(path).unwrap()
    };
    let contents: [(&str, Vec<u8>); 9] = [
        ("empty", Vec::new()),
        ("one byte", vec![b'r']),
        (
            "garbage",
            (0..100_000_u32).flat_map(u32::to_le_bytes).collect(),
        ),
        ("another SQL database", b"SQLite format 3\0".repeat(500)),
        ("cut in the header", whole[..100].to_vec()),
        ("cut after the header", whole[..4096].to_vec()),
        ("cut in the middle", whole[..whole.len() / 2].to_vec()),
        ("another program's redb file", foreign),
        ("a newer version's file", newer),
    ];
    for (what, content) in contents {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("l2.redb");
        for round in 1..=4 {
            fs::write(&path, &content).unwrap();
            let opened = RedbStore::open(&path, manual()).unwrap();
            let aside = opened.set_aside.expect(what);
            if what == "another program's redb file" {
                let db = Database::open(&aside.path).unwrap();
                let table = db.begin_read().unwrap().open_table(FOREIGN).unwrap();
                assert_eq!(table.get(7).unwrap().unwrap().value(), 49);
            } else if what != "a newer version's file" {
                // redb marks a file of its format in the header on opening.
                let kept = fs::read(&aside.path).unwrap();
                let data = 512.min(content.len());
                assert!(kept[data..] == content[data..], "{what}");
            }
            assert_eq!(
                aside_files(&path).len(),
                round.min(3),
                "the last three are kept: {what}"
            );
            assert!(aside.path.exists(), "{what}");
            assert!(!aside.reason.is_empty());
            let sentence = aside.to_string();
            assert!(
                sentence.contains(&*aside.path.to_string_lossy()),
                "{sentence}"
            );
            opened.store.put("ns", "key", record("1")).unwrap();
            drop(opened.store);
            assert_eq!(
                value(&open(&path), "ns", "key"),
                Some(b"1".to_vec()),
                "{what}"
            );
        }
    }
}

/// Set for the process that uses a damaged store: its path.
const CHILD_ENV: &str = "WEIRHOUSE_TEST_DAMAGED_STORE";
const RECORDS_IN_DAMAGED: u32 = 200;
const DAMAGED_FILES: u32 = 60;

/// Uses every part of a store whose file is damaged anywhere.
fn use_every_part(path: &Path) {
    let store = RedbStore::open(path, manual()).unwrap().store;
    for number in 0..RECORDS_IN_DAMAGED {
        if let Ok(Some(found)) = store.get("ns", &number.to_string()) {
            assert_eq!(found.value, number.to_string().repeat(200).into_bytes());
        }
    }
    // Lists may come out short or fail; only their keys must be real ones.
    for (key, _) in store.keys("ns", None, usize::MAX).unwrap_or_default() {
        assert!(key.parse::<u32>().unwrap() < RECORDS_IN_DAMAGED);
    }
    let _ = store.by_tag(None, "tag");
    let _ = store.sweep(0, 10);
    for round in 0..3 {
        let after = round.to_string();
        store.put("after", &after, record(&after)).unwrap();
        let failures = (0..100).take_while(|_| store.flush().is_err()).count();
        assert!(failures < 100, "{:?}", store.health());
        assert_eq!(value(&store, "after", &after), Some(after.into_bytes()));
    }
}

/// Nothing may change an answer, and nothing may end the process for good.
/// redb ends it on some damage to its record of free pages; the next start
/// must then find and set aside the file.
#[test]
fn a_file_damaged_anywhere_costs_at_most_one_restart() {
    // Once more as the process that uses the file, since redb may end it.
    if let Some(path) = std::env::var_os(CHILD_ENV) {
        return use_every_part(Path::new(&path));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("l2.redb");
    filled(&path, RECORDS_IN_DAMAGED);
    let whole = fs::read(&path).unwrap();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let (mut set_aside, mut restarts) = (0, 0);
    for round in 0..DAMAGED_FILES {
        let mut content = whole.clone();
        for _ in 0..=(round % 8) * 8 {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let position = (random >> 20) as usize % content.len();
            content[position] ^= 1 << (random >> 61);
        }
        fs::write(&path, &content).unwrap();
        for start in 1.. {
            let output = std::process::Command::new(std::env::current_exe().unwrap())
                .arg("store::tests::damage::a_file_damaged_anywhere_costs_at_most_one_restart")
                .arg("--exact")
                .env(CHILD_ENV, &path)
                .env("RUST_BACKTRACE", "0")
                .output()
                .unwrap();
            if output.status.success() {
                break;
            }
            let said = String::from_utf8_lossy(&output.stdout);
            let ended_by_redb = output.status.code().is_none();
            assert!(ended_by_redb && start < 2, "round {round}: {said}");
            restarts += 1;
        }
        for aside in aside_files(&path) {
            fs::remove_file(aside).unwrap();
            set_aside += 1;
        }
    }
    println!("{DAMAGED_FILES} damaged files: {set_aside} set aside, {restarts} restarts");
    assert!(set_aside > 0, "no round hit anything that matters");
}

#[test]
fn what_the_system_refuses_is_reported_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("l2.redb");
    fs::create_dir(&path).unwrap();
    let error = RedbStore::open(&path, manual()).unwrap_err();
    assert!(matches!(error, StoreError::Unreadable { .. }), "{error:?}");
    let message = error.to_string();
    assert!(message.contains(&*path.to_string_lossy()), "{message}");
    assert!(message.contains("choose another data folder"), "{message}");
    assert!(path.is_dir());
    assert!(aside_files(&path).is_empty());

    let missing = folder.path().join("no/such/folder/l2.redb");
    let error = RedbStore::open(&missing, manual()).unwrap_err();
    assert!(matches!(error, StoreError::Unreadable { .. }), "{error:?}");
}

#[test]
fn a_file_without_permission_is_reported_and_left_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("l2.redb");
    filled(&path, 1);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::File::open(&path).is_ok() {
        // The folder in the file's place (above) takes the same way here.
        println!("as root permissions do not bind; checking that the file opens instead");
        assert_eq!(open(&path).usage().entries, 1);
        return;
    }
    let error = RedbStore::open(&path, manual()).unwrap_err();
    assert!(matches!(error, StoreError::Unreadable { .. }), "{error:?}");
    assert!(aside_files(&path).is_empty());
}
