//! How namespaces are kept, and what a call may carry.

use alloc::format;

use super::*;

#[test]
fn smaller_bounds_evict_the_least_recently_used_at_once() {
    let mut cache = Cache::new();
    for key in ["1", "2", "3", "4"] {
        put(&mut cache, 0, "a", key);
        put(&mut cache, 0, "b", key);
    }
    cache.resize(0, Some("a"), 2).expect("proper name");
    assert_eq!(
        keys(&cache.clone().clear(at(0), None)),
        ["3", "4", "1", "2", "3", "4"]
    );
    cache.resize(0, None, 1).expect("always proper");
    assert_eq!(keys(&cache.clear(at(0), None)), ["4", "4"]);
    assert_eq!(cache.totals(None).memory.evictions, 6);
}

#[test]
fn settings_for_all_leave_namespaces_with_their_own_alone() {
    let mut cache = Cache::new();
    cache
        .configure_own(0, "own", Settings::default().into())
        .expect("proper settings");
    put(&mut cache, 0, "known", "k");
    let settings = Settings {
        disk_life_us: 7,
        ..Settings::default()
    };
    cache.configure(0, settings).expect("proper settings");
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
fn what_a_namespace_has_of_its_own_lies_over_what_holds_for_all() {
    let mut cache = Cache::new();
    let own = OwnSettings {
        memory_life_us: Some(5),
        ..OwnSettings::default()
    };
    let lives = |cache: &mut Cache, namespace| {
        put(cache, 0, namespace, "k").map(|stamp| (stamp.memory_life_us, stamp.life_us))
    };
    for namespace in ["a", "devices"] {
        let told = cache.configure_own(0, namespace, own);
        told.expect("proper settings");
    }
    assert_eq!(lives(&mut cache, "a"), Some((5, 3600 * SECOND_US)));
    // A class has its lives in what it has none of its own.
    assert_eq!(lives(&mut cache, "devices"), Some((5, 1800 * SECOND_US)));

    let settings = Settings {
        memory_life_us: 7,
        disk_life_us: 8,
        ..Settings::default()
    };
    cache.configure(0, settings).expect("proper settings");
    assert_eq!(lives(&mut cache, "a"), Some((5, 8)));

    let nothing = OwnSettings::default();
    let told = cache.configure_own(0, "a", nothing);
    told.expect("proper settings");
    assert_eq!(lives(&mut cache, "a"), Some((7, 8)));
}

#[test]
fn a_room_of_its_own_is_kept_until_all_get_another() {
    let mut cache = Cache::new();
    cache.resize(0, Some("a"), 2).expect("proper name");
    let settings = Settings {
        capacity: 1,
        ..Settings::default()
    };
    cache.configure(0, settings).expect("proper settings");
    let held = |cache: &mut Cache| {
        for key in ["1", "2", "3", "4"] {
            put(cache, 0, "a", key);
            put(cache, 0, "b", key);
        }
        keys(&cache.clone().clear(at(0), None)).len()
    };
    assert_eq!(held(&mut cache), 2 + 1);
    cache.resize(0, None, 3).expect("always proper");
    assert_eq!(held(&mut cache), 3 + 3);
}

#[test]
fn nothing_of_its_own_is_no_namespace() {
    let mut cache = Cache::new();
    for number in 0..2_000 {
        let name = format!("{number}");
        let told = cache.configure_own(0, &name, OwnSettings::default());
        told.expect("nothing is kept for it");
    }
    put(&mut cache, 0, "a", "k");
}

#[test]
fn a_namespace_named_like_a_class_lives_as_long_until_told_otherwise() {
    let mut cache = Cache::new();
    for (namespace, memory_seconds, disk_seconds) in [
        ("devices", 1800, 1800),
        ("areas", 1800, 1800),
        ("services", 900, 900),
        ("helpers", 900, 900),
        ("scenes", 900, 900),
        ("entities", 300, 300),
        ("live", 15, 15),
        ("recent", 300, 300),
        ("static", 3600, 3600),
        ("devices2", 300, 3600),
    ] {
        let stamp = put(&mut cache, 0, namespace, "k").expect("both levels");
        let seconds = (stamp.memory_life_us / SECOND_US, stamp.life_us / SECOND_US);
        assert_eq!(seconds, (memory_seconds, disk_seconds), "{namespace}");
    }
}

#[test]
fn bounds_for_all_leave_the_lives_of_classes() {
    let mut cache = Cache::new();
    put(&mut cache, 0, "live", "before");
    let settings = Settings {
        capacity: 7,
        ..Settings::default()
    };
    cache.configure(0, settings).expect("proper settings");
    for (namespace, seconds) in [("live", 15), ("devices", 1800)] {
        let stamp = put(&mut cache, 0, namespace, "k").expect("both levels");
        assert_eq!(
            (stamp.memory_life_us, stamp.life_us),
            (seconds * SECOND_US, seconds * SECOND_US),
            "{namespace}"
        );
    }
    for number in 0..10 {
        put(&mut cache, 0, "devices", &format!("{number}"));
    }
    assert_eq!(cache.totals(Some("devices")).memory_entries, 7);
}

#[test]
fn what_has_ended_makes_room_before_what_lives() {
    let mut cache = Cache::new();
    put(&mut cache, 0, "a", "lives");
    let short = Options {
        memory_life_us: Some(10 * SECOND_US),
        ..Options::default()
    };
    cache
        .put(at(1), "a", "ends", Vec::new(), short)
        .expect("proper write");
    cache
        .resize(at(11).mono_us, Some("a"), 1)
        .expect("proper name");
    assert!(hits(&mut cache, 11, "a", "lives"));
    let totals = cache.totals(Some("a")).memory;
    assert_eq!((totals.expirations, totals.evictions), (1, 0));
}

#[test]
fn what_is_stale_makes_room_before_what_is_fresh() {
    let mut cache = Cache::new();
    let settings = Settings {
        capacity: 2,
        levels: Levels::MemoryOnly,
        ..Settings::default()
    };
    cache
        .configure_own(0, "a", settings.into())
        .expect("proper settings");
    let stale = StaleLives {
        while_revalidate_us: 1_000 * SECOND_US,
        if_error_us: 0,
    };
    let lives = |memory_life_seconds| Options {
        memory_life_us: Some(memory_life_seconds * SECOND_US),
        stale: Some(stale),
        ..Options::default()
    };
    for (seconds, key, life_seconds) in [(0, "fresh", 250), (1, "stale", 10), (100, "new", 250)] {
        cache
            .put(at(seconds), "a", key, Vec::new(), lives(life_seconds))
            .expect("proper write");
    }
    assert!(hits(&mut cache, 100, "a", "fresh"));
    assert!(hits(&mut cache, 100, "a", "new"));
    assert_eq!(cache.totals(Some("a")).memory.evictions, 1);
}

#[test]
fn refused_settings_change_nothing() {
    let mut cache = Cache::new();
    let proper = Settings::default();
    for settings in [
        Settings {
            memory_life_us: 0,
            ..proper
        },
        Settings {
            disk_life_us: -1,
            ..proper
        },
        Settings {
            disk_life_us: i64::MAX,
            ..proper
        },
    ] {
        let refused = cache.configure(
            0,
            Settings {
                capacity: 0,
                ..settings
            },
        );
        match refused {
            Err(Error::InvalidArgument(text)) => assert!(text.contains("life"), "{text}"),
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
    let options = |tags| Options {
        tags,
        ..Options::default()
    };
    for (namespace, key, options, accepted) in [
        (long(255), long(1024), options(tags(16, 255)), true),
        (long(256), long(1), Options::default(), false),
        (String::new(), long(1), Options::default(), false),
        (long(1), long(1025), Options::default(), false),
        (long(1), long(1), options(tags(17, 1)), false),
        (long(1), long(1), options(tags(1, 256)), false),
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
        stale: StaleLives::default(),
    };
    assert_eq!(stamp, Ok(Some(expected)));
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
        Ok(Admitted::Hit(59 * SECOND_US))
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
