//! Readings that are reported together are judged as if each came alone.

use super::*;
use crate::rule::{Publishing, RuleSettings};
use proptest::prelude::*;

const SERIES: usize = 5;

/// Rules under which readings are judged in every way that there is.
fn rules() -> [RuleSettings; SERIES] {
    let absolute = |threshold| RuleSettings {
        absolute: Some(threshold),
        ..RuleSettings::default()
    };
    [
        RuleSettings {
            settle_us: Some(300_000),
            max_age_us: Some(2_000_000),
            ..absolute(1.0)
        },
        RuleSettings {
            percentage: Some(0.1),
            levels: [2.0].into(),
            zero_crossing: true,
            ..RuleSettings::default()
        },
        RuleSettings {
            total: true,
            ..absolute(2.0)
        },
        RuleSettings {
            publishing: Publishing::Centred,
            settle_us: Some(100_000),
            ..absolute(1.5)
        },
        RuleSettings {
            learn: true,
            ..absolute(0.5)
        },
    ]
}

/// Halves from -2 to 6, and what is no finite number.
fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        20 => (-4_i32..=12).prop_map(|halves| f64::from(halves) / 2.0),
        1 => Just(-0.0),
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
    ]
}

/// What passes, in milliseconds, and what is reported then: series, number, time.
fn moment() -> impl Strategy<Value = (u64, Vec<(usize, f64, i64)>)> {
    let reading = (0..SERIES, number(), 0_i64..6);
    (0_u64..400, proptest::collection::vec(reading, 0..14))
}

proptest! {
    #[test]
    fn as_if_each_came_alone(
        moments in proptest::collection::vec(moment(), 1..20),
        dated in any::<bool>(),
    ) {
        let (mut together, mut alone) = (Optimizer::new(), Optimizer::new());
        let names = states(&["sensor.a", "sensor.b", "sensor.c", "sensor.d", "sensor.e"]);
        for optimizer in [&mut together, &mut alone] {
            let handles = optimizer.intern(&names).unwrap();
            for (handle, rule) in handles.iter().zip(&rules()) {
                optimizer.set_rule(&[*handle], Some(rule)).unwrap();
            }
        }
        let mut now_ms = 0;
        for (passes_ms, readings) in moments {
            now_ms += passes_ms;
            let now = at(now_ms);
            prop_assert_eq!(together.tick(now), alone.tick(now));
            prop_assert_eq!(together.poll_batch(), alone.poll_batch());
            let handles: Vec<_> = readings.iter().map(|&(series, ..)| series as u32).collect();
            let numbers: Vec<_> = readings.iter().map(|&(_, number, _)| number).collect();
            let times: Vec<_> = readings.iter().map(|&(.., time)| time).collect();
            let times = if dated { &times[..] } else { &[] };
            let reasons = together.observe_numbers(now, &handles, &numbers, times).unwrap();
            for (place, reason) in reasons.into_iter().enumerate() {
                let one = place..=place;
                let time = if dated { &times[one.clone()] } else { &[] };
                let lone = alone.observe_numbers(now, &handles[one.clone()], &numbers[one], time);
                prop_assert_eq!(lone.unwrap(), [reason], "{}", place);
            }
            prop_assert_eq!(together.poll_published(), alone.poll_published());
            prop_assert_eq!(together.next_deadline(), alone.next_deadline());
            prop_assert_eq!(together.snapshot(now), alone.snapshot(now));
        }
    }
}
