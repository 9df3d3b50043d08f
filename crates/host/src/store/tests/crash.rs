//! kill -9: what was reported durable is there afterwards, whole, and the
//! store opens at once.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::super::{L2Store, RedbOptions, RedbStore, Usage};
use super::{manual, open, record, value};

/// Set for the process that is killed: the path of its store.
const CHILD_ENV: &str = "WEIRHOUSE_TEST_KILLED_STORE";
/// How often it is killed at least.
const KILLS: u64 = 10;
/// Keys are reused, so that overwriting, removing and trimming are hit too.
const KEYS: u64 = 300;

fn contents(number: u64) -> Vec<u8> {
    number.to_le_bytes().repeat(40)
}

fn key(number: u64) -> String {
    format!("key-{}", number % KEYS)
}

/// What the killed process does.
fn write_until_killed(path: &Path) {
    let options = RedbOptions {
        flush_interval: Duration::from_millis(2),
        ..RedbOptions::default()
    };
    let store = RedbStore::open(path, options).unwrap().store;
    let durable = store.durable();
    let mut waiting = std::collections::VecDeque::new();
    let mut stdout = std::io::stdout().lock();
    let first = store.get("counter", "next").unwrap().map_or(0, |next| {
        u64::from_le_bytes(next.value[..8].try_into().unwrap())
    });
    for number in first.. {
        let next = record(contents(number + 1));
        store
            .put("ns", &key(number), record(contents(number)))
            .unwrap();
        let ticket = store.put("counter", "next", next).unwrap();
        waiting.push_back((ticket, number));
        let done = *durable.borrow();
        while let Some((_, number)) = waiting.pop_front_if(|(ticket, _)| *ticket <= done) {
            writeln!(stdout, "durable {number}").unwrap();
        }
        stdout.flush().unwrap();
        if number % 50 == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Runs this test once more as the process to kill, kills it after `life`, says the last number it reported.
fn run_and_kill(path: &Path, life: Duration) -> Option<u64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .arg("store::tests::crash::kill_9_loses_nothing_that_was_reported_durable")
        .args(["--exact", "--nocapture", "--test-threads=1"])
        .env(CHILD_ENV, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let reader = std::thread::spawn(move || {
        let mut last = None;
        let mut first_at = None;
        for line in stdout.lines().map_while(Result::ok) {
            if let Some(number) = line.strip_prefix("durable ") {
                first_at.get_or_insert_with(Instant::now);
                last = number.parse().ok();
            }
        }
        last
    });
    std::thread::sleep(life);
    child.kill().unwrap();
    let status = child.wait().unwrap();
    assert!(!status.success(), "the child ended by itself");
    reader.join().unwrap()
}

#[test]
fn kill_9_loses_nothing_that_was_reported_durable() {
    if let Some(path) = std::env::var_os(CHILD_ENV) {
        return write_until_killed(Path::new(&path));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("l2.redb");
    let mut reported = 0;
    let mut slowest = Duration::ZERO;
    let mut round = 0;
    // On a slow disk it takes more lives until every key was written over.
    while round < KILLS || reported <= KEYS {
        // Spread over the phases of a commit: no two lives are alike.
        let life = Duration::from_micros(60_000 + round * 23_457);
        let last = run_and_kill(&path, life);
        let began = Instant::now();
        let store = open(&path);
        let reopened = began.elapsed();
        slowest = slowest.max(reopened);
        assert!(reopened < Duration::from_secs(1), "{reopened:?} to reopen");
        reported = reported.max(last.map_or(0, |last| last + 1));
        let next = value(&store, "counter", "next").map_or(0, |next| {
            assert_eq!(
                next,
                contents(u64::from_le_bytes(next[..8].try_into().unwrap()))
            );
            u64::from_le_bytes(next[..8].try_into().unwrap())
        });
        assert!(next >= reported, "{reported} reported, {next} found");
        for number in next.saturating_sub(KEYS)..next {
            let found = value(&store, "ns", &key(number));
            let newer = contents(number + KEYS);
            assert!(
                found == Some(contents(number)) || found == Some(newer),
                "round {round}: {number} of {next} is not what was written"
            );
        }
        assert_eq!(store.health().damaged_records, 0);
        let counted: usize = ["ns", "counter"]
            .iter()
            .map(|ns| store.keys(ns, None, usize::MAX).unwrap().len())
            .sum();
        assert_eq!(store.usage().entries, counted as u64);
        round += 1;
    }
    println!("{round} kills, {reported} durable writes, slowest reopening {slowest:?}");
}

#[test]
fn removals_and_clears_survive_like_writes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("l2.redb");
    let store = open(&path);
    for ns in ["kept", "cleared", "trimmed"] {
        store.put(ns, "a", record(ns)).unwrap();
        store.put(ns, "b", record(ns)).unwrap();
    }
    store.flush().unwrap();
    store.remove("kept", "a").unwrap();
    store.clear(Some("cleared")).unwrap();
    store.put("cleared", "c", record("new")).unwrap();
    store.flush().unwrap();
    // Nothing is committed when the store closes without its writer.
    let copy = folder.path().join("copy.redb");
    std::fs::copy(&path, &copy).unwrap();
    let copy = RedbStore::open(&copy, manual()).unwrap().store;
    assert_eq!(value(&copy, "kept", "a"), None);
    assert_eq!(value(&copy, "kept", "b"), Some(b"kept".to_vec()));
    assert_eq!(value(&copy, "cleared", "a"), None);
    assert_eq!(value(&copy, "cleared", "c"), Some(b"new".to_vec()));
    assert_eq!(copy.clear(None).unwrap().len(), 4);
    copy.flush().unwrap();
    assert_eq!(copy.usage(), Usage::default());
}
