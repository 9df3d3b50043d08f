//! The rules of the cache, one test each. Exactness under random use is
//! `model`'s.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use super::*;

const SECOND_US: i64 = 1_000_000;
/// The anchored date at monotonic zero.
const EPOCH_US: i64 = 1_700_000_000 * SECOND_US;

fn at(seconds: i64) -> Now {
    let elapsed_us = seconds * SECOND_US;
    Now {
        mono_us: elapsed_us as u64,
        dated_us: EPOCH_US + elapsed_us,
    }
}

fn put(cache: &mut Cache, seconds: i64, namespace: &str, key: &str) -> Option<Stamp> {
    cache
        .put(at(seconds), namespace, key, key.into(), Options::default())
        .expect("proper put")
}

/// Whether a key is found in memory.
fn hits(cache: &mut Cache, seconds: i64, namespace: &str, key: &str) -> bool {
    matches!(cache.get(at(seconds), namespace, key), Ok(Lookup::Hit(_)))
}

fn stored(put_at_seconds: i64, life_seconds: i64, memory_life_seconds: i64) -> Stored {
    Stored {
        value: b"stored".to_vec(),
        content_type: "text/plain".into(),
        tags: vec!["room".into()],
        stamp: Stamp {
            put_at_us: at(put_at_seconds).dated_us,
            life_us: life_seconds * SECOND_US,
            memory_life_us: memory_life_seconds * SECOND_US,
        },
    }
}

fn limited(capacity: u32) -> Cache {
    let mut cache = Cache::new();
    cache
        .configure(
            None,
            Settings {
                capacity,
                ..Settings::default()
            },
        )
        .expect("proper settings");
    cache
}

fn keys(places: &[Place]) -> Vec<&str> {
    places.iter().map(|place| place.key.as_str()).collect()
}

#[test]
fn a_hit_gives_value_type_and_remaining_life() {
    let mut cache = Cache::new();
    let options = Options {
        content_type: "application/json".into(),
        ..Options::default()
    };
    cache
        .put(at(0), "a", "k", b"null".to_vec(), options)
        .expect("proper put");
    let expected = Entry {
        value: b"null",
        content_type: "application/json",
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
        Ok(Some(60 * SECOND_US))
    );
    assert_eq!(cache.totals(None).memory_entries, 0);
}

#[test]
fn a_memory_only_namespace_never_asks_the_store() {
    let mut cache = Cache::new();
    let settings = Settings {
        levels: Levels::MemoryOnly,
        ..Settings::default()
    };
    cache
        .configure(Some("a"), settings)
        .expect("proper settings");
    assert_eq!(cache.get(at(0), "a", "k"), Ok(Lookup::Miss));
    assert_eq!(put(&mut cache, 0, "a", "k"), None);
    assert!(hits(&mut cache, 0, "a", "k"));
    assert_eq!(
        cache.admit(at(0), "a", "left over", Some(stored(0, 60, 60))),
        Ok(None)
    );
}

#[test]
fn a_value_over_the_limit_is_refused_and_the_older_one_stays() {
    let mut cache = Cache::new();
    let settings = Settings {
        max_value_bytes: 3,
        ..Settings::default()
    };
    cache
        .configure(Some("a"), settings)
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
        .configure(
            Some("a"),
            Settings {
                max_bytes: 10,
                ..Settings::default()
            },
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
        .configure(
            Some("a"),
            Settings {
                max_bytes: 8,
                ..Settings::default()
            },
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
fn smaller_bounds_evict_the_least_recently_used_at_once() {
    let mut cache = Cache::new();
    for key in ["1", "2", "3", "4"] {
        put(&mut cache, 0, "a", key);
        put(&mut cache, 0, "b", key);
    }
    cache.resize(Some("a"), 2).expect("proper name");
    assert_eq!(
        keys(&cache.clone().clear(at(0), None)),
        ["3", "4", "1", "2", "3", "4"]
    );
    cache.resize(None, 1).expect("always proper");
    assert_eq!(keys(&cache.clear(at(0), None)), ["4", "4"]);
    assert_eq!(cache.totals(None).memory.evictions, 6);
}

#[test]
fn settings_for_all_leave_namespaces_with_their_own_alone() {
    let mut cache = Cache::new();
    cache
        .configure(Some("own"), Settings::default())
        .expect("proper settings");
    put(&mut cache, 0, "known", "k");
    let settings = Settings {
        disk_life_us: 7,
        ..Settings::default()
    };
    cache.configure(None, settings).expect("proper settings");
    for (namespace, life_us) in [
        ("own", 3600 * SECOND_US),
        ("known", 7),
        ("new", 7),
        ("devices", 7),
    ] {
        let stamp = put(&mut cache, 0, namespace, "k");
        assert_eq!(
            stamp.map(|stamp| stamp.life_us),
            Some(life_us),
            "{namespace}"
        );
    }
}

#[test]
fn a_namespace_named_like_a_class_lives_as_long_until_told_otherwise() {
    let mut cache = Cache::new();
    for (namespace, memory_seconds, disk_seconds) in [
        ("devices", 1800, 1800),
        ("scenes", 900, 900),
        ("live", 15, 15),
        ("devices2", 300, 3600),
    ] {
        let stamp = put(&mut cache, 0, namespace, "k").expect("both levels");
        let seconds = (stamp.memory_life_us / SECOND_US, stamp.life_us / SECOND_US);
        assert_eq!(seconds, (memory_seconds, disk_seconds), "{namespace}");
    }
}

#[test]
fn refused_settings_are_told_by_kind_and_change_nothing() {
    let mut cache = Cache::new();
    let proper = Settings::default();
    for (settings, unsupported) in [
        (
            Settings {
                eviction: Eviction::WTinyLfu,
                ..proper
            },
            true,
        ),
        (
            Settings {
                eviction: Eviction::S3Fifo,
                ..proper
            },
            true,
        ),
        (
            Settings {
                memory_life_us: 0,
                ..proper
            },
            false,
        ),
        (
            Settings {
                disk_life_us: -1,
                ..proper
            },
            false,
        ),
        (
            Settings {
                disk_life_us: i64::MAX,
                ..proper
            },
            false,
        ),
    ] {
        let refused = cache.configure(
            None,
            Settings {
                capacity: 0,
                ..settings
            },
        );
        match refused {
            Err(Error::Unsupported(text)) => assert!(unsupported && text.contains("lru"), "{text}"),
            Err(Error::InvalidArgument(text)) => {
                assert!(!unsupported && text.contains("life"), "{text}")
            }
            other => panic!("{settings:?} gave {other:?}"),
        }
    }
    put(&mut cache, 0, "a", "k");
    assert!(hits(&mut cache, 0, "a", "k"), "capacity 0 was not taken");
}

#[test]
fn names_and_labels_outside_their_bounds_are_refused() {
    let long = |bytes: usize| "x".repeat(bytes);
    let tags = |count: usize, bytes: usize| vec![long(bytes); count];
    let options = |content_type, tags| Options {
        content_type,
        tags,
        ..Options::default()
    };
    for (namespace, key, options, accepted) in [
        (
            long(255),
            long(1024),
            options(long(255), tags(16, 255)),
            true,
        ),
        (long(256), long(1), Options::default(), false),
        (String::new(), long(1), Options::default(), false),
        (long(1), long(1025), Options::default(), false),
        (long(1), long(1), options(long(256), Vec::new()), false),
        (long(1), long(1), options(String::new(), tags(17, 1)), false),
        (
            long(1),
            long(1),
            options(String::new(), tags(1, 256)),
            false,
        ),
    ] {
        let mut cache = Cache::new();
        let outcome = cache.put(at(0), &namespace, &key, Vec::new(), options);
        assert_eq!(outcome.is_ok(), accepted, "{outcome:?}");
        assert_eq!(cache.totals(None).memory_entries, u32::from(accepted));
    }
}

#[test]
fn lives_of_one_write_are_checked_and_replace_those_of_the_namespace() {
    let mut cache = Cache::new();
    for refused in [0, -SECOND_US, i64::MAX] {
        for options in [
            Options {
                memory_life_us: Some(refused),
                ..Options::default()
            },
            Options {
                disk_life_us: Some(refused),
                ..Options::default()
            },
        ] {
            let outcome = cache.put(at(0), "a", "k", Vec::new(), options);
            assert!(
                matches!(outcome, Err(Error::InvalidArgument(_))),
                "{refused}: {outcome:?}"
            );
        }
    }
    let options = Options {
        memory_life_us: Some(5),
        disk_life_us: Some(9),
        ..Options::default()
    };
    let stamp = cache.put(at(2), "a", "k", Vec::new(), options);
    let expected = Stamp {
        put_at_us: at(2).dated_us,
        life_us: 9,
        memory_life_us: 5,
    };
    assert_eq!(stamp, Ok(Some(expected)));
}

#[test]
fn a_promoted_record_lives_no_longer_than_it_has_left() {
    for (put_at, life, memory_life, now, remaining, in_memory) in [
        (0, 3600, 300, 100, 3500, 300),
        (0, 3600, 300, 3500, 100, 100),
        (0, 60, 300, 59, 1, 1),
        // Dated in the future: counts as put now.
        (500, 60, 300, 100, 60, 60),
    ] {
        let mut cache = Cache::new();
        let record = Some(stored(put_at, life, memory_life));
        assert_eq!(
            cache.admit(at(now), "a", "k", record),
            Ok(Some(remaining * SECOND_US))
        );
        let Ok(Lookup::Hit(entry)) = cache.get(at(now), "a", "k") else {
            panic!("not promoted")
        };
        assert_eq!(
            (entry.remaining_us, entry.content_type),
            (in_memory * SECOND_US, "text/plain")
        );
    }
}

#[test]
fn an_expired_record_is_an_expiration_and_a_miss() {
    let mut cache = Cache::new();
    assert_eq!(
        cache.admit(at(60), "a", "k", Some(stored(0, 60, 60))),
        Ok(None)
    );
    assert_eq!(cache.admit(at(60), "a", "k", None), Ok(None));
    let totals = cache.totals(Some("a"));
    assert_eq!(
        totals.disk,
        LevelTotals {
            misses: 2,
            expirations: 1,
            ..LevelTotals::default()
        }
    );
    assert_eq!(totals.memory_entries, 0);
}

#[test]
fn admitting_an_older_record_keeps_what_was_written_since() {
    let mut cache = Cache::new();
    put(&mut cache, 10, "a", "k");
    assert_eq!(
        cache.admit(at(11), "a", "k", Some(stored(5, 60, 60))),
        Ok(Some(54 * SECOND_US))
    );
    let Ok(Lookup::Hit(entry)) = cache.get(at(11), "a", "k") else {
        panic!("gone")
    };
    assert_eq!(entry.value, b"k");
    cache
        .admit(at(12), "a", "k", Some(stored(11, 60, 60)))
        .expect("proper record");
    let Ok(Lookup::Hit(entry)) = cache.get(at(12), "a", "k") else {
        panic!("gone")
    };
    assert_eq!(
        entry.value, b"stored",
        "another writer's later record counts"
    );
}

#[test]
fn admitting_a_record_twice_does_not_lengthen_its_stay() {
    let mut cache = Cache::new();
    for seconds in [0, 50] {
        cache
            .admit(at(seconds), "a", "k", Some(stored(0, 3600, 60)))
            .expect("proper record");
    }
    assert!(!hits(&mut cache, 60, "a", "k"));
}

#[test]
fn a_record_with_a_nonsense_stamp_is_refused() {
    let mut cache = Cache::new();
    for record in [
        stored(0, 0, 60),
        stored(0, -1, 60),
        stored(0, 60, 0),
        stored(0, 11 * 366 * 86_400, 60),
    ] {
        let refused = cache.admit(at(0), "a", "k", Some(record));
        assert!(
            matches!(refused, Err(Error::InvalidArgument(_))),
            "{refused:?}"
        );
    }
    assert_eq!(cache.totals(None), Totals::default());
}

#[test]
fn the_hit_rate_is_of_both_levels_over_all_reads() {
    let mut cache = Cache::new();
    assert!(cache.totals(None).hit_rate.abs() < f64::EPSILON);
    for key in ["below", "nowhere"] {
        assert_eq!(cache.get(at(0), "a", key), Ok(Lookup::Below));
    }
    cache
        .admit(at(0), "a", "below", Some(stored(0, 60, 60)))
        .expect("proper record");
    cache
        .admit(at(0), "a", "nowhere", None)
        .expect("proper key");
    assert!(hits(&mut cache, 0, "a", "below"));
    assert!(hits(&mut cache, 0, "a", "below"));
    for totals in [cache.totals(None), cache.totals(Some("a"))] {
        assert_eq!((totals.memory.hits, totals.memory.misses), (2, 2));
        assert_eq!((totals.disk.hits, totals.disk.misses), (1, 1));
        assert!((totals.hit_rate - 0.75).abs() < f64::EPSILON);
    }
    assert_eq!(cache.totals(Some("unknown")), Totals::default());
}

#[test]
fn removals_list_live_keys_only() {
    let mut cache = Cache::new();
    let tagged = |tag: &str, seconds: i64| Options {
        tags: vec![tag.to_string()],
        memory_life_us: Some(seconds * SECOND_US),
        ..Options::default()
    };
    for (namespace, key, tag, life) in [
        ("n", "context:a:1", "porch", 100),
        ("n", "context:a:2", "hall", 1),
        ("n", "context:b:1", "hall", 100),
        ("m", "context:a:1", "hall", 100),
    ] {
        cache
            .put(at(0), namespace, key, Vec::new(), tagged(tag, life))
            .expect("proper put");
    }
    let mut other = cache.clone();
    let gone = other
        .invalidate(at(2), "n", "context:a:*")
        .expect("proper pattern");
    assert_eq!(keys(&gone), ["context:a:1"]);
    assert!(hits(&mut other, 2, "n", "context:b:1"));

    let mut other = cache.clone();
    assert_eq!(
        keys(&other.invalidate_tag(at(2), Some("n"), "hall")),
        ["context:b:1"]
    );
    assert_eq!(
        keys(&other.invalidate_tag(at(2), None, "hall")),
        ["context:a:1"]
    );
    assert_eq!(keys(&other.clear(at(2), None)), ["context:a:1"]);

    assert_eq!(cache.delete(at(2), "n", "context:a:1"), Ok(true));
    assert_eq!(cache.delete(at(2), "n", "context:a:1"), Ok(false));
    assert_eq!(cache.delete(at(2), "n", "context:a:2"), Ok(false), "dead");
    assert_eq!(cache.delete(at(2), "unknown", "k"), Ok(false));
    assert_eq!(keys(&cache.clear(at(2), Some("n"))), ["context:b:1"]);
    assert!(hits(&mut cache, 2, "m", "context:a:1"));
}

#[test]
fn a_malformed_pattern_removes_nothing() {
    let mut cache = Cache::new();
    put(&mut cache, 0, "a", "k");
    assert!(matches!(
        cache.invalidate(at(0), "a", "k["),
        Err(Error::InvalidArgument(_))
    ));
    assert!(matches!(
        cache.matching("k[", &["k"]),
        Err(Error::InvalidArgument(_))
    ));
    assert!(hits(&mut cache, 0, "a", "k"));
    assert_eq!(cache.matching("k?", &["k", "k1", "k12"]), Ok(vec![0, 1, 0]));
}

#[test]
fn stamps_are_alive_as_long_as_their_records_would_be_admitted() {
    let cache = Cache::new();
    let put_at = [0, 0, 99, 200, 0, 0].map(|seconds| at(seconds).dated_us);
    let lives = [
        100 * SECOND_US,
        101 * SECOND_US,
        SECOND_US + 1,
        1,
        0,
        i64::MIN,
    ];
    assert_eq!(
        cache.alive(at(100), &put_at, &lives),
        Ok(vec![0, 1, 1, 1, 0, 0])
    );
    assert!(matches!(
        cache.alive(at(0), &put_at, &[1]),
        Err(Error::InvalidArgument(_))
    ));
    assert_eq!(cache.sweep_before(at(100)), at(100).dated_us);
}

#[test]
fn what_the_store_removed_counts_in_the_totals_of_all() {
    let mut cache = Cache::new();
    put(&mut cache, 0, "a", "k");
    cache.note_removed(3, 4);
    let disk = cache.totals(None).disk;
    assert_eq!((disk.evictions, disk.expirations), (3, 4));
    assert_eq!(cache.totals(Some("a")).disk, LevelTotals::default());
}

#[test]
fn the_disk_is_trimmed_by_the_bounds_that_were_set() {
    let mut cache = Cache::new();
    let held = Usage {
        entries: 50_001,
        bytes: 0,
    };
    assert_eq!(
        cache.trim(held),
        Some(Usage {
            entries: 45_000,
            bytes: (64 << 20) - (64 << 20) / 10
        })
    );
    cache.set_disk_bounds(Usage {
        entries: 100_000,
        bytes: 1,
    });
    assert_eq!(cache.trim(held), None);
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
fn a_namespace_in_use_never_makes_room_and_an_idle_one_does() {
    let mut cache = Cache::new();
    for number in 0..1000 {
        put(&mut cache, 0, &format!("n{number}"), "k");
    }
    let refused = cache.put(at(1), "one more", "k", Vec::new(), Options::default());
    assert!(matches!(refused, Err(Error::TooLarge(_))), "{refused:?}");
    assert_eq!(
        cache.get(at(1), "one more", "k"),
        Ok(Lookup::Below),
        "the store may have it"
    );
    assert_eq!(
        cache.admit(at(1), "one more", "k", Some(stored(0, 60, 60))),
        Ok(Some(59 * SECOND_US))
    );
    assert!(!hits(&mut cache, 1, "one more", "k"));

    assert!(hits(&mut cache, 1, "n500", "k"));
    cache.clear(at(1), Some("n500"));
    put(&mut cache, 1, "one more", "k");
    assert!(hits(&mut cache, 1, "one more", "k"));
    assert!(
        hits(&mut cache, 1, "n999", "k"),
        "those behind it are found in their new places"
    );
    assert_eq!(cache.totals(Some("n500")), Totals::default());
    let totals = cache.totals(None);
    assert_eq!(
        (totals.memory.hits, totals.memory.misses, totals.disk.hits),
        (3, 2, 1)
    );
}

#[test]
fn a_moment_that_falls_behind_revives_nothing() {
    let mut cache = Cache::new();
    put(&mut cache, 0, "a", "k");
    assert!(!hits(&mut cache, 300, "a", "other"));
    assert!(!hits(&mut cache, 10, "a", "k"));
}
