use super::*;
use crate::rule::RuleSettings;
use crate::significance::tests::Nowhere;
use crate::significance::{Reason, Significance};
use core::iter::repeat;
use proptest::prelude::*;

fn number(index: u16) -> Reading {
    Reading::Number(f64::from(index % 2))
}

#[test]
fn nothing_is_learned_unasked() {
    let mut learning = Learning::default();
    for index in 0..1_000 {
        assert!(!learning.observe(0, 3, number(index), false));
    }
    assert_eq!(learning.proposal(3), None);
    assert!(learning.studies.is_empty());
}

#[test]
fn a_series_is_studied_in_rounds() {
    let mut learning = Learning::default();
    learning.set_everywhere(true);
    assert!(learning.follows(3), "the first round may begin");
    for index in 1..ROUND {
        assert!(learning.observe(7, 3, number(index), false), "{index}");
    }
    assert!(
        !learning.observe(7, 3, number(0), false),
        "the last of the round"
    );
    assert!(!learning.follows(3));
    assert_eq!(
        learning.proposal(3).map(|proposal| proposal.threshold),
        Some(2.0)
    );
    let learned = learning.proposal(3);
    assert!(
        !learning.observe(6 + REST_US, 3, number(0), false),
        "it rests"
    );
    assert_eq!(learning.proposal(3), learned);
    assert!(
        learning.observe(7 + REST_US, 3, number(0), false),
        "the next round"
    );
    assert!(learning.follows(3));
}

#[test]
fn texts_are_not_studied() {
    let mut learning = Learning::default();
    learning.set_everywhere(true);
    assert!(!learning.observe(0, 3, Reading::Text(1), false));
    assert!(learning.studies.is_empty());
    assert!(learning.observe(0, 3, number(0), false));
    assert!(
        learning.observe(0, 3, Reading::Unavailable, false),
        "a gap in a study"
    );
}

#[test]
fn what_is_forgotten_is_learned_anew() {
    let mut learning = Learning::default();
    for index in 0..100 {
        learning.observe(0, 3, number(index), true);
    }
    assert!(learning.thresholds(3, &Rule::default()).is_some());
    learning.forget(3);
    learning.forget(99);
    assert!(learning.thresholds(3, &Rule::default()).is_none());
}

fn significance(settings: &RuleSettings) -> Significance {
    let mut significance = Significance::default();
    significance.adopt(0);
    significance.set_default_rule(Rule::check(settings).unwrap());
    significance
}

fn observe(significance: &mut Significance, numbers: &[f64]) -> Vec<Reason> {
    let readings = numbers.iter().copied().map(Reading::of_number);
    let handles: Vec<u32> = numbers.iter().map(|_| 0).collect();
    significance.observe_all(0, &handles, readings, repeat(None), &mut Nowhere)
}

fn flicker(level: f64, count: u32) -> Vec<f64> {
    (0..count)
        .map(|index| level + f64::from(index % 2))
        .collect()
}

#[test]
fn a_rule_that_learns_holds_flicker_back_and_lets_steps_pass() {
    let mut significance = significance(&RuleSettings {
        learn: true,
        ..RuleSettings::default()
    });
    let before = observe(&mut significance, &flicker(20.0, 66));
    assert!(before.iter().all(|reason| reason.publishes()), "{before:?}");
    let after = observe(&mut significance, &flicker(20.0, 100));
    assert!(!after.iter().any(|reason| reason.publishes()), "{after:?}");
    let step = observe(&mut significance, &[25.0]);
    assert_eq!(step, [Reason::Threshold]);
}

#[test]
fn a_rule_that_learns_uses_its_own_threshold_until_it_has() {
    let mut significance = significance(&RuleSettings {
        learn: true,
        absolute: Some(10.0),
        ..RuleSettings::default()
    });
    assert_eq!(
        observe(&mut significance, &[20.0, 25.0, 31.0]),
        [Reason::First, Reason::Within, Reason::Threshold]
    );
    observe(&mut significance, &flicker(30.0, 100));
    assert_eq!(
        observe(&mut significance, &[35.0]),
        [Reason::Threshold],
        "2 is enough"
    );
    significance.reset(0);
    assert_eq!(
        observe(&mut significance, &[35.0, 41.0, 46.0]),
        [Reason::First, Reason::Within, Reason::Threshold],
        "a reset forgets what was learned"
    );
}

/// Noise within a threshold never leaves the band, and is learned all the same.
#[test]
fn what_is_suppressed_is_studied_too() {
    let mut significance = significance(&RuleSettings {
        absolute: Some(50.0),
        ..RuleSettings::default()
    });
    observe(&mut significance, &flicker(20.0, 10));
    significance.set_learning(true);
    observe(&mut significance, &flicker(20.0, 100));
    let proposal = significance.proposal(0).unwrap();
    assert_eq!(proposal.threshold, 2.0);
    assert_eq!(proposal.suppressed, 1.0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// To be studied changes no verdict.
    #[test]
    fn study_decides_nothing(
        numbers in proptest::collection::vec((-50_i32..50).prop_map(|n| f64::from(n) / 10.0), 0..600),
        absolute in proptest::option::of(0.0..3.0_f64),
    ) {
        let settings = RuleSettings { absolute, ..RuleSettings::default() };
        let mut studied = significance(&settings);
        studied.set_learning(true);
        let mut plain = significance(&settings);
        prop_assert_eq!(observe(&mut studied, &numbers), observe(&mut plain, &numbers));
        prop_assert_eq!(studied.totals(), plain.totals());
    }
}
