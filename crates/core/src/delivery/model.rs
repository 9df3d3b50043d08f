//! Random histories of three sinks, against what each of them must have got.

use super::*;
use alloc::collections::{BTreeMap, BTreeSet};
use proptest::prelude::*;

const SINKS: u32 = 3;

#[derive(Debug, Clone)]
enum Step {
    Offer(Vec<u32>),
    /// The host takes one delivery.
    Poll,
    /// It reports on the delivery to this sink, if there is one.
    Report(u32, Option<Failure>),
    Pass(u64),
    Remove(u32),
}

fn step() -> impl Strategy<Value = Step> {
    let outcome = prop_oneof![
        3 => Just(None),
        3 => Just(Some(Failure::Temporary)),
        1 => Just(Some(Failure::Permanent)),
    ];
    prop_oneof![
        4 => proptest::collection::btree_set(0_u32..12, 1..5)
            .prop_map(|batch| Step::Offer(batch.into_iter().collect())),
        5 => Just(Step::Poll),
        5 => (0..SINKS, outcome).prop_map(|(sink, outcome)| Step::Report(sink, outcome)),
        2 => (0_u64..4_000_000).prop_map(Step::Pass),
        1 => (0_u32..12).prop_map(Step::Remove),
    ]
}

/// What one sink must still get, and what it is being sent.
#[derive(Default)]
struct Expected {
    owed: BTreeSet<u32>,
    sending: Option<Delivery>,
    gone: BTreeSet<u32>,
}

fn settings(sink: u32) -> SinkSettings {
    SinkSettings {
        max: 4,
        // The first two have room for all; the third overflows.
        capacity: if sink == 2 { 6 } else { 100 },
        attempts: (sink == 1).then_some(2),
        ..SinkSettings::default()
    }
}

proptest! {
    #[test]
    fn each_sink_gets_all_it_is_owed_whatever_the_others_do(
        steps in proptest::collection::vec(step(), 1..150),
    ) {
        let mut deliveries = Deliveries::default();
        let mut expected: BTreeMap<u32, Expected> = BTreeMap::new();
        for sink in 0..SINKS {
            deliveries.register(&alloc::format!("sink {sink}"), settings(sink)).unwrap();
            expected.insert(sink, Expected::default());
        }
        let mut now_us = 0;
        for step in steps {
            match step {
                Step::Offer(batch) => {
                    deliveries.offer(&batch);
                    for sink in expected.values_mut() {
                        sink.owed.extend(&batch);
                    }
                }
                Step::Poll => {
                    let Some(delivery) = deliveries.poll() else { continue };
                    let sink = expected.get_mut(&delivery.sink).unwrap();
                    prop_assert!(sink.sending.is_none());
                    prop_assert!((1..=4).contains(&delivery.entities.len()));
                    for entity in &delivery.entities {
                        // A retry is owed again only if it became dirty again.
                        let owed = sink.owed.contains(entity);
                        prop_assert!(owed || delivery.attempt > 1);
                        if delivery.attempt == 1 {
                            sink.owed.remove(entity);
                        }
                    }
                    sink.gone.clear();
                    sink.sending = Some(delivery);
                }
                Step::Report(sink, outcome) => {
                    let Some(delivery) = expected.get_mut(&sink).unwrap().sending.take() else {
                        prop_assert!(deliveries.succeeded(sink, 1).is_err());
                        continue;
                    };
                    match outcome {
                        None => {
                            deliveries.succeeded(sink, delivery.number).unwrap();
                        }
                        Some(failure) => {
                            let again = deliveries.failed(now_us, sink, delivery.number, failure);
                            let tried_out = sink == 1 && delivery.attempt >= 2;
                            let gone = delivery
                                .entities
                                .iter()
                                .all(|entity| expected[&sink].gone.contains(entity));
                            let given_up = failure == Failure::Permanent || tried_out || gone;
                            prop_assert_eq!(again.unwrap().is_none(), given_up);
                        }
                    }
                }
                Step::Pass(us) => {
                    now_us += us;
                    deliveries.tick(now_us);
                    prop_assert!(deliveries.deadline_us().is_none_or(|due| due > now_us));
                }
                Step::Remove(entity) => {
                    deliveries.remove(&[entity]);
                    for sink in expected.values_mut() {
                        sink.owed.remove(&entity);
                        sink.gone.insert(entity);
                    }
                }
            }
            for status in deliveries.status() {
                let totals = status.totals;
                prop_assert_eq!(
                    totals.offered,
                    totals.coalesced
                        + totals.dropped
                        + totals.removed
                        + totals.delivered
                        + totals.lost
                        + u64::from(totals.pending)
                );
                let most = settings(status.sink).capacity + settings(status.sink).max;
                prop_assert!(totals.pending <= most);
            }
        }
        // In the end every sink works: what is owed arrives.
        for _ in 0..100 {
            now_us += 60_000_000;
            deliveries.tick(now_us);
            for sink in expected.values_mut() {
                if let Some(delivery) = sink.sending.take() {
                    deliveries.succeeded(delivery.sink, delivery.number).unwrap();
                }
            }
            while let Some(delivery) = deliveries.poll() {
                let sink = expected.get_mut(&delivery.sink).unwrap();
                if delivery.attempt == 1 {
                    for entity in &delivery.entities {
                        prop_assert!(sink.owed.remove(entity), "sent without being owed");
                    }
                }
                sink.sending = Some(delivery);
            }
        }
        for status in deliveries.status() {
            prop_assert_eq!((status.totals.pending, status.behind), (0, 0));
            let missed = expected[&status.sink].owed.len() as u64;
            if status.sink == 2 {
                // An entity that was dropped and then offered again is not missed.
                prop_assert!(missed <= status.totals.dropped);
            } else {
                prop_assert_eq!(missed, 0);
            }
        }
    }
}
