use super::*;
use crate::reading::differs_by;
use crate::rule::{Combine, RuleSettings};
use alloc::vec;
use core::iter::once;
use proptest::prelude::*;

const S: u64 = 1_000_000;

fn with_rule(settings: &RuleSettings) -> Significance {
    let mut significance = Significance::default();
    significance.adopt(0);
    significance.set_default_rule(Rule::check(settings).unwrap());
    significance
}

/// Keeps nothing.
pub(super) struct Nowhere;

impl Outgoing for Nowhere {
    fn publish(&mut self, _handle: u32) {}

    fn waits(&self, _handle: u32) -> bool {
        false
    }
}

impl Significance {
    /// Judges one reading by the rule of its series.
    fn observe(&mut self, now_us: u64, handle: u32, text: &str, time: Option<i64>) -> Reason {
        let readings = once(Reading::of_text(text));
        self.observe_all(now_us, &[handle], readings, once(time), &mut Nowhere)[0]
    }
}

/// Feeds texts one second apart and gives the reasons.
fn reasons(settings: &RuleSettings, texts: &[&str]) -> Vec<Reason> {
    let mut significance = with_rule(settings);
    let mut at = 0;
    texts
        .iter()
        .map(|text| {
            at += S;
            significance.observe(at, 0, text, None)
        })
        .collect()
}

/// Lets time pass to `until_s`, waking at each deadline.
fn run(significance: &mut Significance, until_s: u64) -> Vec<(u64, Reason)> {
    let mut seen = Vec::new();
    while let Some(due) = significance.deadline_us().filter(|&due| due <= until_s * S) {
        significance.tick(due, &mut Nowhere);
        let next = significance.deadline_us();
        assert!(next.is_none_or(|next| next > due), "still due at {due}");
        seen.extend(
            significance
                .poll()
                .into_iter()
                .map(|published| (due / S, published.reason)),
        );
    }
    seen
}

fn absolute(threshold: f64) -> RuleSettings {
    RuleSettings {
        absolute: Some(threshold),
        ..RuleSettings::default()
    }
}

fn percentage(fraction: f64) -> RuleSettings {
    RuleSettings {
        percentage: Some(fraction),
        ..RuleSettings::default()
    }
}

#[test]
fn readings_are_compared_with_the_value_published_last() {
    use Reason::{Changed, First, Repeat, Threshold, Within};
    let both = RuleSettings {
        percentage: Some(0.1),
        ..absolute(1.0)
    };
    let any = RuleSettings {
        combine: Combine::Any,
        ..both.clone()
    };
    let cases: [(RuleSettings, &[&str], &[Reason]); 8] = [
        (
            RuleSettings::default(),
            &["21", "21.0", "2.1e1", "22"],
            &[First, Repeat, Repeat, Changed],
        ),
        (
            absolute(0.5),
            &["20", "20.4", "20.5", "20.6"],
            &[First, Within, Threshold, Within],
        ),
        // Slow drift gets through, because the baseline is not the last reading.
        (
            absolute(0.5),
            &["20", "20.2", "20.4", "20.6"],
            &[First, Within, Within, Threshold],
        ),
        (
            absolute(0.0),
            &["20", "20", "20.1"],
            &[First, Repeat, Threshold],
        ),
        (
            percentage(0.01),
            &["100", "100.9", "101", "-101"],
            &[First, Within, Threshold, Threshold],
        ),
        (
            percentage(0.01),
            &["0", "0.0", "0.0001"],
            &[First, Repeat, Threshold],
        ),
        (
            both,
            &["100", "105", "111", "5", "5.9"],
            &[First, Within, Threshold, Threshold, Within],
        ),
        (
            any,
            &["100", "101", "5", "5.5"],
            &[First, Threshold, Threshold, Threshold],
        ),
    ];
    for (settings, texts, expected) in cases {
        assert_eq!(
            reasons(&settings, texts),
            expected,
            "{settings:?} {texts:?}"
        );
    }
}

#[test]
fn absences_are_published_once_and_so_is_what_follows() {
    use Reason::{Availability, Changed, First, NotFinite, Repeat};
    let cases: [(&[&str], &[Reason]); 4] = [
        (
            &["20", "unavailable", "unavailable", "unknown", "20", "20"],
            &[
                First,
                Availability,
                Repeat,
                Availability,
                Availability,
                Repeat,
            ],
        ),
        (
            &["20", "nan", "inf", "nan", "20"],
            &[First, NotFinite, Repeat, Repeat, NotFinite],
        ),
        (
            &["nan", "unavailable", "nan"],
            &[First, Availability, Availability],
        ),
        (
            &["on", "on", "off", "3", "off"],
            &[First, Repeat, Changed, Changed, Changed],
        ),
    ];
    for (texts, expected) in cases {
        assert_eq!(reasons(&absolute(5.0), texts), expected, "{texts:?}");
    }
}

#[test]
fn crossings_and_resets_pass_whatever_the_threshold() {
    use Reason::{Crossing, First, Reset, Within};
    let zero = RuleSettings {
        zero_crossing: true,
        ..absolute(100.0)
    };
    assert_eq!(
        reasons(&zero, &["5", "-1", "-2", "0", "3"]),
        [First, Crossing, Within, Crossing, Within]
    );
    let levels = RuleSettings {
        levels: vec![25.0].into(),
        ..absolute(100.0)
    };
    assert_eq!(
        reasons(&levels, &["20", "25", "30", "24.9"]),
        [First, Crossing, Within, Crossing]
    );
    let total = RuleSettings {
        total: true,
        ..absolute(100.0)
    };
    assert_eq!(
        reasons(&total, &["10", "11", "0", "1", "0"]),
        [First, Within, Reset, Within, Reset]
    );
}

/// Feeds texts and gives every number published, in order.
fn published_numbers(settings: &RuleSettings, texts: &[&str]) -> Vec<f64> {
    let mut significance = with_rule(settings);
    let mut numbers = Vec::new();
    for (second, text) in (0..).zip(texts) {
        let reason = significance.observe(second * S, 0, text, None);
        let last = significance.poll().into_iter().filter_map(|it| {
            assert_eq!(it.reason, Reason::Final);
            it.number
        });
        numbers.extend(last);
        if let (true, Reading::Number(number)) = (reason.publishes(), Reading::of_text(text)) {
            numbers.push(number);
        }
    }
    numbers
}

#[test]
fn a_total_ends_in_its_last_value() {
    let total = RuleSettings {
        total: true,
        levels: vec![50.0].into(),
        ..absolute(10.0)
    };
    let cases: [(&[&str], &[f64]); 6] = [
        (&["90", "93", "95", "1"], &[90.0, 95.0, 1.0]),
        // What was published is not published again.
        (&["90", "100", "1"], &[90.0, 100.0, 1.0]),
        (&["90", "95", "90", "91"], &[90.0, 95.0, 90.0]),
        // Two resets before anybody asks.
        (&["5", "6", "0", "2", "1"], &[5.0, 6.0, 0.0, 2.0, 1.0]),
        (&["90", "95", "unavailable", "1"], &[90.0, 95.0, 1.0]),
        (&["90", "95", "nan", "95"], &[90.0, 95.0, 95.0]),
    ];
    for (texts, expected) in cases {
        assert_eq!(published_numbers(&total, texts), expected, "{texts:?}");
    }
    let falling = RuleSettings {
        total: false,
        ..total
    };
    assert_eq!(published_numbers(&falling, &["95", "99", "94"]), [95.0]);
}

#[test]
fn an_override_stands_in_for_the_rule_of_one_call() {
    let mut significance = with_rule(&absolute(10.0));
    let mut observe = |text, thresholds: Option<Thresholds>| match &thresholds {
        Some(other) => {
            significance.observe_with(S, 0, Reading::of_text(text), None, other, &mut Nowhere)
        }
        None => significance.observe(S, 0, text, None),
    };
    let any_change = Thresholds::default().with_absolute(0.0);
    assert_eq!(observe("20", None), Reason::First);
    assert_eq!(observe("21", None), Reason::Within);
    assert_eq!(observe("21", Some(any_change)), Reason::Threshold);
    assert_eq!(observe("21", Some(any_change)), Reason::Repeat);
    assert_eq!(observe("30", None), Reason::Within);
}

#[test]
fn late_readings_are_dropped_and_counted() {
    let mut significance = with_rule(&RuleSettings::default());
    let mut observe = |text, time| significance.observe(S, 0, text, Some(time));
    assert_eq!(observe("1", 10), Reason::First);
    assert_eq!(observe("2", 9), Reason::Late);
    assert_eq!(observe("2", 10), Reason::Changed);
    assert_eq!(significance.totals().late, 1);
}

#[test]
fn the_heartbeat_repeats_the_current_value_and_replays_nothing() {
    let rule = RuleSettings {
        max_age_us: Some(60 * 1_000_000),
        ..absolute(5.0)
    };
    let mut significance = with_rule(&rule);
    significance.observe(0, 0, "20", None);
    significance.observe(50 * S, 0, "22", None);
    assert_eq!(
        run(&mut significance, 125),
        [(60, Reason::Heartbeat), (120, Reason::Heartbeat)]
    );
    significance.tick(1_000 * S, &mut Nowhere);
    assert_eq!(significance.poll().len(), 1, "a long sleep fires once");
    // The heartbeat published 22, which is the baseline now.
    assert_eq!(
        significance.observe(1_001 * S, 0, "22", None),
        Reason::Repeat
    );
    significance.observe(1_002 * S, 0, "unavailable", None);
    assert_eq!(
        run(&mut significance, 10_000),
        [],
        "an absence has no heartbeat"
    );
}

#[test]
fn the_last_suppressed_value_settles() {
    let rule = RuleSettings {
        settle_us: Some(10 * 1_000_000),
        ..absolute(5.0)
    };
    let mut significance = with_rule(&rule);
    for (at, text) in [(0, "20"), (5, "21"), (12, "22")] {
        significance.observe(at * S, 0, text, None);
    }
    assert_eq!(run(&mut significance, 100), [(22, Reason::Settle)]);
    assert_eq!(
        significance.history(0).map(|h| h.published),
        Some(Reading::Number(22.0))
    );
    significance.observe(101 * S, 0, "23", None);
    significance.observe(102 * S, 0, "22", None);
    assert_eq!(
        run(&mut significance, 200),
        [],
        "back at the baseline nothing is owed"
    );
}

#[test]
fn a_new_rule_applies_at_once_and_keeps_the_baseline() {
    let mut significance = with_rule(&absolute(5.0));
    significance.observe(0, 0, "20", None);
    significance.observe(S, 0, "21", None);
    let settle = RuleSettings {
        settle_us: Some(1_000_000),
        ..absolute(0.5)
    };
    significance.set_rule(&[0], Some(Rule::check(&settle).unwrap()));
    assert_eq!(run(&mut significance, 10), [(2, Reason::Settle)]);
    assert_eq!(
        significance.observe(11 * S, 0, "21.5", None),
        Reason::Threshold
    );
    assert!(significance.reset(0));
    assert!(!significance.reset(0));
    assert_eq!(significance.observe(12 * S, 0, "21.5", None), Reason::First);
}

/// Values a sensor may report, with the awkward ones among them.
fn reading_text() -> impl Strategy<Value = alloc::string::String> {
    prop_oneof![
        8 => (-2000_i32..2000).prop_map(|hundredths| alloc::format!("{}", f64::from(hundredths) / 100.0)),
        1 => Just("unavailable".into()),
        1 => Just("unknown".into()),
        1 => Just("nan".into()),
        1 => Just("idle".into()),
    ]
}

proptest! {
    /// At every reading the published number is within the threshold of it,
    /// and what differs in kind is published.
    #[test]
    fn published_is_always_within_the_threshold(
        hundredths in 0_u32..300,
        texts in proptest::collection::vec(reading_text(), 1..200),
    ) {
        let threshold = f64::from(hundredths) / 100.0;
        let mut significance = with_rule(&absolute(threshold));
        for (second, text) in (0..).zip(&texts) {
            let reading = Reading::of_text(text);
            significance.observe(second * S, 0, text, None);
            let published = significance.history(0).unwrap().published;
            match (published, reading) {
                (Reading::Number(published), Reading::Number(reading)) => prop_assert!(
                    published.to_bits() == reading.to_bits() || !differs_by(published, reading, threshold)
                ),
                (published, reading) => prop_assert_eq!(published, reading),
            }
        }
    }

    /// Whatever else its rule says, a total publishes every value it falls from,
    /// and the one it falls to.
    #[test]
    fn a_total_publishes_both_ends_of_every_fall(
        rule in any_rule(),
        tenths in proptest::collection::vec(-40_i32..40, 2..60),
    ) {
        let rule = RuleSettings { total: true, ..rule };
        let mut significance = with_rule(&rule);
        let mut published = Vec::new();
        let mut read = Vec::new();
        for (second, tenths) in (0..).zip(tenths) {
            let number = f64::from(tenths) / 10.0;
            significance.tick(second * S, &mut Nowhere);
            let reason = significance.observe(second * S, 0, &alloc::format!("{number}"), None);
            published.extend(significance.poll().into_iter().filter_map(|it| it.number));
            if reason.publishes() {
                published.push(number);
            }
            read.push(number);
        }
        let ends = read.windows(2).filter(|pair| pair[1] < pair[0]).flatten();
        let mut rest = published.iter();
        let mut seen = None;
        for end in ends {
            // One value may end one fall and begin the next.
            if seen != Some(end) {
                prop_assert!(rest.any(|it| it.to_bits() == end.to_bits()), "{end} is missing from {published:?}");
            }
            seen = Some(end);
        }
    }

    /// Once the stream is quiet, what was published is what was read last; and
    /// quiet itself publishes at most that one value.
    #[test]
    fn the_last_value_is_never_lost_and_quiet_never_floods(
        texts in proptest::collection::vec(reading_text(), 1..100),
        pauses in proptest::collection::vec(0_u64..20, 100),
    ) {
        let rule = RuleSettings { settle_us: Some(10 * 1_000_000), ..absolute(3.0) };
        let mut significance = with_rule(&rule);
        let mut second = 0;
        for (text, pause) in texts.iter().zip(&pauses) {
            second += pause;
            run(&mut significance, second);
            significance.observe(second * S, 0, text, None);
        }
        let settled = run(&mut significance, second + 1_000);
        prop_assert!(settled.len() <= 1);
        let history = significance.history(0).unwrap();
        prop_assert_eq!(history.published, history.latest);
        prop_assert!(!history.unsent());
    }
}

#[test]
fn every_value_settles_once_however_distant_its_heartbeat() {
    let mut significance = with_rule(&RuleSettings {
        settle_us: Some(1_000_000),
        max_age_us: Some(10 * 365 * 86_400 * 1_000_000),
        ..absolute(1.0)
    });
    for round in 0..1_000 {
        let text = if round % 2 == 0 { "0" } else { "0.5" };
        significance.observe(2 * round * S, 0, text, None);
        significance.tick((2 * round + 1) * S, &mut Nowhere);
        significance.set_preset(0, None);
    }
    assert_eq!(
        significance.totals().timed,
        999,
        "each value but the first settled"
    );
}

#[test]
fn a_rule_that_asks_for_a_moment_that_has_passed_is_obeyed_once() {
    let beating = |seconds: i64| RuleSettings {
        max_age_us: Some(seconds * 1_000_000),
        ..RuleSettings::default()
    };
    let mut significance = with_rule(&beating(10));
    significance.observe(0, 0, "1", None);
    significance.observe(5 * S, 0, "2", None);
    assert!(run(&mut significance, 10).is_empty(), "not before 15 s");
    significance.set_default_rule(Rule::check(&beating(2)).unwrap());
    assert_eq!(
        run(&mut significance, 10),
        [(7, Reason::Heartbeat), (9, Reason::Heartbeat)]
    );
}

/// One step in the life of a series.
#[derive(Debug, Clone)]
enum Step {
    Observe(alloc::string::String, Option<i64>),
    Override(alloc::string::String, f64),
    Wait(u64),
    Rule(RuleSettings),
    Reset,
    Restore(alloc::string::String),
}

fn any_rule() -> impl Strategy<Value = RuleSettings> {
    let threshold = || proptest::option::of((0_u32..300).prop_map(|it| f64::from(it) / 100.0));
    let length = || proptest::option::of((1_i64..20).prop_map(|seconds| seconds * 1_000_000));
    let levels = proptest::collection::vec((-20_i32..20).prop_map(f64::from), 0..3);
    (
        (threshold(), threshold(), any::<bool>()),
        (length(), length()),
        (any::<bool>(), any::<bool>(), levels),
    )
        .prop_map(
            |((absolute, percentage, any), (max_age_us, settle_us), (zero, total, levels))| {
                RuleSettings {
                    absolute,
                    percentage,
                    combine: if any { Combine::Any } else { Combine::All },
                    max_age_us,
                    settle_us,
                    zero_crossing: zero,
                    levels: levels.into(),
                    total,
                    ..RuleSettings::default()
                }
            },
        )
}

fn step() -> impl Strategy<Value = Step> {
    let near = || {
        prop_oneof![
            9 => (-40_i32..40).prop_map(|tenths| alloc::format!("{}", f64::from(tenths) / 10.0)),
            1 => reading_text(),
        ]
    };
    prop_oneof![
        20 => (near(), proptest::option::of(0_i64..100)).prop_map(|(text, time)| Step::Observe(text, time)),
        2 => (near(), 0.0..3.0).prop_map(|(text, absolute)| Step::Override(text, absolute)),
        4 => (0_u64..30).prop_map(Step::Wait),
        1 => any_rule().prop_map(Step::Rule),
        1 => Just(Step::Reset),
        1 => near().prop_map(Step::Restore),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Judging every reading in full gives the same reasons, histories, timers
    /// and totals as judging only those that are not certainly suppressed.
    #[test]
    fn what_is_suppressed_at_once_would_be_suppressed_by_judgement(
        rule in any_rule(),
        steps in proptest::collection::vec(step(), 1..60),
    ) {
        let mut short = with_rule(&rule);
        let mut full = with_rule(&rule);
        let mut now_us = 0;
        for step in steps {
            match step {
                Step::Observe(text, time) => {
                    now_us += S / 2;
                    let reading = Reading::of_text(&text);
                    let reason = short.observe(now_us, 0, &text, time);
                    full.totals.observed += 1;
                    prop_assert_eq!(reason, full.judge(now_us, 0, reading, time, None, &mut Nowhere));
                }
                Step::Override(text, absolute) => {
                    let reading = Reading::of_text(&text);
                    let thresholds = Thresholds::default().with_absolute(absolute);
                    prop_assert_eq!(
                        short.observe_with(now_us, 0, reading, None, &thresholds, &mut Nowhere),
                        full.observe_with(now_us, 0, reading, None, &thresholds, &mut Nowhere)
                    );
                }
                Step::Wait(seconds) => {
                    let second = now_us / S + seconds;
                    prop_assert_eq!(run(&mut short, second), run(&mut full, second));
                    now_us = now_us.max(second * S);
                }
                Step::Rule(rule) => {
                    let rule = Rule::check(&rule).unwrap();
                    short.set_rule(&[0], Some(rule.clone()));
                    full.set_rule(&[0], Some(rule));
                }
                Step::Reset => prop_assert_eq!(short.reset(0), full.reset(0)),
                Step::Restore(text) => {
                    let reading = Reading::of_text(&text);
                    short.restore(now_us, 0, reading, Reading::Number(1.0), 0);
                    full.restore(now_us, 0, reading, Reading::Number(1.0), 0);
                }
            }
            prop_assert_eq!(short.history(0), full.history(0));
            prop_assert_eq!(short.deadline_us(), full.deadline_us());
            prop_assert_eq!(short.totals(), full.totals());
        }
    }
}
