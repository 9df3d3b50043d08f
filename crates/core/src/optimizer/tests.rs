mod refusals;
mod together;
mod totals;

use super::*;
use crate::batch::Batching;
use crate::significance::{Publication, Reason, UpdateTotals};

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
fn an_override_of_0_is_any_change_whatever_stands_beside_it() {
    let mut optimizer = Optimizer::new();
    let handle = optimizer.intern(&states(&["sensor.a"])).unwrap()[0];
    let mut observe = |text: &str, absolute, percentage| {
        let thresholds = Override {
            absolute,
            percentage,
        };
        optimizer
            .observe_with(at(0), handle, text, None, thresholds)
            .unwrap()
    };
    assert_eq!(observe("20", Some(1.0), None), Reason::First);
    assert_eq!(observe("20.1", Some(1.0), Some(0.0)), Reason::Threshold);
    assert_eq!(observe("20.2", Some(0.0), Some(0.5)), Reason::Threshold);
    assert_eq!(observe("20.3", Some(0.05), Some(0.5)), Reason::Within);
    assert_eq!(observe("20.2", Some(0.0), Some(0.0)), Reason::Repeat);
}

#[test]
fn what_is_published_leaves_in_one_batch_per_window() {
    let mut optimizer = Optimizer::new();
    let handles = optimizer
        .intern(&states(&["sensor.a", "sensor.b"]))
        .unwrap();
    let level = optimizer.intern(&[attribute("sensor.a", "level")]).unwrap()[0];
    let (a, b) = (handles[0], handles[1]);
    let reasons = optimizer
        .observe_texts(at(0), &[b, a, level, b], "1onlow1", &[1, 2, 3, 1], &[])
        .unwrap();
    assert_eq!(
        reasons,
        [Reason::First, Reason::First, Reason::First, Reason::Repeat]
    );
    assert_eq!(optimizer.next_deadline(), Some(100_000));
    let due = Due {
        batches: 1,
        ..Due::default()
    };
    assert_eq!(optimizer.tick(at(100)), due);
    assert_eq!(
        optimizer.poll_batch(),
        [b, a],
        "an attribute goes with its entity"
    );
    assert!(optimizer.poll_batch().is_empty());
}

#[test]
fn columns_that_do_not_fit_are_refused_and_change_nothing() {
    let mut optimizer = Optimizer::new();
    let a = optimizer.intern(&states(&["sensor.a"])).unwrap()[0];
    let outcomes = [
        optimizer.observe_numbers(at(0), &[a], &[], &[]),
        optimizer.observe_numbers(at(0), &[a], &[1.0], &[1, 2]),
        optimizer.observe_texts(at(0), &[a], "12", &[1], &[]),
        optimizer.observe_texts(at(0), &[a], "1", &[2], &[]),
        optimizer.observe_texts(at(0), &[a, a], "é", &[1, 1], &[]),
        optimizer.observe_texts(at(0), &[a, a], "1", &[u32::MAX, u32::MAX], &[]),
    ];
    for outcome in outcomes {
        assert!(
            matches!(outcome, Err(Error::InvalidArgument(_))),
            "{outcome:?}"
        );
    }
    assert_eq!(
        optimizer.observe_numbers(at(0), &[a, 77], &[1.0, 2.0], &[]),
        Err(Error::UnknownHandle(77))
    );
    assert_eq!(optimizer.update_totals(), UpdateTotals::default());
}

#[test]
fn a_released_entity_leaves_nothing_behind() {
    let mut optimizer = Optimizer::new();
    let a = optimizer.intern(&states(&["sensor.a"])).unwrap()[0];
    optimizer.intern(&[attribute("sensor.a", "level")]).unwrap();
    optimizer.observe_numbers(at(0), &[a], &[1.0], &[]).unwrap();
    optimizer.register(at(0), a, 1_000_000).unwrap();
    assert_eq!(optimizer.release(&[a]), Ok(2));
    assert_eq!(optimizer.tick(at(5_000)), Due::default());
    assert!(optimizer.poll_batch().is_empty() && optimizer.schedule.poll().is_empty());
    assert_eq!(optimizer.release(&[a]), Err(Error::UnknownHandle(a)));
}

#[test]
fn presets_apply_where_no_rule_was_set_and_only_when_enabled() {
    let mut optimizer = Optimizer::new();
    let handles = optimizer.intern(&states(&["sensor.a"])).unwrap();
    let facts = Facts {
        device_class: Some("temperature".into()),
        ..Facts::default()
    };
    optimizer.describe(handles[0], &facts).unwrap();
    let threshold = |optimizer: &Optimizer| optimizer.rule_of(handles[0]).unwrap().absolute;
    assert_eq!(threshold(&optimizer), None);
    optimizer.use_presets(true);
    assert_eq!(threshold(&optimizer), Some(0.5));
    let own = RuleSettings {
        absolute: Some(3.0),
        ..RuleSettings::default()
    };
    optimizer.set_rule(&handles, Some(&own)).unwrap();
    assert_eq!(threshold(&optimizer), Some(3.0));
    optimizer.set_rule(&handles, None).unwrap();
    assert_eq!(threshold(&optimizer), Some(0.5));
}

#[test]
fn flushing_sends_all_that_waits_in_capped_batches() {
    let mut optimizer = Optimizer::new();
    optimizer
        .set_batching(Batching {
            max: 2,
            ..Batching::default()
        })
        .unwrap();
    let handles = optimizer.intern(&states(&["a.a", "a.b", "a.c"])).unwrap();
    optimizer.mark_dirty(at(0), &handles).unwrap();
    optimizer.flush(at(1));
    assert_eq!(optimizer.poll_batch(), handles[..2]);
    assert_eq!(optimizer.poll_batch(), handles[2..]);
    assert_eq!(optimizer.next_deadline(), None);
}

#[test]
fn a_batch_that_was_not_taken_names_no_released_entity() {
    let mut optimizer = Optimizer::new();
    let handles = optimizer.intern(&states(&["a.a", "a.b", "a.c"])).unwrap();
    let (a, b, c) = (handles[0], handles[1], handles[2]);
    optimizer.mark_dirty(at(0), &[a]).unwrap();
    optimizer.tick(at(100));
    optimizer.mark_dirty(at(100), &[b, c]).unwrap();
    optimizer.tick(at(200));
    optimizer.release(&[a, b]).unwrap();
    assert_eq!(optimizer.poll_batch(), [c], "no empty batch hides it");
    assert!(optimizer.poll_batch().is_empty());
}

#[test]
fn a_flush_publishes_what_waits_to_settle_once() {
    let mut optimizer = Optimizer::new();
    let handles = optimizer
        .intern(&states(&["sensor.a", "sensor.b", "sensor.c"]))
        .unwrap();
    let rule = |settle_us| RuleSettings {
        absolute: Some(1.0),
        settle_us,
        ..RuleSettings::default()
    };
    optimizer.set_default_rule(&rule(Some(5_000_000))).unwrap();
    optimizer
        .set_rule(&handles[2..], Some(&rule(None)))
        .unwrap();
    optimizer
        .observe_numbers(at(0), &handles, &[1.0; 3], &[])
        .unwrap();
    // b returns to its baseline, and nobody promised that c settles.
    optimizer
        .observe_numbers(at(10), &handles, &[1.5; 3], &[])
        .unwrap();
    optimizer
        .observe_numbers(at(20), &handles[1..2], &[1.0], &[])
        .unwrap();
    optimizer.tick(at(100));
    assert_eq!(optimizer.poll_batch(), handles);

    optimizer.flush(at(200));
    let settled = Publication {
        series: handles[0],
        reason: Reason::Settle,
        number: Some(1.5),
    };
    assert_eq!(optimizer.poll_published(), [settled]);
    assert_eq!(optimizer.poll_batch(), handles[..1]);
    assert_eq!(
        optimizer.published_numbers(&handles[..1]),
        Ok([1.5].to_vec())
    );
    assert_eq!(optimizer.update_totals().timed, 1);

    optimizer.flush(at(300));
    optimizer.tick(at(60_000));
    assert_eq!(optimizer.poll_published(), []);
    assert!(optimizer.poll_batch().is_empty());
}

#[test]
fn calls_in_gates_follow_the_same_clock() {
    use crate::flow::{CallBatchSettings, GateSettings};
    let mut optimizer = Optimizer::new();
    let gate = optimizer
        .gates
        .open(GateSettings::CallBatch(CallBatchSettings {
            size: 3,
            wait_us: 50_000,
        }))
        .unwrap();
    let mut call = |ms, item| {
        let now = optimizer.moment(at(ms));
        optimizer.gates.call(now, gate, &[], &[item]).unwrap();
    };
    call(0, 1);
    // A clock that falls counts as the latest moment.
    call(20, 2);
    assert_eq!(optimizer.next_deadline(), Some(50_000));
    assert_eq!(optimizer.tick(at(10)).deadline_us, Some(50_000));
    let due = Due {
        runs: 1,
        ..Due::default()
    };
    assert_eq!(optimizer.tick(at(50)), due);
    assert_eq!(optimizer.gates.poll()[0].items, [1, 2]);
    let now = optimizer.moment(at(60));
    optimizer.gates.call(now, gate, &[], &[3]).unwrap();
    optimizer.flush(at(61));
    assert_eq!(optimizer.gates.poll()[0].items, [3]);
}
