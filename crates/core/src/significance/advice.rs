//! Advice on readings: what a policy beside the rules may change of their
//! decisions, and what not.

use super::Significance;
use super::judge::{crosses, judge};
use super::outcome::{Outgoing, Reason};
use super::terms::Terms;
use super::track::History;
use crate::reading::{Reading, exceeds};
use crate::rule::Rule;

/// The longest that advice may put a reading off: an hour, in which a policy
/// that forgot it does little harm.
const MOST_DEFERRAL_US: u64 = 3_600_000_000;

/// What somebody says of one reading; see the WIT interface `advice`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Advice {
    /// The rules decide.
    Abstain,
    /// Publish it.
    Publish,
    /// Hold it back.
    Hold,
    /// Publish this number in its place.
    Replace(f64),
    /// Publish the newest reading after so many microseconds.
    Defer(u64),
}

impl Significance {
    /// Judges a reading by its rule and by `advice`.
    pub(crate) fn observe_advised(
        &mut self,
        now_us: u64,
        handle: u32,
        reading: Reading,
        advice: Advice,
        outgoing: &mut impl Outgoing,
    ) -> Reason {
        self.totals.observed += 1;
        let track = &mut self.tracks[handle as usize];
        let Terms {
            rules,
            published_us,
        } = &mut self.terms[handle as usize];
        let rule = rules.effective(&self.shared);
        let taken = track
            .history()
            .and_then(|history| taken(&history, reading, rule, rules.own.is_some(), advice));
        let Some((reason, value)) = taken else {
            let reason = self.judge(now_us, handle, reading, None, None, outgoing);
            if reason.publishes() {
                self.deferrals.remove(&handle);
            }
            return reason;
        };
        let learns = rule.learn;
        let mut due_us = track.take(published_us, rule, (now_us, reading), (reason, value));
        if reason.publishes() {
            self.deferrals.remove(&handle);
        } else if let Advice::Defer(delay_us) = advice
            && delay_us > 0
        {
            let deferred_us = now_us.saturating_add(delay_us.min(MOST_DEFERRAL_US));
            self.deferrals.insert(handle, deferred_us);
            due_us = due_us.min(deferred_us);
        }
        track.arm(rule, self.timers.set_sooner(handle, due_us));
        if self.learning.observe(now_us, handle, reading, learns) {
            track.empty_band();
        }
        self.note(handle, reason, outgoing)
    }
}

/// The decision and the value to publish, if the reading is open to advice and
/// the advice can be taken.
fn taken(
    history: &History,
    reading: Reading,
    rule: &Rule,
    is_own: bool,
    advice: Advice,
) -> Option<(Reason, Reading)> {
    let by_rule = judge(history, reading, rule, &rule.thresholds);
    let promised = is_own && by_rule == Reason::Threshold;
    let open = matches!(
        by_rule,
        Reason::Within | Reason::Threshold | Reason::Changed
    );
    if !open {
        return None;
    }
    match advice {
        Advice::Abstain => None,
        Advice::Publish => Some((Reason::Advised, reading)),
        Advice::Hold | Advice::Defer(_) => (!promised).then_some((Reason::Held, history.published)),
        Advice::Replace(number) => {
            let value = Reading::Number(number);
            if !may_replace(number, reading, rule) {
                return None;
            }
            Some(if value == history.published {
                (Reason::Held, value)
            } else {
                (Reason::Advised, value)
            })
        }
    }
}

/// Whether a number may be published for a reading.
fn may_replace(number: f64, reading: Reading, rule: &Rule) -> bool {
    let (Reading::Number(read), Some(tolerance)) = (reading, rule.thresholds.absolute()) else {
        return false;
    };
    number.is_finite()
        && !rule.total
        && !exceeds(read, number, tolerance)
        && !crosses(rule, number, read)
}

#[cfg(test)]
mod tests;
