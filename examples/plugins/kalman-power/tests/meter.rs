//! The plugin in a home of its own, without a host.

use kalman_power::KalmanPower;
use weirhouse_plugin::Plugin as _;
use weirhouse_plugin::testing::Harness;

const METER: &str = "sensor.kettle_power";

/// Noise that is the same in every run, between -4 and 4.
fn noise(step: u64) -> f64 {
    let mut mixed = (step + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((mixed ^ (mixed >> 31)) % 81) as f64 / 10.0 - 4.0
}

#[test]
fn a_switched_load_passes_at_once_and_noise_does_not() {
    let mut home = Harness::<KalmanPower>::new();
    let mut published = 0;
    for second in 0..600 {
        let load = if second < 300 { 60.0 } else { 2060.0 };
        let reading = format!("{:.1}", load + noise(second));
        let outcome = home.read(second * 1000, METER, &reading);
        if second == 300 {
            assert_eq!(outcome.decision.reason, "switched");
            assert_eq!(outcome.published, Some(reading));
        }
        published += u32::from(outcome.published.is_some());
    }
    assert!(
        (2..40).contains(&published),
        "{published} of 600 were passed on"
    );
}

#[test]
fn what_is_passed_on_stays_within_the_tolerance() {
    let mut home = Harness::<KalmanPower>::new().tolerance(10.0);
    let mut shown = 0.0;
    for second in 0..2000 {
        let reading = 500.0 + second as f64 / 20.0 + noise(second);
        let text = format!("{reading:.1}");
        if let Some(published) = home.read(second * 1000, METER, &text).published {
            shown = published.parse().unwrap();
        }
        let off = (shown - text.parse::<f64>().unwrap()).abs();
        assert!(off < 25.0, "{off} W off after {second} s");
    }
}

#[test]
fn what_was_learned_goes_to_the_next_instance() {
    let mut home = Harness::<KalmanPower>::new();
    for second in 0..100 {
        home.read(
            second * 1000,
            METER,
            &format!("{:.1}", 800.0 + noise(second)),
        );
    }
    let snapshot = home.plugin.snapshot();
    let mut next = KalmanPower::default();
    next.restore(&snapshot).unwrap();
    assert_eq!(next.snapshot(), snapshot);
    assert!(next.restore(b"something else").is_err());
}
