//! The store behind memory: promotion, stamps, bounds, counting.

use super::*;

#[test]
fn a_memory_only_namespace_never_asks_the_store() {
    let mut cache = Cache::new();
    let settings = Settings {
        levels: Levels::MemoryOnly,
        ..Settings::default()
    };
    cache
        .configure_own(0, "a", settings.into())
        .expect("proper settings");
    assert_eq!(cache.get(at(0), "a", "k"), Ok(Lookup::Miss));
    assert_eq!(put(&mut cache, 0, "a", "k"), None);
    assert!(hits(&mut cache, 0, "a", "k"));
    assert_eq!(
        cache.admit(at(0), "a", "left over", Some(stored(0, 60, 60))),
        Ok(Admitted::Remove)
    );
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
            Ok(Admitted::Hit(remaining * SECOND_US))
        );
        let Ok(Lookup::Hit(entry)) = cache.get(at(now), "a", "k") else {
            panic!("not promoted")
        };
        assert_eq!(
            (entry.remaining_us, entry.media_type),
            (in_memory * SECOND_US, 7)
        );
    }
}

#[test]
fn an_expired_record_is_an_expiration_and_a_miss() {
    let mut cache = Cache::new();
    assert_eq!(
        cache.admit(at(60), "a", "k", Some(stored(0, 60, 60))),
        Ok(Admitted::Remove)
    );
    assert_eq!(cache.admit(at(60), "a", "k", None), Ok(Admitted::Miss));
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
        Ok(Admitted::Hit(54 * SECOND_US))
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
fn a_memory_only_namespace_refuses_what_memory_has_no_room_for() {
    let mut cache = Cache::new();
    let settings = Settings {
        levels: Levels::MemoryOnly,
        max_bytes: 10,
        ..Settings::default()
    };
    cache
        .configure_own(0, "live", settings.into())
        .expect("proper settings");
    let mut put = |bytes| cache.put(at(0), "live", "key", vec![0; bytes], Options::default());
    assert_eq!(put(7), Ok(None));
    assert!(matches!(put(8), Err(Error::TooLarge(_))));
    assert!(hits(&mut cache, 1, "live", "key"), "the value before stays");
}
