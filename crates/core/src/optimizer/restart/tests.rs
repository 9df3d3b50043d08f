use super::*;
use crate::entities::Series;
use crate::rule::RuleSettings;
use crate::significance::Reason;
use alloc::string::ToString;
use alloc::vec;
use proptest::prelude::*;

/// Written by the optimizer when its format had version 1.
const VERSION_1: &[u8] = include_bytes!("version_1.snapshot");

fn at(ms: u64) -> Instant {
    Instant {
        mono_us: ms * 1_000,
        wall_us: 1_700_000_000_000_000 + (ms * 1_000).cast_signed(),
    }
}

fn states(names: &[&str]) -> Vec<Series> {
    names
        .iter()
        .map(|name| Series {
            entity: (*name).into(),
            attribute: None,
        })
        .collect()
}

fn attribute(entity: &str, name: &str) -> Series {
    Series {
        entity: entity.into(),
        attribute: Some(name.into()),
    }
}

#[test]
fn a_heartbeat_comes_when_it_is_due_whatever_was_restarted_meanwhile() {
    let rule = RuleSettings {
        max_age_us: Some(10_000_000),
        ..RuleSettings::default()
    };
    for (age_ms, due_us) in [(0, 10_000_000), (9_000, 1_000_000), (60_000, 0)] {
        let mut before = Optimizer::new();
        let handles = before.intern(&states(&["sensor.a"])).unwrap();
        before
            .observe_numbers(at(5), &handles, &[20.0], &[])
            .unwrap();
        let bytes = before.snapshot(at(5 + age_ms));

        let mut after = Optimizer::new();
        after.restore(at(0), &bytes).unwrap();
        after.set_default_rule(&rule).unwrap();
        assert_eq!(after.next_deadline(), Some(due_us), "{age_ms} ms old");
        after.tick(at(due_us / 1_000));
        let published = after.poll_published();
        assert_eq!(published.len(), 1, "{age_ms} ms old");
        assert_eq!(published[0].reason, Reason::Heartbeat);
    }
}

#[test]
fn a_snapshot_carries_numbers_and_baselines_over() {
    let mut before = Optimizer::new();
    let handles = before
        .intern(&states(&["sensor.a", "sensor.b", "sensor.c"]))
        .unwrap();
    before.intern(&[attribute("sensor.c", "level")]).unwrap();
    before
        .observe_texts(at(0), &handles, "20onunknown", &[2, 2, 7], &[5, 5, 5])
        .unwrap();
    before.release(&handles[1..2]).unwrap();
    let bytes = before.snapshot(at(0));

    let mut after = Optimizer::new();
    let restored = after.restore(at(0), &bytes).unwrap();
    assert_eq!((restored.version, restored.series), (2, 3));
    assert_eq!(after.all_handles(), before.all_handles());
    assert_eq!(
        after.names(&after.all_handles()),
        before.names(&before.all_handles())
    );
    let reasons = after
        .observe_texts(at(1), &[0, 2, 0], "20unknown21", &[2, 7, 2], &[6, 6, 4])
        .unwrap();
    assert_eq!(reasons, [Reason::Repeat, Reason::Repeat, Reason::Late]);
    assert_eq!(
        after.intern(&states(&["sensor.d"])),
        Ok(vec![1]),
        "the released number is free"
    );
    assert!(matches!(
        after.restore(at(2), &bytes),
        Err(Error::Incompatible(_))
    ));
    assert_eq!(
        before.snapshot(at(0)),
        bytes,
        "taking a snapshot changes nothing"
    );
}

/// What a restore allocates is bounded by the bytes: a handle has as many
/// before it as it has vacancies below it.
#[test]
fn far_handles_take_as_many_bytes() {
    let names: Vec<String> = (0..1_000)
        .map(|number| format!("sensor.s{number}"))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut before = Optimizer::new();
    let handles = before.intern(&states(&names)).unwrap();
    before.release(&handles[..999]).unwrap();
    let bytes = before.snapshot(at(0));
    assert!((999..1_100).contains(&bytes.len()), "{}", bytes.len());
    let mut after = Optimizer::new();
    after.restore(at(0), &bytes).unwrap();
    assert_eq!(after.names(&[999]), Ok(states(&["sensor.s999"])));
    assert_eq!(after.intern(&states(&["sensor.b"])), Ok(vec![0]));

    // Version 1 named handles without that.
    let mut far = Optimizer::new();
    let tiny = b"WHS\x01\x01\xbf\x84\x3d\xbf\x84\x3d\x08sensor.a\x00\x00\x00";
    let refused = far.restore(at(0), tiny).unwrap_err().to_string();
    assert!(refused.contains("handles"), "{refused}");
}

#[test]
fn the_preset_of_an_attribute_applies_after_a_restore() {
    let latitude = [attribute("device_tracker.a", "latitude")];
    let mut before = Optimizer::new();
    let handle = before.intern(&latitude).unwrap()[0];
    before.use_presets(true);
    let mut after = Optimizer::new();
    after.restore(at(0), &before.snapshot(at(0))).unwrap();
    after.use_presets(true);
    assert_eq!(after.intern(&latitude).unwrap(), [handle]);
    assert_eq!(after.rule_of(handle), before.rule_of(handle));
    assert_eq!(after.rule_of(handle).unwrap().absolute, Some(0.0001));
}

#[test]
fn a_snapshot_of_version_1_is_accepted() {
    let mut optimizer = Optimizer::new();
    let restored = optimizer.restore(at(0), VERSION_1);
    assert_eq!(
        restored,
        Ok(Restored {
            version: 1,
            series: 5,
            hot: 2,
        })
    );
    let named = [
        states(&["sensor.a", "sensor.d", "sensor.c"]),
        vec![
            attribute("sensor.c", "level"),
            attribute("sensor.d", "silent"),
        ],
    ]
    .concat();
    assert_eq!(optimizer.names(&[0, 1, 2, 3, 4]), Ok(named));
    let reasons = optimizer.observe_texts(
        at(0),
        &[0, 0, 1, 2, 3, 4],
        "1920firstunknownlowfirst",
        &[2, 2, 5, 7, 3, 5],
        &[5, 6, 0, 5, 5, 0],
    );
    assert_eq!(
        reasons,
        Ok(vec![
            Reason::Late,
            Reason::Repeat,
            Reason::First,
            Reason::Repeat,
            Reason::Repeat,
            Reason::First,
        ])
    );
    let hot = ["home", "work"].map(|key| ("weather".to_string(), key.to_string()));
    assert_eq!(optimizer.take_hot(), hot);
    assert!(optimizer.take_hot().is_empty());
}

/// An optimizer with something in every section.
fn learned() -> Optimizer {
    let mut optimizer = Optimizer::new();
    optimizer.restore(at(0), VERSION_1).unwrap();
    optimizer.set_learning(true);
    for index in 0..200_u8 {
        let value = f64::from(index % 2);
        optimizer
            .observe_numbers(at(0), &[1, 4], &[value, 5.0], &[])
            .unwrap();
    }
    let now = optimizer.moment(at(0));
    for key in ["a", "b"] {
        let options = crate::cache::Options::default();
        optimizer
            .cache
            .put(now, "weather", key, vec![1], options)
            .unwrap();
    }
    optimizer
}

#[test]
fn what_was_restored_writes_the_same_snapshot() {
    let bytes = learned().snapshot(at(0));
    let mut again = Optimizer::new();
    again.restore(at(0), &bytes).unwrap();
    let now = again.moment(at(0));
    for (namespace, key) in again.take_hot().into_iter().rev() {
        let options = crate::cache::Options::default();
        again
            .cache
            .put(now, &namespace, &key, vec![1], options)
            .unwrap();
    }
    assert_eq!(again.snapshot(at(0)), bytes);
}

/// A refusal changed nothing if the optimizer is as good as new.
fn assert_refused(bytes: &[u8]) {
    let mut optimizer = Optimizer::new();
    let refused = optimizer.restore(at(0), bytes);
    assert!(
        matches!(refused, Err(Error::Incompatible(_))),
        "{refused:?}"
    );
    assert_eq!(
        optimizer.snapshot(at(0)),
        Optimizer::new().snapshot(at(0)),
        "{refused:?}"
    );
    assert!(optimizer.take_hot().is_empty());
}

#[test]
fn a_snapshot_cut_short_is_refused() {
    let bytes = learned().snapshot(at(0));
    for end in 0..bytes.len() {
        assert_refused(&bytes[..end]);
    }
}

#[test]
fn a_learned_threshold_applies_at_once_after_a_restart() {
    let mut before = learned();
    let mut after = Optimizer::new();
    after.restore(at(0), &before.snapshot(at(0))).unwrap();
    let handles = before.all_handles();
    assert_eq!(after.proposals(&handles), before.proposals(&handles));
    let rule = crate::rule::RuleSettings {
        learn: true,
        ..Default::default()
    };
    after.set_rule(&[1], Some(&rule)).unwrap();
    let reasons = after.observe_numbers(at(0), &[1, 1, 1], &[0.0, 1.0, 4.0], &[]);
    assert_eq!(
        reasons,
        Ok(vec![Reason::Within, Reason::Repeat, Reason::Threshold])
    );
}

#[test]
fn an_unknown_section_is_skipped() {
    let mut bytes = learned().snapshot(at(0));
    let expected = bytes.clone();
    bytes.pop();
    bytes.extend([200, 1, 3, 7, 7, 7, 0]);
    let mut optimizer = Optimizer::new();
    optimizer.restore(at(0), &bytes).unwrap();
    let mut reference = Optimizer::new();
    reference.restore(at(0), &expected).unwrap();
    assert_eq!(optimizer.snapshot(at(0)), reference.snapshot(at(0)));
}

proptest! {
    #[test]
    fn no_bytes_make_a_restore_panic(
        version in 0_u8..4,
        body in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut bytes = b"WHS".to_vec();
        bytes.push(version);
        bytes.extend(body);
        let mut optimizer = Optimizer::new();
        if optimizer.restore(at(0), &bytes).is_err() {
            assert_refused(&bytes);
        }
    }

    /// Bytes changed at random are refused, or make an optimizer that works.
    #[test]
    fn a_damaged_snapshot_is_refused_or_harmless(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = learned().snapshot(at(0));
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        let mut optimizer = Optimizer::new();
        match optimizer.restore(at(0), &bytes) {
            Ok(_) => {
                let handles = optimizer.all_handles();
                let values = vec![1.0; handles.len()];
                optimizer.observe_numbers(at(1), &handles, &values, &[]).unwrap();
                let mut again = Optimizer::new();
                prop_assert!(again.restore(at(2), &optimizer.snapshot(at(2))).is_ok());
            }
            Err(_) => assert_refused(&bytes),
        }
    }
}
