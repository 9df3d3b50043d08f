//! Nothing that was removed comes back, whatever the store does meanwhile.

use alloc::format;

use crate::entities::Entities;
use crate::snapshot::Section as _;

use super::*;

fn admit(cache: &mut Cache, now: Now, key: &str, put_at_us: i64) -> Admitted {
    let mut record = stored(0, 3600, 60);
    record.stamp.put_at_us = put_at_us;
    cache
        .admit(now, "a", key, Some(record))
        .expect("proper record")
}

#[test]
fn what_was_removed_is_kept_out_until_the_store_has_made_it_durable() {
    type Remove = fn(&mut Cache);
    let removals: [(Remove, Scope); 6] = [
        (
            |cache| {
                cache.delete(at(10), "a", "k1").expect("proper key");
            },
            Scope::Key(Place::new("a", "k1")),
        ),
        (
            |cache| {
                cache.invalidate(at(10), "a", "k?").expect("proper glob");
            },
            Scope::Glob {
                namespace: "a".into(),
                pattern: "k?".into(),
            },
        ),
        (
            |cache| {
                cache.invalidate_tag(at(10), Some("a"), "room");
            },
            Scope::Tag {
                namespace: Some("a".into()),
                tag: "room".into(),
            },
        ),
        (
            |cache| {
                cache.invalidate_tag(at(10), None, "room");
            },
            Scope::Tag {
                namespace: None,
                tag: "room".into(),
            },
        ),
        (
            |cache| {
                cache.clear(at(10), Some("a"));
            },
            Scope::Namespace("a".into()),
        ),
        (
            |cache| {
                cache.clear(at(10), None);
            },
            Scope::All,
        ),
    ];
    for (remove, scope) in removals {
        let mut cache = Cache::new();
        remove(&mut cache);
        let before = at(9).dated_us;
        assert_eq!(admit(&mut cache, at(11), "k1", before), Admitted::Remove);
        let polled = cache.poll_removals(9);
        let expected = Removal {
            sequence: 10_000_001,
            scope: scope.clone(),
            before_us: at(10).dated_us + 1,
        };
        assert_eq!(polled, [expected]);
        assert_eq!(cache.poll_removals(9), [], "handed out once");
        assert_eq!(admit(&mut cache, at(11), "k1", before), Admitted::Remove);
        assert_eq!(
            admit(&mut cache, at(11), "k1", at(11).dated_us + 1),
            Admitted::Remove,
            "{scope:?}: nobody knows when a clock that runs fast wrote it"
        );
        assert_eq!(
            admit(&mut cache, at(11), "k1", at(10).dated_us + 1),
            Admitted::Hit(3_599 * SECOND_US + 1),
            "{scope:?}: put since"
        );
        assert_eq!(cache.acknowledge_removals(10_000_001), Ok(1));
        cache.forget(at(11), "a", "k1").expect("proper key");
        assert_ne!(admit(&mut cache, at(11), "k1", before), Admitted::Remove);
        let totals = RemovalTotals {
            decided: 1,
            kept_out: 3,
            ..RemovalTotals::default()
        };
        assert_eq!(cache.removal_totals(), totals);
    }
}

#[test]
fn what_is_out_of_scope_comes_in() {
    let mut cache = Cache::new();
    cache.delete(at(1), "a", "k2").expect("proper key");
    cache.invalidate(at(1), "a", "x*").expect("proper glob");
    cache.invalidate_tag(at(1), None, "another");
    cache.clear(at(1), Some("b"));
    let hit = Admitted::Hit(3_598 * SECOND_US);
    assert_eq!(admit(&mut cache, at(2), "k1", at(0).dated_us), hit);
    assert_eq!(cache.removal_totals().kept_out, 0);
}

#[test]
fn a_removed_record_is_not_warmed_up_either() {
    let mut cache = Cache::new();
    cache.delete(at(1), "a", "k").expect("proper key");
    let warmed = cache.warm(at(2), "a", "k", stored(0, 60, 60));
    assert_eq!(warmed, Ok(Admitted::Remove));
    assert!(!hits(&mut cache, 2, "a", "k"));
}

#[test]
fn writes_and_removals_of_one_microsecond_keep_their_order() {
    let mut cache = Cache::new();
    let first = put(&mut cache, 0, "a", "k").expect("stored");
    cache.delete(at(0), "a", "k").expect("proper key");
    let second = put(&mut cache, 0, "a", "k").expect("stored");
    cache.forget(at(0), "a", "k").expect("proper key");
    assert_eq!(
        admit(&mut cache, at(0), "k", first.put_at_us),
        Admitted::Remove
    );
    assert!(matches!(
        admit(&mut cache, at(0), "k", second.put_at_us),
        Admitted::Hit(_)
    ));
    // The later date lengthens nothing.
    assert_eq!(
        first.put_at_us + first.life_us,
        second.put_at_us + second.life_us
    );
    assert_eq!(
        cache.removed(
            at(0),
            second.put_at_us,
            &[first.put_at_us, second.put_at_us, second.put_at_us + 1]
        ),
        [1, 0, 1]
    );
}

#[test]
fn a_later_removal_stands_for_those_it_includes() {
    let mut cache = Cache::new();
    for key in ["k1", "k2", "k1"] {
        cache.delete(at(0), "a", key).expect("proper key");
    }
    cache.delete(at(0), "b", "k1").expect("proper key");
    assert_eq!(cache.removal_totals().pending, 3);
    cache.clear(at(1), Some("a"));
    let scopes: Vec<Scope> = cache
        .poll_removals(9)
        .into_iter()
        .map(|removal| removal.scope)
        .collect();
    let expected = [
        Scope::Key(Place::new("b", "k1")),
        Scope::Namespace("a".into()),
    ];
    assert_eq!(scopes, expected);
    cache.clear(at(2), None);
    assert_eq!(cache.removal_totals().pending, 1);
}

#[test]
fn only_what_was_handed_out_can_be_acknowledged() {
    let mut cache = Cache::new();
    assert!(matches!(
        cache.acknowledge_removals(1),
        Err(Error::InvalidArgument(_))
    ));
    cache.delete(at(0), "a", "k1").expect("proper key");
    cache.delete(at(0), "a", "k2").expect("proper key");
    assert_eq!(cache.poll_removals(1).len(), 1);
    assert!(cache.acknowledge_removals(2).is_err());
    assert_eq!(cache.acknowledge_removals(1), Ok(1));
    assert_eq!(
        cache.acknowledge_removals(1),
        Ok(0),
        "once more is harmless"
    );
    assert_eq!(cache.removal_totals().pending, 1);
}

#[test]
fn at_the_bound_a_namespace_becomes_one_removal_and_nothing_comes_back() {
    let mut cache = Cache::new();
    for number in 0..4_096 {
        let (namespace, seconds) = if number % 8 == 0 { ("b", 1) } else { ("a", 2) };
        let key = format!("k{number}");
        cache
            .delete(at(seconds), namespace, &key)
            .expect("proper key");
    }
    assert_eq!(cache.removal_totals().collapsed, 0);
    cache.delete(at(3), "b", "last").expect("proper key");
    let totals = cache.removal_totals();
    // The 512 keys of b, the last one, and the whole of a.
    assert_eq!((totals.pending, totals.collapsed), (514, 1));
    let polled = cache.poll_removals(u32::MAX);
    let whole = polled.last().expect("there are some");
    assert_eq!(whole.scope, Scope::Namespace("a".into()));
    assert_eq!(whole.before_us, at(2).dated_us + 1);
    for key in ["k1", "k4095", "never named"] {
        assert_eq!(
            admit(&mut cache, at(4), key, at(1).dated_us),
            Admitted::Remove
        );
        assert!(matches!(
            admit(&mut cache, at(4), key, at(3).dated_us),
            Admitted::Hit(_)
        ));
    }
}

#[test]
fn at_the_bound_of_namespaces_everything_becomes_one_removal() {
    let mut cache = Cache::new();
    for number in 0..=4_096 {
        let namespace = format!("n{number}");
        cache.delete(at(0), &namespace, "k").expect("proper key");
    }
    let polled = cache.poll_removals(u32::MAX);
    assert_eq!(polled.len(), 1);
    assert_eq!(polled[0].scope, Scope::All);
    assert_eq!(
        admit(&mut cache, at(1), "k", at(-1).dated_us),
        Admitted::Remove
    );
}

#[test]
fn patterns_have_a_bound_of_their_own() {
    let mut cache = Cache::new();
    for number in 0..=256 {
        let pattern = format!("{number}:*");
        cache.invalidate(at(0), "a", &pattern).expect("proper glob");
    }
    assert_eq!(cache.removal_totals().pending, 1);
    assert_eq!(
        admit(&mut cache, at(1), "7:x", at(-1).dated_us),
        Admitted::Remove
    );
}

#[test]
fn names_that_nothing_can_have_remove_nothing() {
    let mut cache = Cache::new();
    let long = "x".repeat(256);
    assert_eq!(cache.clear(at(0), Some("")), []);
    assert_eq!(cache.clear(at(0), Some(&long)), []);
    assert_eq!(cache.invalidate_tag(at(0), None, &long), []);
    assert_eq!(cache.invalidate_tag(at(0), Some(""), "room"), []);
    assert_eq!(cache.removal_totals().decided, 0);
}

#[test]
fn an_event_removes_exactly_its_class() {
    let classes = [
        "areas", "devices", "entities", "services", "helpers", "scenes",
    ];
    for (event, affected) in [
        ("area_registry_updated", &["areas"][..]),
        ("device_registry_updated", &["devices"]),
        ("entity_registry_updated", &["entities"]),
        ("service_registered", &["services"]),
        ("service_removed", &["services"]),
        ("state_changed", &[]),
        ("", &[]),
    ] {
        let mut cache = Cache::new();
        for class in classes {
            put(&mut cache, 0, class, "k");
        }
        assert_eq!(cache.clear_affected(at(1), event), affected);
        for class in classes {
            let gone = affected.contains(&class);
            assert_eq!(hits(&mut cache, 1, class, "k"), !gone, "{event}: {class}");
        }
        assert_eq!(cache.poll_removals(9).len(), affected.len(), "{event}");
    }
}

#[test]
fn what_was_removed_stays_so_over_a_restart() {
    let mut old = Cache::new();
    old.delete(at(10), "a", "k1").expect("proper key");
    old.delete(at(10), "a", "k2").expect("proper key");
    assert_eq!(old.poll_removals(1).len(), 1);
    let saved = old.removals.save(at(11));
    let mut new = Cache::new();
    new.clear(at(0), Some("b"));
    new.removals.load(at(0), saved);
    let before = at(9).dated_us;
    assert_eq!(admit(&mut new, at(20), "k1", before), Admitted::Remove);
    assert_eq!(admit(&mut new, at(20), "k2", before), Admitted::Remove);
    let scopes = new
        .poll_removals(9)
        .into_iter()
        .map(|removal| removal.scope);
    let key = |key| Scope::Key(Place::new("a", key));
    let expected = [key("k1"), key("k2"), Scope::Namespace("b".into())];
    assert_eq!(scopes.collect::<Vec<_>>(), expected, "handed out again");
    assert!(new.delete(at(21), "a", "k3").is_ok());
    assert!(new.poll_removals(9)[0].sequence > 10_000_002);
}

#[test]
fn a_snapshot_of_removals_that_could_not_be_is_refused() {
    let removal = |sequence, scope| Removal {
        sequence,
        scope,
        before_us: 0,
    };
    let key = || Scope::Key(Place::new("a", "k"));
    let glob = Scope::Glob {
        namespace: "a".into(),
        pattern: "k[".into(),
    };
    for (latest, pending) in [
        (1, vec![removal(0, key())]),
        (1, vec![removal(2, key())]),
        (3, vec![removal(1, key()), removal(1, key())]),
        (u64::MAX, vec![]),
        (1, vec![removal(1, glob)]),
        (1, vec![removal(1, Scope::Key(Place::new("", "k")))]),
        (9_999, (1..=4_097).map(|n| removal(n, Scope::All)).collect()),
    ] {
        let refused = Removals::verify(&(latest, pending), &Entities::default());
        assert!(refused.is_err());
    }
}
