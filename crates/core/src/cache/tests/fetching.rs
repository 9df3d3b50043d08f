//! Stale values, nothing, leases.

use alloc::format;

use super::*;

const LIVES: StaleLives = StaleLives {
    while_revalidate_us: 30 * SECOND_US,
    if_error_us: 60 * SECOND_US,
};

pub(super) fn with_policy(policy: Policy) -> Cache {
    let mut cache = Cache::new();
    cache.set_policy(policy).expect("proper policy");
    let settings = Settings {
        levels: Levels::MemoryOnly,
        memory_life_us: 100 * SECOND_US,
        ..Settings::default()
    };
    cache
        .configure_own(0, "memory", settings.into())
        .expect("proper settings");
    cache
}

fn with_stale_lives() -> Cache {
    with_policy(Policy {
        stale: LIVES,
        ..Policy::default()
    })
}

/// Asks, and answers `Below` with what the store has.
fn ask(cache: &mut Cache, seconds: i64, found: Option<&Stored>) -> Resumed {
    match cache.ask(at(seconds), "a", "k").expect("proper key") {
        Answer::Below => cache
            .resume(at(seconds), "a", "k", found.cloned())
            .expect("proper record"),
        Answer::Wait(at_most_us) => Resumed::Wait(at_most_us),
        other => panic!("{other:?}"),
    }
}

fn leased(resumed: Resumed) -> u64 {
    match resumed {
        Resumed::Fetch(lease) | Resumed::Stale(_, Some(lease)) => lease.id,
        other => panic!("{other:?}"),
    }
}

fn fulfil(cache: &mut Cache, seconds: i64, lease: u64, value: &[u8]) -> Fulfilled {
    cache
        .fulfil(
            at(seconds),
            "a",
            "k",
            lease,
            value.to_vec(),
            Options::default(),
        )
        .expect("proper value")
}

/// A record put at zero that lives 100 s, and stale as long as [`LIVES`].
fn record() -> Stored {
    let mut record = stored(0, 100, 50);
    record.stamp.stale = LIVES;
    record
}

#[test]
fn of_fifty_who_ask_one_fetches() {
    let mut cache = Cache::new();
    let mut leases = Vec::new();
    for _ in 0..50 {
        match ask(&mut cache, 0, None) {
            Resumed::Fetch(lease) => leases.push(lease),
            other => assert_eq!(other, Resumed::Wait(30 * SECOND_US)),
        }
    }
    assert_eq!(leases.len(), 1);
    let kept = fulfil(&mut cache, 1, leases[0].id, b"fetched");
    assert!(matches!(kept, Fulfilled::Kept(Some(_))));
    assert!(matches!(
        cache.ask(at(1), "a", "k"),
        Ok(Answer::Fresh(entry)) if entry.value == b"fetched"
    ));
    let totals = cache.fetch_totals(Some("a"));
    let expected = FetchTotals {
        leases: 1,
        coalesced: 49,
        fulfilled: 1,
        ..FetchTotals::default()
    };
    assert_eq!(totals, expected);
    assert_eq!(cache.fetch_totals(None), expected);
    // The store was asked once: the others knew that it has nothing.
    assert_eq!(cache.totals(None).disk.misses, 1);
}

#[test]
fn a_lapsed_lease_goes_to_the_next_who_asks() {
    let mut cache = Cache::new();
    let first = leased(ask(&mut cache, 0, None));
    assert_eq!(ask(&mut cache, 29, None), Resumed::Wait(SECOND_US));
    let second = leased(ask(&mut cache, 30, None));
    assert_ne!(first, second);
    assert_eq!(cache.fetch_totals(None).lapsed, 1);
    // The slow fetch is better than none, and the later one better still.
    assert!(matches!(
        fulfil(&mut cache, 31, first, b"slow"),
        Fulfilled::Kept(_)
    ));
    assert!(matches!(
        fulfil(&mut cache, 32, second, b"later"),
        Fulfilled::Kept(_)
    ));
    assert_eq!(
        fulfil(&mut cache, 33, first, b"again"),
        Fulfilled::Superseded
    );
    assert!(hits(&mut cache, 33, "a", "k"));
}

#[test]
fn a_fetch_that_began_before_something_newer_is_not_taken() {
    type Newer = fn(&mut Cache);
    let newer: [Newer; 7] = [
        |cache| {
            put(cache, 1, "a", "k");
        },
        |cache| {
            cache.delete(at(1), "a", "k").expect("proper key");
        },
        |cache| {
            cache.clear(at(1), Some("a"));
        },
        |cache| {
            cache.clear(at(1), None);
        },
        |cache| {
            cache.invalidate(at(1), "a", "?").expect("proper glob");
        },
        |cache| {
            cache.invalidate_tag(at(1), None, "unknown yet");
        },
        |cache| {
            // A later fetch, of a lease given when the first had lapsed.
            let later = leased(ask(cache, 40, None));
            assert!(matches!(
                fulfil(cache, 40, later, b"later"),
                Fulfilled::Kept(_)
            ));
        },
    ];
    for newer in newer {
        let mut cache = Cache::new();
        let lease = leased(ask(&mut cache, 0, None));
        newer(&mut cache);
        assert_eq!(fulfil(&mut cache, 41, lease, b"old"), Fulfilled::Superseded);
        assert_eq!(cache.nothing(at(41), "a", "k", lease, None), Ok(false));
        let read = cache.get(at(41), "a", "k").expect("proper key");
        assert!(!matches!(read, Lookup::Hit(entry) if entry.value == b"old"));
        assert_eq!(cache.fetch_totals(None).superseded, 2);
    }
}

#[test]
fn what_is_out_of_scope_of_a_removal_is_fetched_on() {
    let mut cache = Cache::new();
    let lease = leased(ask(&mut cache, 0, None));
    cache.delete(at(1), "a", "another").expect("proper key");
    cache.clear(at(1), Some("b"));
    cache.invalidate(at(1), "a", "x*").expect("proper glob");
    assert!(matches!(
        fulfil(&mut cache, 2, lease, b"new"),
        Fulfilled::Kept(_)
    ));
}

#[test]
fn a_lease_settles_its_own_key_only() {
    let mut cache = Cache::new();
    let lease = leased(ask(&mut cache, 0, None));
    let fulfilled = cache.fulfil(at(0), "a", "another", lease, vec![], Options::default());
    assert_eq!(fulfilled, Ok(Fulfilled::Superseded));
    assert_eq!(cache.nothing(at(0), "b", "k", lease, None), Ok(false));
    assert!(matches!(ask(&mut cache, 0, None), Resumed::Wait(_)));
}

#[test]
fn a_refused_value_leaves_the_lease() {
    let mut cache = Cache::new();
    let lease = leased(ask(&mut cache, 0, None));
    let value = vec![0; (1 << 20) + 1];
    let refused = cache.fulfil(at(1), "a", "k", lease, value, Options::default());
    assert!(matches!(refused, Err(Error::TooLarge(_))));
    assert!(matches!(ask(&mut cache, 1, None), Resumed::Wait(_)));
    assert!(matches!(
        fulfil(&mut cache, 2, lease, b"small"),
        Fulfilled::Kept(_)
    ));
}

#[test]
fn a_stale_value_of_the_store_is_served_while_one_fetches() {
    let mut cache = with_stale_lives();
    let record = record();
    assert_eq!(
        ask(&mut cache, 99, Some(&record)),
        Resumed::Fresh(SECOND_US)
    );
    let Resumed::Stale(0, Some(lease)) = ask(&mut cache, 100, Some(&record)) else {
        panic!("one fetches beside it")
    };
    for seconds in [100, 129] {
        assert_eq!(
            ask(&mut cache, seconds, Some(&record)),
            Resumed::Stale((seconds - 100) * SECOND_US, None)
        );
    }
    assert!(matches!(
        fulfil(&mut cache, 129, lease.id, b"new"),
        Fulfilled::Kept(_)
    ));
    assert!(hits(&mut cache, 129, "a", "k"));
    let totals = cache.fetch_totals(None);
    assert_eq!((totals.stale_disk_hits, totals.coalesced), (3, 2));
    assert_eq!(cache.totals(None).disk.hits, 1, "stale is no hit");
}

#[test]
fn past_its_stale_life_a_value_is_not_served() {
    let mut cache = with_stale_lives();
    let lease = leased(ask(&mut cache, 130, Some(&record())));
    // Still kept for an error, to which others stay.
    assert_eq!(
        cache.admit(at(159), "a", "k", Some(record())),
        Ok(Admitted::Miss)
    );
    assert_eq!(cache.warm(at(159), "a", "k", record()), Ok(Admitted::Miss));
    assert_eq!(cache.fail(at(159), "a", "k", lease), Ok(Rescue::Below));
    let rescue = |cache: &mut Cache, seconds| cache.rescue(at(seconds), "a", "k", &record());
    assert_eq!(rescue(&mut cache, 159), Ok(Some(59 * SECOND_US)));
    assert_eq!(rescue(&mut cache, 160), Ok(None));
    assert_eq!(rescue(&mut cache, 50), Ok(Some(0)), "it lives");
    assert_eq!(
        cache.admit(at(160), "a", "k", Some(record())),
        Ok(Admitted::Remove)
    );
    assert_eq!(cache.fetch_totals(None).rescued, 2);
}

#[test]
fn without_stale_lives_nothing_stale_is_served() {
    let mut cache = Cache::new();
    let record = stored(0, 100, 50);
    let lease = leased(ask(&mut cache, 100, Some(&record)));
    assert_eq!(cache.fail(at(100), "a", "k", lease), Ok(Rescue::Below));
    assert_eq!(cache.rescue(at(100), "a", "k", &record), Ok(None));
}

#[test]
fn what_was_removed_is_neither_resumed_nor_rescued() {
    let mut cache = with_stale_lives();
    cache.delete(at(1), "a", "k").expect("proper key");
    for seconds in [2, 110] {
        let lease = leased(ask(&mut cache, seconds, Some(&record())));
        assert_eq!(cache.fail(at(seconds), "a", "k", lease), Ok(Rescue::Below));
        assert_eq!(cache.rescue(at(seconds), "a", "k", &record()), Ok(None));
    }
}

#[test]
fn where_nothing_is_stored_memory_keeps_what_may_be_served_stale() {
    let mut cache = with_stale_lives();
    put(&mut cache, 0, "memory", "k");
    let ask = |cache: &mut Cache, seconds| match cache.ask(at(seconds), "memory", "k") {
        Ok(Answer::Fresh(entry)) => (entry.remaining_us / SECOND_US, None),
        Ok(Answer::Stale(stale, lease)) => {
            assert_eq!(stale.value, b"k");
            (-stale.stale_for_us / SECOND_US, lease)
        }
        Ok(Answer::Fetch(lease)) => (i64::MIN, Some(lease)),
        other => panic!("{other:?}"),
    };
    assert_eq!(ask(&mut cache, 99), (1, None));
    assert_eq!(cache.get(at(100), "memory", "k"), Ok(Lookup::Miss));
    assert_eq!(cache.hottest(9), [], "it is no longer fresh");
    let (stale_for, lease) = ask(&mut cache, 100);
    assert_eq!(stale_for, 0);
    assert_eq!(ask(&mut cache, 101), (-1, None), "somebody fetches");
    let (_, another) = ask(&mut cache, 130);
    assert_ne!(lease.expect("the first").id, another.expect("it lapsed").id);

    let lease = another.expect("it lapsed").id;
    let rescued = cache.fail(at(159), "memory", "k", lease);
    assert!(matches!(rescued, Ok(Rescue::Value(stale)) if stale.stale_for_us == 59 * SECOND_US));
    assert_eq!(
        cache.fail(at(160), "memory", "k", lease),
        Ok(Rescue::Nothing)
    );
    let totals = cache.fetch_totals(Some("memory"));
    assert_eq!(
        (totals.stale_memory_hits, totals.failed, totals.rescued),
        (2, 1, 1)
    );
    assert!(!hits(&mut cache, 160, "memory", "k"));
    assert_eq!(cache.totals(Some("memory")).memory.expirations, 1);
}

#[test]
fn a_removal_takes_what_is_stale_and_counts_what_is_fresh() {
    let mut cache = with_stale_lives();
    put(&mut cache, 0, "memory", "old");
    put(&mut cache, 50, "memory", "new");
    let mut other = cache.clone();
    assert_eq!(keys(&other.clear(at(110), Some("memory"))), ["new"]);
    assert_eq!(other.totals(None).memory_entries, 0);
    assert_eq!(cache.delete(at(110), "memory", "old"), Ok(false));
    assert!(matches!(
        cache.ask(at(110), "memory", "old"),
        Ok(Answer::Fetch(_))
    ));
}

#[test]
fn lives_of_one_entry_replace_those_of_its_namespace() {
    let mut cache = with_stale_lives();
    let options = Options {
        stale: Some(StaleLives {
            while_revalidate_us: SECOND_US,
            if_error_us: 0,
        }),
        ..Options::default()
    };
    let stamp = cache.put(at(0), "a", "k", vec![], options.clone());
    assert_eq!(
        stamp.map(|stamp| stamp.map(|stamp| stamp.stale)),
        Ok(options.stale)
    );
    cache
        .put(at(0), "memory", "k", vec![], options)
        .expect("proper put");
    assert!(matches!(
        cache.ask(at(100), "memory", "k"),
        Ok(Answer::Stale(..))
    ));
    assert!(matches!(
        cache.ask(at(101), "memory", "k"),
        Ok(Answer::Wait(_))
    ));
    let stamp = put(&mut cache, 0, "a", "another").expect("both levels");
    assert_eq!(stamp.stale, LIVES);
}

#[test]
fn nothing_is_remembered_by_choice_and_never_taken_for_a_value() {
    let negative = Policy {
        negative_life_us: Some(10 * SECOND_US),
        ..Policy::default()
    };
    for (policy, life_us, known_for) in [
        (Policy::default(), None, 0),
        (negative, None, 10),
        (negative, Some(20 * SECOND_US), 20),
        (Policy::default(), Some(20 * SECOND_US), 20),
    ] {
        let mut cache = with_policy(policy);
        let lease = leased(ask(&mut cache, 0, Some(&stored(-99, 1, 1))));
        assert_eq!(cache.nothing(at(1), "a", "k", lease, life_us), Ok(true));
        if known_for > 0 {
            let known = cache.ask(at(known_for), "a", "k");
            assert_eq!(known, Ok(Answer::Nothing(SECOND_US)));
            assert_eq!(cache.get(at(known_for), "a", "k"), Ok(Lookup::Miss));
            assert_eq!(cache.totals(None).memory_entries, 0);
            assert_eq!(cache.hottest(9), []);
            assert_eq!(cache.fetch_totals(None).negative_hits, 2);
        }
        assert_eq!(cache.ask(at(1 + known_for), "a", "k"), Ok(Answer::Below));
        // What the store had is gone for good.
        assert_eq!(cache.poll_removals(9).len(), 1);
        let old = Some(stored(0, 3600, 60));
        assert_eq!(cache.admit(at(2), "a", "k", old), Ok(Admitted::Remove));
    }
}

#[test]
fn a_write_or_removal_ends_what_was_known_to_be_nothing() {
    for end in 0..4 {
        let mut cache = Cache::new();
        let lease = leased(ask(&mut cache, 0, None));
        let known = cache.nothing(at(0), "a", "k", lease, Some(100 * SECOND_US));
        assert_eq!(known, Ok(true));
        match end {
            0 => {
                let empty = cache.put(at(1), "a", "k", vec![], Options::default());
                assert!(empty.is_ok());
                // An empty value is a value.
                assert!(hits(&mut cache, 1, "a", "k"));
                continue;
            }
            1 => drop(cache.delete(at(1), "a", "k")),
            2 => drop(cache.clear(at(1), None)),
            _ => drop(cache.invalidate(at(1), "a", "*")),
        }
        assert_eq!(cache.get(at(1), "a", "k"), Ok(Lookup::Below));
    }
}

#[test]
fn a_failure_is_never_remembered() {
    let mut cache = with_policy(Policy {
        negative_life_us: Some(10 * SECOND_US),
        ..Policy::default()
    });
    for round in 0..3 {
        let lease = leased(ask(&mut cache, round, None));
        assert_eq!(cache.fail(at(round), "a", "k", lease), Ok(Rescue::Below));
    }
    assert_eq!(cache.totals(None).memory_entries, 0);
    let totals = cache.fetch_totals(None);
    assert_eq!((totals.leases, totals.failed, totals.lapsed), (3, 3, 0));
}

#[test]
fn a_read_of_the_store_that_comes_too_late_asks_again() {
    let mut cache = Cache::new();
    assert_eq!(cache.ask(at(0), "a", "k"), Ok(Answer::Below));
    put(&mut cache, 1, "a", "k");
    let late = cache.resume(at(2), "a", "k", Some(stored(0, 60, 60)));
    assert_eq!(late, Ok(Resumed::Again));
}

#[test]
fn fetches_are_bounded_and_lapsed_ones_make_room() {
    let mut cache = with_stale_lives();
    put(&mut cache, 0, "memory", "stale");
    for number in 0..4_096 {
        let key = format!("k{number}");
        let answer = cache.ask(at(101), "memory", &key);
        assert!(matches!(answer, Ok(Answer::Fetch(_))));
    }
    assert!(matches!(
        cache.ask(at(102), "memory", "one more"),
        Err(Error::TooLarge(_))
    ));
    assert!(matches!(
        cache.ask(at(102), "memory", "stale"),
        Ok(Answer::Stale(_, None))
    ));
    assert!(matches!(
        cache.ask(at(131), "memory", "one more"),
        Ok(Answer::Fetch(_))
    ));
}

#[test]
fn a_policy_out_of_range_is_refused_and_changes_nothing() {
    let proper = Policy {
        lease_us: 7,
        ..Policy::default()
    };
    let ahead = |share| {
        Some(RefreshAhead {
            share,
            least_reads: 1,
        })
    };
    let stale = |while_revalidate_us, if_error_us| StaleLives {
        while_revalidate_us,
        if_error_us,
    };
    let mut cache = with_policy(proper);
    for policy in [
        Policy {
            stale: stale(-1, 0),
            ..proper
        },
        Policy {
            stale: stale(0, -1),
            ..proper
        },
        Policy {
            stale: stale(0, i64::MAX),
            ..proper
        },
        Policy {
            negative_life_us: Some(0),
            ..proper
        },
        Policy {
            lease_us: 0,
            ..proper
        },
        Policy {
            refresh_ahead: ahead(0.0),
            ..proper
        },
        Policy {
            refresh_ahead: ahead(1.1),
            ..proper
        },
        Policy {
            refresh_ahead: ahead(f64::NAN),
            ..proper
        },
    ] {
        let policy = Policy {
            lease_us: policy.lease_us.min(6),
            ..policy
        };
        let refused = cache.set_policy(policy);
        assert!(
            matches!(refused, Err(Error::InvalidArgument(_))),
            "{policy:?}"
        );
    }
    let own = |lease_us| OwnPolicy {
        lease_us: Some(lease_us),
        ..OwnPolicy::default()
    };
    for refused in [
        cache.set_own_policy("", own(7)),
        cache.set_own_policy("memory", own(0)),
    ] {
        assert!(matches!(refused, Err(Error::InvalidArgument(_))));
    }
    assert!(matches!(
        cache.ask(at(0), "memory", "k"),
        Ok(Answer::Fetch(Lease { life_us: 7, .. }))
    ));
}

#[test]
fn a_namespace_with_a_policy_of_its_own_keeps_it() {
    let mut cache = Cache::new();
    let policy = |lease_us| Policy {
        lease_us,
        ..Policy::default()
    };
    let own = OwnPolicy {
        lease_us: Some(7),
        ..OwnPolicy::default()
    };
    cache.set_own_policy("a", own).expect("proper");
    cache.set_policy(policy(8)).expect("proper");
    assert!(matches!(
        ask(&mut cache, 0, None),
        Resumed::Fetch(Lease { life_us: 7, .. })
    ));
    assert_eq!(cache.ask(at(0), "b", "k"), Ok(Answer::Below));
    assert!(matches!(
        cache.resume(at(0), "b", "k", None),
        Ok(Resumed::Fetch(Lease { life_us: 8, .. }))
    ));
}
