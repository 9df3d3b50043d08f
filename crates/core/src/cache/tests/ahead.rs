//! Fetching a value that is read often before its life ends.

use super::fetching::with_policy;
use super::*;

#[test]
fn hot_keys_are_fetched_ahead_in_the_last_part_of_their_life() {
    let mut cache = with_policy(Policy {
        refresh_ahead: Some(RefreshAhead {
            share: 0.2,
            least_reads: 3,
        }),
        ..Policy::default()
    });
    for (key, life, reads) in [
        ("hot", 100, 3),
        ("hotter", 95, 9),
        ("cold", 100, 2),
        ("long", 200, 9),
    ] {
        let options = Options {
            memory_life_us: Some(life * SECOND_US),
            ..Options::default()
        };
        cache
            .put(at(0), "memory", key, key.into(), options)
            .expect("proper put");
        for _ in 0..reads {
            assert!(hits(&mut cache, 1, "memory", key));
        }
    }
    let keys_of = |ahead: Vec<Ahead>| -> Vec<String> {
        ahead.into_iter().map(|ahead| ahead.place.key).collect()
    };
    assert_eq!(cache.poll_ahead(at(75), 9), []);
    assert_eq!(keys_of(cache.poll_ahead(at(80), 1)), ["hotter"]);
    let second = cache.poll_ahead(at(80), 9);
    let lease = second[0].lease.id;
    assert_eq!(keys_of(second), ["hot"]);
    assert_eq!(cache.poll_ahead(at(80), 9), [], "each once");
    assert!(cache.fail(at(81), "memory", "hot", lease).is_ok());
    assert_eq!(cache.poll_ahead(at(82), 9), [], "once in a life is enough");
    assert!(hits(&mut cache, 99, "memory", "hot"), "served meanwhile");
    assert_eq!(cache.fetch_totals(None).refreshed_ahead, 2);

    // A new value begins a new life.
    put(&mut cache, 100, "memory", "hot");
    for _ in 0..3 {
        assert!(hits(&mut cache, 101, "memory", "hot"));
    }
    assert_eq!(cache.poll_ahead(at(179), 9).len(), 1, "long only");
    assert_eq!(keys_of(cache.poll_ahead(at(180), 9)), ["hot"]);
}

#[test]
fn ahead_counts_the_life_of_the_lowest_level() {
    let mut cache = with_policy(Policy {
        refresh_ahead: Some(RefreshAhead {
            share: 0.1,
            least_reads: 1,
        }),
        ..Policy::default()
    });
    // 300 s in memory, 3,600 s on disk: due in the last 360 s on disk.
    put(&mut cache, 0, "a", "k");
    assert!(hits(&mut cache, 290, "a", "k"));
    assert_eq!(cache.poll_ahead(at(299), 9), []);
    for (seconds, due) in [(3_239, 0), (3_240, 1)] {
        let promoted = cache.admit(at(seconds), "a", "k", Some(stored(0, 3_600, 300)));
        assert!(matches!(promoted, Ok(Admitted::Hit(_))));
        assert!(hits(&mut cache, seconds, "a", "k"));
        assert_eq!(cache.poll_ahead(at(seconds), 9).len(), due, "{seconds}");
    }
}

#[test]
fn whoever_reads_a_hot_key_may_be_the_one_to_fetch_it_ahead() {
    let mut cache = with_policy(Policy {
        refresh_ahead: Some(RefreshAhead {
            share: 0.2,
            least_reads: 2,
        }),
        ..Policy::default()
    });
    let ahead = |cache: &mut Cache, seconds: i64, key: &str| {
        let lease = cache.lease_ahead(at(seconds), "memory", key);
        lease.expect("proper key")
    };
    put(&mut cache, 0, "memory", "hot");
    put(&mut cache, 0, "memory", "cold");
    assert!(hits(&mut cache, 1, "memory", "hot"));
    assert_eq!(ahead(&mut cache, 80, "hot"), None, "one read is not enough");
    assert!(hits(&mut cache, 81, "memory", "hot"));
    assert_eq!(
        ahead(&mut cache, 79, "hot").map(|lease| lease.life_us),
        Some(30 * SECOND_US)
    );
    assert_eq!(ahead(&mut cache, 82, "hot"), None, "once in a life");
    assert_eq!(cache.poll_ahead(at(82), 9), [], "whoever asks");
    for (key, why) in [("cold", "nobody reads it"), ("none", "there is none")] {
        assert_eq!(ahead(&mut cache, 90, key), None, "{why}");
    }
    assert_eq!(cache.fetch_totals(None).refreshed_ahead, 1);

    put(&mut cache, 100, "memory", "hot");
    for seconds in [101, 102] {
        assert!(hits(&mut cache, seconds, "memory", "hot"));
    }
    assert_eq!(
        ahead(&mut cache, 179, "hot"),
        None,
        "too early in a new life"
    );
    assert_eq!(ahead(&mut cache, 200, "hot"), None, "its life is over");
    let fetching = cache.ask(at(200), "memory", "hot");
    assert!(matches!(fetching, Ok(Answer::Fetch(_))));

    let too_long = "k".repeat(1_025);
    let refused = cache.lease_ahead(at(200), "memory", &too_long);
    assert!(matches!(refused, Err(Error::TooLarge(_))));
}

#[test]
fn nobody_fetches_ahead_what_is_being_fetched_or_where_it_was_not_chosen() {
    let mut cache = with_policy(Policy::default());
    put(&mut cache, 0, "memory", "k");
    assert!(hits(&mut cache, 1, "memory", "k"));
    assert_eq!(cache.lease_ahead(at(99), "memory", "k"), Ok(None));

    let mut cache = with_policy(Policy {
        refresh_ahead: Some(RefreshAhead {
            share: 1.0,
            least_reads: 0,
        }),
        ..Policy::default()
    });
    // A value comes while it is fetched, by another way that voids no lease.
    assert_eq!(cache.ask(at(0), "a", "k"), Ok(Answer::Below));
    let resumed = cache.resume(at(0), "a", "k", None);
    assert!(matches!(resumed, Ok(Resumed::Fetch(_))));
    let warmed = cache.warm(at(1), "a", "k", stored(0, 60, 60));
    assert!(matches!(warmed, Ok(Admitted::Hit(_))));
    assert_eq!(cache.lease_ahead(at(2), "a", "k"), Ok(None));
    assert!(
        matches!(cache.lease_ahead(at(31), "a", "k"), Ok(Some(_))),
        "it has lapsed"
    );
}
