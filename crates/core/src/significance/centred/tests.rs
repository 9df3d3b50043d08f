mod guarantee;

use super::*;
use alloc::vec::Vec;
use proptest::prelude::*;

/// Publishes as a rule with `tolerance` does: index of the reading, and value.
fn published(tolerance: f64, readings: impl IntoIterator<Item = f64>) -> Vec<(usize, f64)> {
    let mut readings = readings.into_iter().enumerate();
    let (_, first) = readings.next().unwrap();
    let mut placement = Placement::new(first);
    let mut out = alloc::vec![(0, first)];
    let mut baseline = first;
    for (index, number) in readings {
        placement.observe(number, tolerance);
        if exceeds(baseline, number, tolerance) {
            baseline = placement.choose(number, tolerance);
            out.push((index, baseline));
        }
    }
    out
}

#[test]
fn a_trend_is_met_ahead() {
    let rise = (0..200).map(|step| 20.0 + f64::from(step) / 10.0);
    let out = published(1.0, rise);
    // A value on the reading holds for 10 readings, one ahead for 20.
    let (last, before) = (out[out.len() - 1], out[out.len() - 2]);
    assert_eq!(last.0 - before.0, 21);
    let reading = 20.0 + last.0 as f64 / 10.0;
    let ahead = (reading * 10.0).round() / 10.0 + 1.0;
    assert_eq!(last.1.to_bits(), ahead.to_bits());
}

#[test]
fn noise_is_met_in_its_middle() {
    // Mean 50, between 49.1 and 50.9: one value holds them all, and only one
    // near the middle does.
    let noise = (0_u32..2_000).map(|step| 49.1 + f64::from(step * 7 % 19) / 10.0);
    let out = published(1.0, noise);
    let (index, value) = out[out.len() - 1];
    assert!(index < 100, "still publishing at {index}: {out:?}");
    assert!((49.9..=50.1).contains(&value), "{value}");
}

#[test]
fn an_outlier_does_not_move_the_value_for_good() {
    let spikes = (0..1_000).map(|step| if step % 50 == 49 { 80.0 } else { 20.0 });
    let out = published(1.0, spikes);
    // Each spike is published, and so is what follows.
    assert_eq!(out.len(), 1 + 2 * 19 + 1);
    assert!(
        out.iter()
            .all(|&(index, value)| (value > 70.0) == (index % 50 == 49)),
        "{out:?}"
    );
}

#[test]
fn values_are_decimals_fine_against_the_tolerance() {
    for (place, number, tolerance, expected) in [
        (20.649_999_999_999_9, 20.4, 0.5, 20.65),
        (20.123_456, 20.4, 0.5, 20.12),
        (1_262.0, 1_234.0, 100.0, 1_260.0),
        (-3.333_333, -3.0, 0.5, -3.33),
        (45.523_149_9, 45.523_1, 0.000_1, 45.523_15),
        // At the edge the nearest decimal may lie outside, the next one does not.
        (19.896, 20.396, 0.5, 19.9),
        (20.896, 20.396, 0.5, 20.89),
        // As it came.
        (20.4, 20.4, 0.5, 20.4),
        (21.456_78, 21.456_78, 0.5, 21.456_78),
        // No decimal fits.
        (1e300, 1e300 + 1e285, 1e286, 1e300 + 1e285),
        (1.5e-30, 1e-30, 1e-30, 1e-30),
        (f64::INFINITY, 1e308, 1e308, 1e308),
    ] {
        let value = decimal_near(place, number, tolerance);
        assert_eq!(value.to_bits(), f64::to_bits(expected), "{place}: {value}");
    }
}

#[test]
fn the_state_of_a_series_is_small() {
    assert!(size_of::<Placement>() <= 128, "{}", size_of::<Placement>());
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        6 => (-100_000_i32..100_000).prop_map(|number| f64::from(number) / 100.0),
        1 => any::<f64>().prop_filter("finite", |number| number.is_finite()),
    ]
}

proptest! {
    /// Whatever was read before and however the tolerance changes, what is
    /// chosen is within the tolerance, and the state is one that a snapshot takes.
    #[test]
    fn the_chosen_value_is_within_the_tolerance(
        readings in proptest::collection::vec((number(), number()), 1..200),
    ) {
        let mut placement = Placement::new(readings[0].0);
        for (number, tolerance) in readings {
            let tolerance = tolerance.abs();
            placement.observe(number, tolerance);
            let chosen = placement.choose(number, tolerance);
            prop_assert!(chosen.is_finite() && placement.is_well_formed());
            prop_assert!(!exceeds(chosen, number, tolerance), "{chosen} for {number} ± {tolerance}");
        }
    }
}
