//! Reading and writing in memory: lives, order of use, bounds.

use super::*;

#[test]
fn a_hit_gives_value_type_and_remaining_life() {
    let mut cache = Cache::new();
    let options = Options {
        media_type: 3,
        ..Options::default()
    };
    cache
        .put(at(0), "a", "k", b"null".to_vec(), options)
        .expect("proper put");
    let expected = Entry {
        value: b"null",
        media_type: 3,
        remaining_us: 290 * SECOND_US,
    };
    assert_eq!(cache.get(at(10), "a", "k"), Ok(Lookup::Hit(expected)));
}

#[test]
fn an_empty_value_and_an_empty_key_are_told_from_a_miss() {
    let mut cache = Cache::new();
    cache
        .put(at(0), "a", "", Vec::new(), Options::default())
        .expect("proper put");
    assert!(hits(&mut cache, 1, "a", ""));
    assert!(!hits(&mut cache, 1, "a", "other"));
}

#[test]
fn namespace_and_key_never_run_together() {
    let mut cache = Cache::new();
    put(&mut cache, 0, "a:b", "c");
    assert!(!hits(&mut cache, 0, "a", "b:c"));
    assert!(hits(&mut cache, 0, "a:b", "c"));
}

#[test]
fn reading_never_lengthens_a_life() {
    let mut cache = Cache::new();
    put(&mut cache, 0, "a", "k");
    for seconds in [100, 200, 299] {
        assert!(hits(&mut cache, seconds, "a", "k"), "{seconds} s");
    }
    assert!(!hits(&mut cache, 300, "a", "k"), "ended");
    let memory = cache.totals(Some("a")).memory;
    assert_eq!((memory.hits, memory.misses, memory.expirations), (3, 1, 1));
}

#[test]
fn a_read_touches_and_the_least_recently_used_leaves() {
    let mut cache = limited(2);
    put(&mut cache, 0, "a", "old");
    put(&mut cache, 1, "a", "new");
    assert!(hits(&mut cache, 2, "a", "old"));
    put(&mut cache, 3, "a", "third");
    assert!(!hits(&mut cache, 4, "a", "new"));
    assert!(hits(&mut cache, 4, "a", "old"));
    assert_eq!(cache.totals(Some("a")).memory.evictions, 1);
}

#[test]
fn a_dead_entry_leaves_before_a_live_one() {
    let mut cache = limited(2);
    put(&mut cache, 0, "a", "live");
    let short = Options {
        memory_life_us: Some(SECOND_US),
        ..Options::default()
    };
    cache
        .put(at(0), "a", "dead", Vec::new(), short)
        .expect("proper put");
    put(&mut cache, 2, "a", "third");
    assert!(hits(&mut cache, 2, "a", "live"));
    let memory = cache.totals(Some("a")).memory;
    assert_eq!((memory.evictions, memory.expirations), (0, 1));
}

#[test]
fn capacity_zero_keeps_nothing_and_still_stores() {
    let mut cache = limited(0);
    assert!(put(&mut cache, 0, "a", "k").is_some());
    assert_eq!(cache.get(at(0), "a", "k"), Ok(Lookup::Below));
    assert_eq!(
        cache.admit(at(0), "a", "k", Some(stored(0, 60, 60))),
        Ok(Admitted::Hit(60 * SECOND_US))
    );
    assert_eq!(cache.totals(None).memory_entries, 0);
}

#[test]
fn a_value_over_the_limit_is_refused_and_the_older_one_stays() {
    let mut cache = Cache::new();
    let settings = Settings {
        max_value_bytes: 3,
        ..Settings::default()
    };
    cache
        .configure_own(0, "a", settings.into())
        .expect("proper settings");
    put(&mut cache, 0, "a", "k");
    let refused = cache.put(at(1), "a", "k", vec![0; 4], Options::default());
    assert!(matches!(refused, Err(Error::TooLarge(_))), "{refused:?}");
    assert!(hits(&mut cache, 1, "a", "k"));
}

#[test]
fn a_value_too_large_for_memory_goes_to_disk_and_outdates_the_copy_in_memory() {
    let mut cache = Cache::new();
    cache
        .configure_own(
            0,
            "a",
            Settings {
                max_bytes: 10,
                ..Settings::default()
            }
            .into(),
        )
        .expect("proper settings");
    put(&mut cache, 0, "a", "k");
    let stamp = cache
        .put(at(1), "a", "k", vec![0; 10], Options::default())
        .expect("proper put");
    assert!(stamp.is_some());
    assert_eq!(cache.get(at(1), "a", "k"), Ok(Lookup::Below));
    assert_eq!(cache.totals(Some("a")).memory_bytes, 0);
}

#[test]
fn the_byte_bound_counts_keys_and_values() {
    let mut cache = Cache::new();
    cache
        .configure_own(
            0,
            "a",
            Settings {
                max_bytes: 8,
                ..Settings::default()
            }
            .into(),
        )
        .expect("proper settings");
    for key in ["k1", "k2", "k3"] {
        put(&mut cache, 0, "a", key);
    }
    let totals = cache.totals(Some("a"));
    assert_eq!(
        (
            totals.memory_entries,
            totals.memory_bytes,
            totals.memory.evictions
        ),
        (2, 8, 1)
    );
}

#[test]
fn the_hottest_come_by_use_then_by_recency_over_all_namespaces() {
    let mut cache = Cache::new();
    for (namespace, key, reads) in [
        ("a", "once", 0),
        ("b", "often", 3),
        ("a", "twice", 1),
        ("b", "late", 0),
    ] {
        put(&mut cache, 0, namespace, key);
        for _ in 0..reads {
            assert!(hits(&mut cache, 0, namespace, key));
        }
    }
    assert_eq!(keys(&cache.hottest(9)), ["often", "twice", "late", "once"]);
    assert_eq!(keys(&cache.hottest(1)), ["often"]);
    assert_eq!(cache.hottest(0), []);
}

#[test]
fn a_moment_that_falls_behind_revives_nothing() {
    let mut cache = Cache::new();
    put(&mut cache, 0, "a", "k");
    assert!(!hits(&mut cache, 300, "a", "other"));
    assert!(!hits(&mut cache, 10, "a", "k"));
}
