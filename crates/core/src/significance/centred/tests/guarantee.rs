//! What a centred rule promises, through the optimizer: its guarantee at every
//! reading, also over a restart; what is exact all the same; what is refused.

use alloc::format;
use alloc::vec::Vec;

use proptest::prelude::*;

use crate::rule::{Publishing, RuleSettings};
use crate::significance::Reason;
use crate::{Error, Instant, Optimizer, Override, Series};

fn at(second: u64) -> Instant {
    Instant {
        mono_us: second * 1_000_000,
        wall_us: 0,
    }
}

fn centred(tolerance: f64) -> RuleSettings {
    RuleSettings {
        absolute: Some(tolerance),
        publishing: Publishing::Centred,
        ..RuleSettings::default()
    }
}

/// One series under one rule, read once a second.
struct Sensor {
    optimizer: Optimizer,
    handle: u32,
    second: u64,
}

impl Sensor {
    fn new(rule: &RuleSettings) -> Self {
        let mut optimizer = Optimizer::new();
        let series = Series {
            entity: "sensor.a".into(),
            attribute: None,
        };
        let handle = optimizer.intern(&[series]).unwrap()[0];
        optimizer.set_default_rule(rule).unwrap();
        Self {
            optimizer,
            handle,
            second: 0,
        }
    }

    fn read(&mut self, text: &str) -> Reason {
        self.second += 1;
        let length = text.len() as u32;
        self.optimizer
            .observe_texts(at(self.second), &[self.handle], text, &[length], &[])
            .unwrap()[0]
    }

    fn published(&self) -> f64 {
        self.optimizer.published_numbers(&[self.handle]).unwrap()[0]
    }

    /// Lets time pass without readings; gives what it published.
    fn wait(&mut self, seconds: u64) -> Vec<Reason> {
        self.second += seconds;
        self.optimizer.tick(at(self.second));
        let timed = self.optimizer.poll_published();
        timed.into_iter().map(|it| it.reason).collect()
    }

    /// A fresh optimizer with the snapshot of this one.
    fn restart(mut self, rule: &RuleSettings) -> Self {
        let snapshot = self.optimizer.snapshot(at(self.second));
        let mut optimizer = Optimizer::new();
        optimizer.set_default_rule(rule).unwrap();
        optimizer.restore(at(self.second), &snapshot).unwrap();
        Self { optimizer, ..self }
    }
}

#[test]
fn a_reading_as_far_as_the_threshold_is_still_within() {
    let mut sensor = Sensor::new(&centred(0.5));
    assert_eq!(sensor.read("20"), Reason::First);
    assert_eq!(sensor.read("20.5"), Reason::Within);
    assert_eq!(sensor.read("19.5"), Reason::Within);
    assert_eq!(sensor.read("20.0"), Reason::Repeat);
    assert_eq!(sensor.published().to_bits(), 20.0_f64.to_bits());
    assert_eq!(sensor.read("20.51"), Reason::Threshold);
}

#[test]
fn only_leaving_the_tolerance_chooses_a_value() {
    let mut sensor = Sensor::new(&RuleSettings {
        max_age_us: Some(3_600_000_000),
        settle_us: Some(60_000_000),
        levels: [25.0].into(),
        ..centred(1.0)
    });
    // A rise, until the published value leads.
    for tenths in 200..249 {
        sensor.read(&format!("{}", f64::from(tenths) / 10.0));
    }
    let led = sensor.published();
    assert!(
        led > 24.0 && led < 25.0,
        "{led} is on the level's side of 24.8"
    );
    assert_eq!(sensor.read("25.1"), Reason::Crossing);
    assert_eq!(sensor.published().to_bits(), 25.1_f64.to_bits());
    assert_eq!(sensor.read("unavailable"), Reason::Availability);
    assert!(sensor.published().is_nan());
    assert_eq!(sensor.read("27.3"), Reason::Availability);
    assert_eq!(sensor.published().to_bits(), 27.3_f64.to_bits());
    assert_eq!(sensor.read("27.9"), Reason::Within);
    assert_eq!(sensor.wait(60), [Reason::Settle]);
    assert_eq!(sensor.published().to_bits(), 27.9_f64.to_bits());
    assert_eq!(sensor.wait(3_600), [Reason::Heartbeat]);
    assert_eq!(sensor.published().to_bits(), 27.9_f64.to_bits());
}

#[test]
fn a_chosen_value_settles_to_the_reading() {
    let rule = RuleSettings {
        settle_us: Some(60_000_000),
        ..centred(1.0)
    };
    let mut sensor = Sensor::new(&rule);
    let mut chosen = None;
    for tenths in 200..400 {
        let reading = f64::from(tenths) / 10.0;
        if sensor.read(&format!("{reading}")) == Reason::Threshold && sensor.published() > reading {
            chosen = Some(reading);
            break;
        }
    }
    let reading = chosen.expect("a trend is led");
    assert_eq!(
        sensor.wait(60),
        [Reason::Settle],
        "though the last was published"
    );
    assert_eq!(sensor.published().to_bits(), reading.to_bits());
    assert_eq!(sensor.wait(600), []);
}

#[test]
fn an_override_is_judged_and_published_exactly() {
    let mut sensor = Sensor::new(&centred(10.0));
    sensor.read("20");
    let any_change = Override::default();
    let reason = sensor
        .optimizer
        .observe_with(at(2), sensor.handle, "20.1", None, any_change);
    assert_eq!(reason, Ok(Reason::Changed));
    assert_eq!(sensor.published().to_bits(), 20.1_f64.to_bits());
}

#[test]
fn a_rule_with_nothing_to_choose_within_is_refused() {
    for (expected, rule) in [
        (
            "absolute threshold above 0",
            RuleSettings {
                absolute: None,
                ..centred(1.0)
            },
        ),
        ("absolute threshold above 0", centred(0.0)),
        (
            "no percentage",
            RuleSettings {
                percentage: Some(0.01),
                ..centred(1.0)
            },
        ),
        (
            "total",
            RuleSettings {
                total: true,
                ..centred(1.0)
            },
        ),
    ] {
        let mut optimizer = Optimizer::new();
        match optimizer.set_default_rule(&rule) {
            Err(Error::InvalidArgument(text)) => assert!(text.contains(expected), "{text}"),
            other => panic!("{expected}: {other:?}"),
        }
    }
}

/// Hundredths that wander, drift, jump and repeat, with gaps between them.
fn readings() -> impl Strategy<Value = Vec<Option<i32>>> {
    let step = prop_oneof![
        6 => (-40_i32..40).prop_map(Some),
        3 => (-3_i32..9).prop_map(Some),
        1 => (-5_000_i32..5_000).prop_map(Some),
        1 => Just(None),
    ];
    proptest::collection::vec(step, 1..300).prop_map(|steps| {
        let mut value = 2_000;
        steps
            .into_iter()
            .map(|step| {
                value += step?;
                Some(value)
            })
            .collect()
    })
}

proptest! {
    /// At every reading the published number is within the tolerance, in whole
    /// hundredths where both are; a gap is published as such. An optimizer that
    /// restarts decides as one that did not.
    #[test]
    fn the_guarantee_holds_at_every_reading_and_over_restarts(
        readings in readings(),
        tolerance in 1_i32..300,
        zero_crossing in any::<bool>(),
        restarts in proptest::collection::vec(0_usize..300, 0..4),
    ) {
        let rule = RuleSettings { zero_crossing, ..centred(f64::from(tolerance) / 100.0) };
        let mut sensor = Sensor::new(&rule);
        let mut steady = Sensor::new(&rule);
        for (index, reading) in readings.iter().enumerate() {
            let before = sensor.published();
            if restarts.contains(&index) {
                sensor = sensor.restart(&rule);
            }
            let Some(hundredths) = reading else {
                sensor.read("unavailable");
                steady.read("unavailable");
                prop_assert!(sensor.published().is_nan());
                continue;
            };
            let number = f64::from(*hundredths) / 100.0;
            let text = format!("{number}");
            let reason = sensor.read(&text);
            let published = sensor.published();
            prop_assert_eq!(steady.read(&text), reason);
            prop_assert_eq!(steady.published().to_bits(), published.to_bits());
            // The finest grid here is a thousandth of a hundredth.
            let steps = (published * 100_000.0).round();
            let distance = (steps - f64::from(*hundredths) * 1_000.0).abs();
            prop_assert!(
                distance <= f64::from(tolerance) * 1_000.0,
                "{} was published when {} was read", published, number
            );
            prop_assert!(
                (steps / 100_000.0).to_bits() == published.to_bits(),
                "{} is no short decimal", published
            );
            if zero_crossing {
                prop_assert_eq!(published < 0.0, number < 0.0);
            }
            // Neither a flood nor a freeze: published when it must be, only then.
            let was_within = (before - number).abs() <= f64::from(tolerance) / 100.0 + 1e-9;
            let crossed = zero_crossing && (before < 0.0) != (number < 0.0);
            if index > 0 && before.is_finite() {
                prop_assert_eq!(reason.publishes(), !was_within || crossed);
            }
        }
    }

    /// With `settle` the last reading goes out, whatever was chosen before.
    #[test]
    fn the_last_reading_is_never_lost(readings in readings(), tolerance in 1_i32..300) {
        let mut sensor = Sensor::new(&RuleSettings {
            settle_us: Some(10_000_000),
            ..centred(f64::from(tolerance) / 100.0)
        });
        let mut last = None;
        for hundredths in readings.into_iter().flatten() {
            let number = f64::from(hundredths) / 100.0;
            sensor.read(&format!("{number}"));
            last = Some(number);
        }
        let settled = sensor.wait(10);
        prop_assert!(settled.len() <= 1);
        prop_assert_eq!(sensor.wait(10_000), []);
        if let Some(last) = last {
            prop_assert_eq!(sensor.published().to_bits(), last.to_bits());
        }
    }
}
