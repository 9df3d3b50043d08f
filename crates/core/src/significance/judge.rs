//! The comparison of a reading with its baseline.

use super::{History, Reason};
use crate::reading::{Reading, differs_by, exceeds};
use crate::rule::{Combine, Publishing, Rule, Thresholds};

/// Compares a reading with its baseline under a rule; `thresholds` stand in for
/// those of the rule.
pub(super) fn judge(
    history: &History,
    reading: Reading,
    rule: &Rule,
    thresholds: &Thresholds,
) -> Reason {
    use Reading::{NotFinite, Number, Unavailable, Unknown};
    match (history.published, reading) {
        // What it fell from may have been suppressed, and the baseline be reached
        // again.
        (before, now) if before == now => {
            if rule.total && falls(history, reading) {
                Reason::Reset
            } else {
                Reason::Repeat
            }
        }
        (Unknown | Unavailable, _) | (_, Unknown | Unavailable) => Reason::Availability,
        (NotFinite, _) | (_, NotFinite) => Reason::NotFinite,
        (Number(before), Number(now)) => {
            if crosses(rule, before, now) {
                Reason::Crossing
            } else if rule.total && falls(history, reading) {
                Reason::Reset
            } else {
                compare(thresholds, before, now)
            }
        }
        _ => Reason::Changed,
    }
}

/// A total's value before it fell or became no number.
pub(super) struct LastOfTotal {
    pub(super) number: f64,
    /// Whether it was suppressed.
    pub(super) unsent: bool,
}

/// The newest reading, where it is the last value of a total that `reading` ends
/// by a fall, or by being no number. Such a reading is published.
pub(super) fn last_of_total(
    history: &History,
    reading: Reading,
    rule: &Rule,
) -> Option<LastOfTotal> {
    match history.latest {
        Reading::Number(number) if rule.total => {
            let goes_on = matches!(reading, Reading::Number(now) if now >= number);
            let unsent = history.unsent;
            (!goes_on).then_some(LastOfTotal { number, unsent })
        }
        _ => None,
    }
}

/// Whether a number is less than the newest reading.
fn falls(history: &History, reading: Reading) -> bool {
    matches!((history.latest, reading), (Reading::Number(latest), Reading::Number(now)) if now < latest)
}

/// [`judge`] of a number whose series published `before` and read `latest` last.
#[cfg(test)]
pub(super) fn judge_numbers(rule: &Rule, before: f64, latest: f64, now: f64) -> Reason {
    let history = History {
        latest: Reading::Number(latest),
        ..History::first(Reading::Number(before), i64::MIN, 0)
    };
    judge(&history, Reading::Number(now), rule, &rule.thresholds)
}

/// Applies the thresholds to two numbers that differ.
fn compare(thresholds: &Thresholds, before: f64, now: f64) -> Reason {
    let reached = |met: bool| {
        if met {
            Reason::Threshold
        } else {
            Reason::Within
        }
    };
    let absolute = thresholds
        .absolute
        .map(|threshold| match thresholds.publishing {
            Publishing::Exact => differs_by(before, now, threshold),
            Publishing::Centred => exceeds(before, now, threshold),
        });
    let percentage = thresholds.percentage.map(|fraction| {
        // From a baseline of 0 any other value is infinitely far.
        before == 0.0 || differs_by(before, now, fraction * before.abs())
    });
    match (absolute, percentage, thresholds.combine) {
        (None, None, _) => Reason::Changed,
        (Some(met), None, _) | (None, Some(met), _) => reached(met),
        (Some(absolute), Some(percentage), Combine::All) => reached(absolute && percentage),
        (Some(absolute), Some(percentage), Combine::Any) => reached(absolute || percentage),
    }
}

/// Whether zero or a listed level lies between two numbers.
pub(super) fn crosses(rule: &Rule, before: f64, now: f64) -> bool {
    let passes = |level: f64| (before < level) != (now < level);
    (rule.zero_crossing && passes(0.0)) || rule.levels.iter().any(|&level| passes(level))
}
