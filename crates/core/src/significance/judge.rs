//! The comparison of a reading with its baseline.

use super::Reason;
use super::track::History;
use crate::reading::{Reading, differs_by, exceeds};
use crate::rule::{Publishing, Rule, Thresholds};

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
        (Number(before), Number(now)) => match judge_number(rule, thresholds, before, now) {
            Reason::Crossing => Reason::Crossing,
            _ if rule.total && falls(history, reading) => Reason::Reset,
            reason => reason,
        },
        _ => Reason::Changed,
    }
}

/// [`judge`] for two numbers, where the rule is not for a total.
#[inline]
#[allow(clippy::float_cmp, reason = "a repeat is the very same number")]
pub(super) fn judge_number(rule: &Rule, thresholds: &Thresholds, before: f64, now: f64) -> Reason {
    if before == now {
        Reason::Repeat
    } else if crosses(rule, before, now) {
        Reason::Crossing
    } else {
        compare(thresholds, before, now)
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
            let unsent = history.unsent();
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
        published: Reading::Number(before),
        newest_time: i64::MIN,
        heard_us: 0,
    };
    judge(&history, Reading::Number(now), rule, &rule.thresholds)
}

/// Applies the thresholds to two numbers that differ.
#[inline]
fn compare(thresholds: &Thresholds, before: f64, now: f64) -> Reason {
    if !thresholds.is_given() {
        return Reason::Changed;
    }
    let threshold = thresholds.at(before);
    let reached = match thresholds.publishing {
        Publishing::Exact => differs_by(before, now, threshold),
        Publishing::Centred => exceeds(before, now, threshold),
    };
    if reached {
        Reason::Threshold
    } else {
        Reason::Within
    }
}

/// Whether zero or a listed level lies between two numbers.
pub(super) fn crosses(rule: &Rule, before: f64, now: f64) -> bool {
    let passes = |&level: &f64| (before < level) != (now < level);
    rule.crossings.iter().any(passes)
}
