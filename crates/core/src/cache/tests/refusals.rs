//! A refused call counts nothing, opens no namespace and lets no time pass.

use alloc::format;

use super::*;

const DAY: i64 = 86_400;

/// A cache in which 4,096 keys are being fetched, for a year, and memory has
/// `k` of namespace `a` until second 300.
fn full_of_fetches() -> Cache {
    let mut cache = Cache::new();
    let policy = Policy {
        lease_us: 365 * DAY * SECOND_US,
        ..Policy::default()
    };
    cache.set_policy(policy).expect("proper policy");
    let settings = Settings {
        levels: Levels::MemoryOnly,
        ..Settings::default()
    };
    cache
        .configure_own(0, "memory", settings.into())
        .expect("proper settings");
    put(&mut cache, 0, "a", "k");
    for number in 0..4_096 {
        let answer = cache.ask(at(0), "memory", &format!("k{number}"));
        assert!(matches!(answer, Ok(Answer::Fetch(_))), "{number}");
    }
    cache
}

fn counted(cache: &Cache) -> (Totals, FetchTotals, usize) {
    let namespaces = cache.namespaces.iter().count();
    (cache.totals(None), cache.fetch_totals(None), namespaces)
}

#[test]
fn a_refused_question_counts_nothing() {
    let mut cache = full_of_fetches();
    let before = counted(&cache);
    let refused = cache.ask(at(DAY), "memory", "one more");
    assert!(matches!(refused, Err(Error::TooLarge(_))));
    assert_eq!(counted(&cache), before);
    assert!(hits(&mut cache, 299, "a", "k"));
}

#[test]
fn a_refused_answer_of_the_store_counts_nothing() {
    let mut cache = full_of_fetches();
    let before = counted(&cache);
    // Nothing, and a record whose lives are over: either leaves it to fetch.
    for found in [None, Some(stored(0, 10, 10))] {
        let refused = cache.resume(at(DAY), "new", "k", found);
        assert!(matches!(refused, Err(Error::TooLarge(_))));
    }
    // What a removal covers is refused as if it were not there.
    cache.delete(at(1), "new", "k").expect("proper key");
    let refused = cache.resume(at(2), "new", "k", Some(stored(0, 1_000, 10)));
    assert!(matches!(refused, Err(Error::TooLarge(_))));
    assert_eq!(cache.removal_totals().kept_out, 0);
    assert_eq!(counted(&cache), before);
    assert!(hits(&mut cache, 299, "a", "k"));
}

#[test]
fn what_needs_no_lease_is_answered_however_many_are_given() {
    let mut cache = full_of_fetches();
    let fresh = cache.resume(at(5), "b", "k", Some(stored(0, 1_000, 10)));
    assert!(matches!(fresh, Ok(Resumed::Fresh(_))));
    let mut record = stored(0, 4, 4);
    record.stamp.stale.while_revalidate_us = 10 * SECOND_US;
    let stale = cache.resume(at(5), "b", "other", Some(record));
    assert_eq!(stale, Ok(Resumed::Stale(SECOND_US, None)));
    let again = cache.resume(at(5), "a", "k", None);
    assert_eq!(again, Ok(Resumed::Again));
    let waits = cache.resume(at(5), "memory", "k0", None);
    assert!(matches!(waits, Ok(Resumed::Wait(_))));
    assert!(matches!(cache.ask(at(5), "b", "more"), Ok(Answer::Below)));
}

#[test]
fn a_refused_write_removes_nothing() {
    let mut cache = Cache::new();
    for number in 1..1_000 {
        cache
            .configure_own(0, &format!("own {number}"), Settings::default().into())
            .expect("room for its settings");
    }
    put(&mut cache, 0, "a", "short");
    let long = Options {
        memory_life_us: Some(DAY * SECOND_US),
        ..Options::default()
    };
    cache
        .put(at(0), "a", "long", vec![1], long)
        .expect("proper put");
    let before = counted(&cache);
    let refused = cache.put(at(3_600), "one more", "k", vec![1], Options::default());
    assert!(matches!(refused, Err(Error::TooLarge(_))));
    assert_eq!(counted(&cache), before);
    assert!(hits(&mut cache, 299, "a", "short"));
    // Once nothing lives in the namespace without settings of its own, it
    // makes room.
    put(&mut cache, DAY, "one more", "k");
    assert!(!hits(&mut cache, DAY, "a", "long"));
    assert!(hits(&mut cache, DAY, "one more", "k"));
}

#[test]
fn refused_settings_let_no_time_pass() {
    let mut cache = Cache::new();
    for number in 0..1_000 {
        cache
            .configure_own(0, &format!("own {number}"), Settings::default().into())
            .expect("room for its settings");
    }
    put(&mut cache, 0, "own 0", "k");
    let configured = cache.configure_own(u64::MAX, "one more", Settings::default().into());
    assert!(matches!(configured, Err(Error::TooLarge(_))));
    let resized = cache.resize(u64::MAX, Some("one more"), 5);
    assert!(matches!(resized, Err(Error::TooLarge(_))));
    assert!(hits(&mut cache, 299, "own 0", "k"));
}

#[test]
fn the_end_of_time_leaves_room_for_what_comes() {
    let mut cache = Cache::new();
    cache.resize(u64::MAX, None, 5).expect("any capacity");
    let mut ids = Vec::new();
    for key in ["one", "two", "three"] {
        match cache.resume(at(0), "a", key, None) {
            Ok(Resumed::Fetch(lease)) => ids.push(lease.id),
            other => panic!("{other:?}"),
        }
    }
    assert!(ids.is_sorted_by(|one, other| one < other), "{ids:?}");
}
