use super::*;
use alloc::format;
use alloc::vec;

const S: u64 = 1_000_000;

/// One sink with the documented defaults but for what `change` sets.
fn one(change: impl FnOnce(&mut SinkSettings)) -> Deliveries {
    let mut deliveries = Deliveries::default();
    let mut settings = SinkSettings::default();
    change(&mut settings);
    assert_eq!(deliveries.register("stream", settings), Ok(0));
    deliveries
}

fn poll(deliveries: &mut Deliveries) -> Option<(u32, u64, u32, Vec<u32>)> {
    deliveries
        .poll()
        .map(|next| (next.sink, next.number, next.attempt, next.entities))
}

fn totals(deliveries: &Deliveries, sink: usize) -> SinkTotals {
    deliveries.status()[sink].totals
}

#[test]
fn every_sink_gets_every_batch_one_at_a_time() {
    let mut deliveries = one(|_| ());
    deliveries
        .register("broker", SinkSettings::default())
        .unwrap();
    deliveries.offer(&[4, 2]);
    assert_eq!(poll(&mut deliveries), Some((0, 1, 1, vec![4, 2])));
    assert_eq!(poll(&mut deliveries), Some((1, 2, 1, vec![4, 2])));
    deliveries.offer(&[7]);
    assert_eq!(poll(&mut deliveries), None);
    assert_eq!(deliveries.succeeded(1, 2), Ok(1));
    assert_eq!(poll(&mut deliveries), Some((1, 3, 1, vec![7])));
    let positions: Vec<_> = deliveries
        .status()
        .iter()
        .map(|sink| (sink.position, sink.behind))
        .collect();
    assert_eq!(positions, vec![(0, 2), (1, 1)]);
}

#[test]
fn a_failing_sink_does_not_stop_the_rest_and_resumes_where_it_stood() {
    let mut deliveries = one(|_| ());
    deliveries
        .register("broker", SinkSettings::default())
        .unwrap();
    deliveries.offer(&[4, 2]);
    poll(&mut deliveries);
    poll(&mut deliveries);
    assert_eq!(
        deliveries.failed(10 * S, 0, 1, Failure::Temporary),
        Ok(Some(11 * S))
    );
    deliveries.succeeded(1, 2).unwrap();
    deliveries.offer(&[5]);
    assert_eq!(poll(&mut deliveries), Some((1, 3, 1, vec![5])));
    assert_eq!(deliveries.deadline_us(), Some(11 * S));
    deliveries.tick(11 * S - 1);
    assert_eq!(poll(&mut deliveries), None);
    deliveries.tick(11 * S);
    assert_eq!(deliveries.deadline_us(), None);
    assert_eq!(poll(&mut deliveries), Some((0, 1, 2, vec![4, 2])));
    assert_eq!(deliveries.succeeded(0, 1), Ok(1));
    assert_eq!(poll(&mut deliveries), Some((0, 4, 1, vec![5])));
}

#[test]
fn delays_double_up_to_the_cap_and_start_over_after_a_success() {
    let mut deliveries = one(|settings| settings.retry_cap_us = 5_000_000);
    deliveries.offer(&[1]);
    let mut now_us = 0;
    for delay_s in [1, 2, 4, 5, 5] {
        let number = deliveries.poll().unwrap().number;
        let again_at_us = deliveries.failed(now_us, 0, number, Failure::Temporary);
        now_us += delay_s * S;
        assert_eq!(again_at_us, Ok(Some(now_us)));
        deliveries.tick(now_us);
    }
    let number = deliveries.poll().unwrap().number;
    deliveries.succeeded(0, number).unwrap();
    deliveries.offer(&[1]);
    let number = deliveries.poll().unwrap().number;
    assert_eq!(
        deliveries.failed(now_us, 0, number, Failure::Temporary),
        Ok(Some(now_us + S))
    );
}

#[test]
fn a_sink_that_is_behind_is_owed_every_entity_once() {
    let mut deliveries = one(|settings| settings.max = 3);
    deliveries.offer(&[1]);
    poll(&mut deliveries);
    for _ in 0..1_000 {
        deliveries.offer(&[3, 2, 1]);
        deliveries.offer(&[4]);
    }
    let status = &deliveries.status()[0];
    assert_eq!((status.totals.pending, status.totals.coalesced), (5, 3_996));
    assert_eq!((status.position, status.behind), (0, 2_001));
    deliveries.succeeded(0, 1).unwrap();
    // What waited longest leaves first, filled up over the bounds of batches.
    assert_eq!(poll(&mut deliveries), Some((0, 2, 1, vec![3, 2, 1])));
    assert_eq!(deliveries.succeeded(0, 2), Ok(2));
    assert_eq!(poll(&mut deliveries), Some((0, 3, 1, vec![4])));
    deliveries.succeeded(0, 3).unwrap();
    assert_eq!(deliveries.status()[0].behind, 0);
}

#[test]
fn beyond_its_capacity_a_sink_loses_what_waited_longest() {
    let mut deliveries = one(|settings| (settings.max, settings.capacity) = (2, 3));
    deliveries.offer(&[1, 2, 3, 4, 5]);
    assert_eq!(poll(&mut deliveries), Some((0, 1, 1, vec![3, 4])));
    assert_eq!(totals(&deliveries, 0).dropped, 2);
    // A lower capacity holds from the next batch on.
    deliveries.offer(&[6, 7]);
    let lower = SinkSettings {
        max: 1,
        capacity: 1,
        ..SinkSettings::default()
    };
    assert_eq!(deliveries.register("stream", lower), Ok(0));
    deliveries.offer(&[8]);
    assert_eq!(totals(&deliveries, 0).dropped, 5);
    deliveries.succeeded(0, 1).unwrap();
    assert_eq!(poll(&mut deliveries), Some((0, 2, 1, vec![8])));
}

#[test]
fn a_delivery_is_given_up_after_its_attempts_or_when_it_is_hopeless() {
    let mut deliveries = one(|settings| settings.attempts = Some(2));
    deliveries.offer(&[1, 2]);
    poll(&mut deliveries);
    assert!(matches!(
        deliveries.failed(0, 0, 1, Failure::Temporary),
        Ok(Some(_))
    ));
    deliveries.offer(&[3]);
    deliveries.tick(S);
    assert_eq!(poll(&mut deliveries), Some((0, 1, 2, vec![1, 2])));
    assert_eq!(deliveries.failed(S, 0, 1, Failure::Temporary), Ok(None));
    assert_eq!(deliveries.status()[0].position, 1);
    assert_eq!(poll(&mut deliveries), Some((0, 2, 1, vec![3])));
    assert_eq!(deliveries.failed(S, 0, 2, Failure::Permanent), Ok(None));
    let totals = totals(&deliveries, 0);
    assert_eq!((totals.lost, totals.failures, totals.pending), (3, 3, 0));
    assert_eq!(deliveries.status()[0].position, 2);
}

#[test]
fn entities_that_are_gone_are_owed_to_nobody() {
    let mut deliveries = one(|settings| settings.max = 2);
    deliveries.offer(&[1, 2, 3]);
    poll(&mut deliveries);
    deliveries.failed(0, 0, 1, Failure::Temporary).unwrap();
    deliveries.remove(&[1, 3]);
    deliveries.tick(S);
    assert_eq!(poll(&mut deliveries), Some((0, 1, 2, vec![2])));
    // Even the last of a delivery that is being sent.
    deliveries.remove(&[2]);
    assert_eq!(deliveries.failed(S, 0, 1, Failure::Temporary), Ok(None));
    let totals = totals(&deliveries, 0);
    assert_eq!((totals.removed, totals.lost, totals.pending), (3, 0, 0));
    // A retry that lost all its entities is called off.
    deliveries.offer(&[5]);
    poll(&mut deliveries);
    deliveries.failed(S, 0, 2, Failure::Temporary).unwrap();
    deliveries.remove(&[5]);
    assert_eq!(deliveries.deadline_us(), None);
    assert_eq!(poll(&mut deliveries), None);
}

#[test]
fn a_new_sink_starts_at_the_present() {
    let mut deliveries = one(|_| ());
    deliveries.offer(&[1]);
    assert_eq!(deliveries.register("late", SinkSettings::default()), Ok(1));
    assert_eq!(deliveries.status()[1].position, 1);
    assert_eq!(deliveries.unregister(0), Ok(()));
    assert_eq!(poll(&mut deliveries), None);
    // The number is free again.
    assert_eq!(deliveries.register("next", SinkSettings::default()), Ok(0));
}

#[test]
fn reports_that_fit_no_delivery_are_refused_and_change_nothing() {
    let mut deliveries = one(|_| ());
    deliveries.offer(&[1]);
    let refused = |outcome: Result<u64, Error>, said: &str| match outcome {
        Err(Error::InvalidArgument(text)) => assert!(text.contains(said), "{text}"),
        other => panic!("{said}: {other:?}"),
    };
    refused(deliveries.succeeded(0, 1), "being sent nothing");
    poll(&mut deliveries);
    refused(deliveries.succeeded(1, 1), "sink 1 is not registered");
    refused(
        deliveries.succeeded(0, 2),
        "is being sent delivery 1, not 2",
    );
    assert!(deliveries.unregister(7).is_err());
    assert_eq!(deliveries.succeeded(0, 1), Ok(1));
    refused(deliveries.succeeded(0, 1), "being sent nothing");
    assert!(deliveries.failed(0, 0, 1, Failure::Temporary).is_err());
    assert_eq!(totals(&deliveries, 0).failures, 0);
}

#[test]
fn settings_outside_their_ranges_are_refused_by_name() {
    let sound = SinkSettings::default();
    for (name, settings) in [
        ("max", SinkSettings { max: 0, ..sound }),
        (
            "capacity",
            SinkSettings {
                capacity: 49,
                ..sound
            },
        ),
        (
            "attempts",
            SinkSettings {
                attempts: Some(0),
                ..sound
            },
        ),
        (
            "retry-first",
            SinkSettings {
                retry_first_us: 0,
                ..sound
            },
        ),
        (
            "retry-cap",
            SinkSettings {
                retry_cap_us: -5,
                ..sound
            },
        ),
        (
            "retry-cap",
            SinkSettings {
                retry_cap_us: 999_999,
                ..sound
            },
        ),
    ] {
        match Deliveries::default().register("stream", settings) {
            Err(Error::InvalidArgument(text)) => assert!(text.starts_with(name), "{text}"),
            other => panic!("{name}: {other:?}"),
        }
    }
    let mut deliveries = Deliveries::default();
    for name in ["", &"x".repeat(256)] {
        assert!(deliveries.register(name, sound).is_err());
    }
    for number in 0..MOST_SINKS {
        deliveries
            .register(&format!("sink {number}"), sound)
            .unwrap();
    }
    let refused = deliveries.register("one more", sound);
    assert!(matches!(refused, Err(Error::TooLarge(_))));
    assert_eq!(deliveries.register("sink 3", sound), Ok(3));
}
