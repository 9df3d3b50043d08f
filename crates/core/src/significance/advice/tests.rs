use super::super::tests::Nowhere;
use super::*;
use crate::reading::differs_by;
use crate::rule::{Rule, RuleSettings};
use alloc::vec::Vec;
use proptest::prelude::*;

const S: u64 = 1_000_000;

/// A series with a threshold of 1, as its own rule or as the default.
fn within_one(own: bool) -> Significance {
    let rule = Rule::check(&RuleSettings {
        absolute: Some(1.0),
        zero_crossing: true,
        ..RuleSettings::default()
    })
    .unwrap();
    let mut significance = Significance::default();
    significance.adopt(0);
    if own {
        significance.set_rule(&[0], Some(rule));
    } else {
        significance.set_default_rule(rule);
    }
    significance
}

fn advise(significance: &mut Significance, at_s: u64, text: &str, advice: Advice) -> Reason {
    let reading = Reading::of_text(text);
    significance.observe_advised(at_s * S, 0, reading, advice, &mut Nowhere)
}

fn published(significance: &Significance) -> Reading {
    significance.history(0).unwrap().published
}

#[test]
fn advice_decides_where_the_rules_promise_nothing() {
    let mut significance = within_one(false);
    for (at_s, text, advice, expected, left) in [
        (1, "10", Advice::Hold, Reason::First, 10.0),
        (2, "10.2", Advice::Publish, Reason::Advised, 10.2),
        (3, "10.2", Advice::Publish, Reason::Repeat, 10.2),
        (4, "15", Advice::Hold, Reason::Held, 10.2),
        (5, "15", Advice::Abstain, Reason::Threshold, 15.0),
        (6, "15.3", Advice::Abstain, Reason::Within, 15.0),
        (7, "20", Advice::Replace(19.5), Reason::Advised, 19.5),
        (8, "20.1", Advice::Replace(19.5), Reason::Held, 19.5),
        // Too far away, on the other side of zero, or no number: the rule decides.
        (9, "20.1", Advice::Replace(22.0), Reason::Within, 19.5),
        (10, "20.1", Advice::Replace(f64::NAN), Reason::Within, 19.5),
        (11, "0.5", Advice::Replace(-0.2), Reason::Threshold, 0.5),
        (12, "-5", Advice::Hold, Reason::Crossing, -5.0),
    ] {
        let reason = advise(&mut significance, at_s, text, advice);
        assert_eq!(
            (reason, published(&significance)),
            (expected, Reading::Number(left)),
            "at {at_s} s: {text} with {advice:?}"
        );
    }
    for text in ["unavailable", "7", "nan", "8"] {
        let reason = advise(&mut significance, 20, text, Advice::Hold);
        assert!(reason.publishes(), "{text}: {reason:?}");
    }
}

#[test]
fn a_threshold_of_its_own_rule_is_a_promise() {
    let mut significance = within_one(true);
    advise(&mut significance, 1, "10", Advice::Abstain);
    for advice in [Advice::Hold, Advice::Defer(S)] {
        assert_eq!(advise(&mut significance, 2, "10.9", advice), Reason::Held);
        let reason = advise(&mut significance, 3, "11", advice);
        assert_eq!(reason, Reason::Threshold);
        advise(&mut significance, 4, "10", Advice::Publish);
    }
}

#[test]
fn text_without_threshold_is_open_to_advice() {
    let mut significance = Significance::default();
    significance.adopt(0);
    advise(&mut significance, 1, "home", Advice::Abstain);
    let held = advise(&mut significance, 2, "away", Advice::Hold);
    let replaced = advise(&mut significance, 3, "work", Advice::Replace(1.0));
    assert_eq!((held, replaced), (Reason::Held, Reason::Changed));
}

#[test]
fn numbers_after_a_word_that_was_held_back_are_the_newest_reading() {
    let mut significance = within_one(false);
    advise(&mut significance, 1, "10", Advice::Abstain);
    let held = advise(&mut significance, 2, "open", Advice::Hold);
    let within = significance.observe_numbers(3 * S, &[0; 4], &[10.2; 4], |_| None, &mut Nowhere);
    assert_eq!((held, within), (Reason::Held, [Reason::Within; 4].to_vec()));
    let latest = significance.history(0).unwrap().latest;
    assert_eq!(latest, Reading::Number(10.2));
}

/// Ticks at every deadline until `until_s`; gives when what was published.
fn run(significance: &mut Significance, until_s: u64) -> Vec<(u64, Reason, Option<f64>)> {
    let mut seen = Vec::new();
    while let Some(due_us) = significance.deadline_us().filter(|&due| due <= until_s * S) {
        significance.tick(due_us, &mut Nowhere);
        assert!(significance.deadline_us().is_none_or(|next| next > due_us));
        let published = significance.poll().into_iter();
        seen.extend(published.map(|it| (due_us / S, it.reason, it.number)));
    }
    seen
}

#[test]
fn what_is_put_off_leaves_with_its_newest_value_at_the_moment_named_last() {
    let mut significance = within_one(false);
    advise(&mut significance, 1, "10", Advice::Abstain);
    advise(&mut significance, 2, "20", Advice::Defer(60 * S));
    advise(&mut significance, 30, "21", Advice::Hold);
    assert_eq!(
        run(&mut significance, 100),
        [(62, Reason::Deferred, Some(21.0))]
    );
    // Published in between: nothing is left to do.
    advise(&mut significance, 101, "30", Advice::Defer(60 * S));
    advise(&mut significance, 102, "31", Advice::Publish);
    assert_eq!(run(&mut significance, 400), []);
    // No longer than an hour, and no delay is none.
    advise(&mut significance, 500, "40", Advice::Defer(u64::MAX));
    assert_eq!(
        run(&mut significance, 10_000),
        [(4100, Reason::Deferred, Some(40.0))]
    );
    advise(&mut significance, 10_001, "50", Advice::Defer(0));
    assert_eq!(run(&mut significance, 100_000), []);
}

#[test]
fn what_is_put_off_leaves_at_the_end() {
    let mut significance = within_one(false);
    advise(&mut significance, 1, "10", Advice::Abstain);
    advise(&mut significance, 2, "20", Advice::Defer(60 * S));
    significance.settle_all(3 * S, &mut Nowhere);
    let published: Vec<_> = significance.poll().iter().map(|it| it.reason).collect();
    assert_eq!(published, [Reason::Deferred]);
    assert_eq!(run(&mut significance, 1000), []);
}

fn any_advice() -> impl Strategy<Value = Advice> {
    prop_oneof![
        Just(Advice::Abstain),
        Just(Advice::Publish),
        Just(Advice::Hold),
        (-3.0..3.0_f64).prop_map(Advice::Replace),
        Just(Advice::Replace(f64::INFINITY)),
        (0..100_u64).prop_map(|seconds| Advice::Defer(seconds * S)),
    ]
}

proptest! {
    /// Whatever is advised, and whatever time passes between.
    #[test]
    fn no_advice_breaks_the_promise_of_a_rule(
        readings in prop::collection::vec((-3.0..3.0_f64, any_advice(), 0..50_u64), 1..60)
    ) {
        let mut significance = within_one(true);
        let mut at_s = 1;
        for (number, advice, later_s) in readings {
            let reading = Reading::Number(number);
            significance.observe_advised(at_s * S, 0, reading, advice, &mut Nowhere);
            let Reading::Number(shown) = published(&significance) else {
                return Err(TestCaseError::fail("a number was read"));
            };
            prop_assert!(!exceeds(shown, number, 1.0), "{number} is shown as {shown}");
            prop_assert_eq!(shown < 0.0, number < 0.0, "a crossing was not shown");
            let replaced = matches!(advice, Advice::Replace(_));
            prop_assert!(replaced || !differs_by(shown, number, 1.0), "{number} as {shown}");
            at_s += later_s;
            run(&mut significance, at_s);
        }
    }

    /// What was put off is shown in the end, unless a newer one was.
    #[test]
    fn what_is_put_off_is_not_lost(
        readings in prop::collection::vec((-3.0..3.0_f64, 1..5000_u64, 0..2000_u64), 1..40)
    ) {
        let mut significance = within_one(false);
        let mut at_s = 1;
        let mut latest = 0.0;
        for (number, delay_s, later_s) in readings {
            latest = number;
            let advice = Advice::Defer(delay_s * S);
            let reading = Reading::Number(number);
            significance.observe_advised(at_s * S, 0, reading, advice, &mut Nowhere);
            at_s += later_s;
            run(&mut significance, at_s);
        }
        run(&mut significance, at_s + 3600);
        prop_assert_eq!(published(&significance), Reading::Number(latest));
    }
}
