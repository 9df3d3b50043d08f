//! The last value of a total reaches whoever follows it, whatever batching and
//! slow sinks merge.

use super::*;
use crate::delivery::{Failure, SinkSettings};
use crate::rule::RuleSettings;
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Step {
    /// A reading of the total, in tenths; `None` is unavailable.
    Total(Option<u32>),
    /// A reading of another attribute of its entity.
    Other(u32),
    Wait(u64),
    Deliver {
        well: bool,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0_u32..60).prop_map(|tenths| Step::Total(Some(tenths))),
        1 => Just(Step::Total(None)),
        2 => any::<u32>().prop_map(Step::Other),
        3 => (0_u64..200).prop_map(Step::Wait),
        3 => any::<bool>().prop_map(|well| Step::Deliver { well }),
    ]
}

/// Whoever reads the stream of batches, and a sink that takes its time. Both are
/// sent the number published when something is handed to them, and last values
/// at once.
#[derive(Default)]
struct Followers {
    stream: Vec<f64>,
    sink: Vec<f64>,
}

proptest! {
    #[test]
    fn the_last_value_of_a_total_is_never_merged_away(
        threshold in 0_u32..20,
        steps in proptest::collection::vec(step(), 1..80),
    ) {
        let mut optimizer = Optimizer::new();
        let names = [None, Some("voltage".into())].map(|attribute| Series {
            entity: "sensor.energy".into(),
            attribute,
        });
        let handles = optimizer.intern(&names).unwrap();
        let total = RuleSettings {
            absolute: Some(f64::from(threshold) / 10.0),
            total: true,
            ..RuleSettings::default()
        };
        optimizer.set_rule(&handles[..1], Some(&total)).unwrap();
        let sink = optimizer.delivery.register("slow", SinkSettings::default()).unwrap();
        let mut followers = Followers::default();
        let mut now_ms = 0;
        // The number shown last, and how much either was sent before it came.
        let mut shown: Option<(f64, usize, usize)> = None;
        for step in steps {
            match step {
                Step::Total(tenths) => {
                    let number = tenths.map(|tenths| f64::from(tenths) / 10.0);
                    let text = number.map_or_else(|| "unavailable".into(), |number| alloc::format!("{number}"));
                    let length = text.len() as u32;
                    optimizer.observe_texts(at(now_ms), &handles[..1], &text, &[length], &[]).unwrap();
                    for last in optimizer.poll_published() {
                        prop_assert_eq!(last.reason, Reason::Final);
                        followers.stream.extend(last.number);
                        followers.sink.extend(last.number);
                    }
                    if let Some((last, stream, sink)) = shown
                        && number.is_none_or(|number| number < last)
                    {
                        let is_last = |number: &f64| number.to_bits() == last.to_bits();
                        prop_assert!(followers.stream[stream..].iter().any(is_last), "{last} was never streamed");
                        prop_assert!(followers.sink[sink..].iter().any(is_last), "{last} never reached the sink");
                    }
                    if shown.map(|(shown, ..)| shown) != number {
                        shown = number.map(|number| (number, followers.stream.len(), followers.sink.len()));
                    }
                }
                Step::Other(number) => {
                    optimizer.observe_numbers(at(now_ms), &handles[1..], &[f64::from(number)], &[]).unwrap();
                }
                Step::Wait(ms) => {
                    now_ms += ms;
                    optimizer.tick(at(now_ms));
                    if !optimizer.poll_batch().is_empty() {
                        followers.stream.extend(optimizer.published_numbers(&handles[..1]).unwrap());
                    }
                }
                Step::Deliver { well } => {
                    // A retry is sent what is newest by then, too.
                    let sent = optimizer.published_numbers(&handles[..1]).unwrap();
                    let Some(delivery) = optimizer.delivery.poll() else {
                        continue;
                    };
                    if well {
                        optimizer.delivery_succeeded(at(now_ms), sink, delivery.number, 0).unwrap();
                        followers.sink.extend(sent);
                    } else {
                        optimizer.delivery_failed(at(now_ms), sink, delivery.number, Failure::Temporary).unwrap();
                    }
                }
            }
        }
    }
}

#[test]
fn what_has_left_is_not_published_again() {
    let mut optimizer = Optimizer::new();
    let name = Series {
        entity: "sensor.energy".into(),
        attribute: None,
    };
    let handle = optimizer.intern(&[name]).unwrap();
    let total = RuleSettings {
        total: true,
        ..RuleSettings::default()
    };
    optimizer.set_rule(&handle, Some(&total)).unwrap();
    let mut observe = |ms, number| {
        optimizer.tick(at(ms));
        optimizer.poll_batch();
        optimizer
            .observe_numbers(at(ms), &handle, &[number], &[])
            .unwrap();
        optimizer.poll_published()
    };
    assert_eq!(observe(0, 5.0), []);
    assert_eq!(observe(200, 1.0), []);
    let merged = Publication {
        series: 0,
        reason: Reason::Final,
        number: Some(1.0),
    };
    assert_eq!(observe(250, 0.5), [merged]);
}
