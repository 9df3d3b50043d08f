//! One series: its history, its rule, and what makes most of its readings cheap.

use alloc::sync::Arc;

use super::band::Band;
use super::judge::{LastOfTotal, crosses, judge, last_of_total};
use super::{Publication, Reason};
use crate::reading::Reading;
use crate::rule::{Rule, Thresholds};

/// What is known of one series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct History {
    /// The baseline.
    pub(crate) published: Reading,
    /// The newest reading, published or not.
    pub(crate) latest: Reading,
    /// When the source took the newest reading, in its own unit.
    pub(crate) newest_time: i64,
    /// Whether the newest reading differs from the baseline.
    pub(crate) unsent: bool,
    /// When the baseline was published.
    pub(super) published_us: u64,
    /// When the newest reading came.
    pub(super) heard_us: u64,
}

/// A moment that never comes.
const NEVER_US: u64 = u64::MAX;

/// A series, judged in two steps. [`Track::suppress`] answers for readings that
/// are certainly suppressed, and touches nothing but this structure;
/// [`Track::observe`] decides all others. A rule whose decisions depend on more
/// than its baseline leaves the band empty, and so sees every number in
/// [`Track::observe`].
#[derive(Default)]
pub(super) struct Track {
    band: Band,
    /// From this moment on, the timer that is set comes before a number
    /// suppressed now would settle.
    armed_from_us: u64,
    history: Option<History>,
    /// The earliest timer in the heap for this series.
    timer_us: Option<u64>,
    own: Option<Arc<Rule>>,
    preset: Option<Arc<Rule>>,
}

/// What a reading led to.
pub(super) struct Judgement {
    pub(super) reason: Reason,
    /// The timer to set, if one is needed.
    pub(super) timer_us: Option<u64>,
    /// What a total showed last, if the reading ended it.
    pub(super) last_of_total: Option<LastOfTotal>,
}

/// The rules that series share.
#[derive(Default)]
pub(super) struct SharedRules {
    /// For series that have no other.
    pub(super) default: Rule,
    /// Whether presets apply.
    pub(super) presets: bool,
}

impl History {
    /// That of a series whose first reading was published now.
    pub(super) fn first(reading: Reading, newest_time: i64, now_us: u64) -> Self {
        Self {
            published: reading,
            latest: reading,
            newest_time,
            unsent: false,
            published_us: now_us,
            heard_us: now_us,
        }
    }

    /// Notes a reading that is not published, unless it is late.
    #[inline]
    fn suppress(
        &mut self,
        now_us: u64,
        reading: Reading,
        time: Option<i64>,
        reason: Reason,
    ) -> Option<Reason> {
        if let Some(time) = time {
            if time < self.newest_time {
                return None;
            }
            self.newest_time = time;
        }
        self.latest = reading;
        self.heard_us = now_us;
        self.unsent = reason == Reason::Within;
        Some(reason)
    }

    /// Publishes a value for the newest reading.
    fn publish(&mut self, value: Reading, now_us: u64) {
        self.published = value;
        self.published_us = now_us;
        self.unsent = self.published != self.latest;
    }

    /// When the newest reading must go out.
    fn settle_due_us(&self, rule: &Rule) -> Option<u64> {
        rule.settle_us
            .filter(|_| self.unsent)
            .map(|settle_us| self.heard_us + settle_us)
    }

    /// When time next asks for a publication.
    fn due_us(&self, rule: &Rule) -> Option<u64> {
        let heartbeat = rule
            .max_age_us
            .filter(|_| self.latest.is_value())
            .map(|max_age_us| self.published_us + max_age_us);
        match (self.settle_due_us(rule), heartbeat) {
            (Some(settle), Some(heartbeat)) => Some(settle.min(heartbeat)),
            (one, other) => one.or(other),
        }
    }
}

/// The rule a series is judged by: its own, else its preset, else the default.
fn effective<'rule>(
    own: Option<&'rule Arc<Rule>>,
    preset: Option<&'rule Arc<Rule>>,
    shared: &'rule SharedRules,
) -> &'rule Rule {
    own.or(preset.filter(|_| shared.presets))
        .map_or(&shared.default, Arc::as_ref)
}

impl Track {
    pub(super) fn history(&self) -> Option<&History> {
        self.history.as_ref()
    }

    /// The earliest timer in the heap for this series.
    pub(super) fn timer_us(&self) -> Option<u64> {
        self.timer_us
    }

    pub(super) fn rule<'rule>(&'rule self, shared: &'rule SharedRules) -> &'rule Rule {
        effective(self.own.as_ref(), self.preset.as_ref(), shared)
    }

    pub(super) fn set_rule(&mut self, rule: Option<Arc<Rule>>) {
        self.own = rule;
    }

    pub(super) fn set_preset(&mut self, preset: Option<Arc<Rule>>) {
        self.preset = preset;
    }

    /// Forgets the history; says whether there was any.
    pub(super) fn reset(&mut self) -> bool {
        self.band = Band::EMPTY;
        self.history.take().is_some()
    }

    /// Puts back a history; [`Track::rearm`] must follow.
    pub(super) fn restore(&mut self, history: History) {
        self.history = Some(history);
    }

    /// Has the next number judged in full, whatever it is.
    pub(super) fn empty_band(&mut self) {
        self.band = Band::EMPTY;
    }

    /// Suppresses a number if that is certain without its rule; else changes
    /// nothing.
    #[inline]
    pub(super) fn suppress_number(
        &mut self,
        now_us: u64,
        number: f64,
        time: Option<i64>,
    ) -> Option<Reason> {
        if !self.band.holds(number) {
            return None;
        }
        let reason = if self.band.is_off_base(number) {
            if now_us < self.armed_from_us {
                return None;
            }
            Reason::Within
        } else {
            Reason::Repeat
        };
        let history = self.history.as_mut()?;
        history.suppress(now_us, Reading::Number(number), time, reason)
    }

    /// [`Track::suppress_number`] for any reading.
    #[inline]
    pub(super) fn suppress(
        &mut self,
        now_us: u64,
        reading: Reading,
        time: Option<i64>,
    ) -> Option<Reason> {
        if let Reading::Number(number) = reading {
            return self.suppress_number(now_us, number, time);
        }
        let history = self.history.as_mut()?;
        if history.published != reading {
            return None;
        }
        history.suppress(now_us, reading, time, Reason::Repeat)
    }

    /// Judges a reading. Where a centred rule applies, `choose` sees every number
    /// with its tolerance, and whether it left that; then it gives the value to
    /// publish.
    pub(super) fn observe(
        &mut self,
        now_us: u64,
        reading: Reading,
        time: Option<i64>,
        thresholds: Option<&Thresholds>,
        shared: &SharedRules,
        choose: impl FnOnce(f64, f64, bool) -> f64,
    ) -> Judgement {
        let rule = effective(self.own.as_ref(), self.preset.as_ref(), shared);
        let mut last = None;
        let (reason, history) = match &mut self.history {
            Some(history) if time.is_some_and(|time| time < history.newest_time) => {
                return Judgement {
                    reason: Reason::Late,
                    timer_us: None,
                    last_of_total: None,
                };
            }
            Some(history) => {
                let thresholds = thresholds.unwrap_or(&rule.thresholds);
                let reason = judge(history, reading, rule, thresholds);
                let value = match (thresholds.tolerance(), reading) {
                    (Some(tolerance), Reading::Number(number)) => {
                        let leaves = reason == Reason::Threshold;
                        let chosen = choose(number, tolerance, leaves);
                        // On the other side of a level it would be a crossing
                        // that never was.
                        if crosses(rule, chosen, number) {
                            reading
                        } else {
                            Reading::Number(chosen)
                        }
                    }
                    _ => reading,
                };
                last = last_of_total(history, reading, rule);
                history.latest = reading;
                history.newest_time = time.unwrap_or(history.newest_time);
                history.heard_us = now_us;
                history.unsent = history.published != reading;
                if reason.publishes() {
                    history.publish(value, now_us);
                }
                (reason, &*history)
            }
            empty => {
                let newest_time = time.unwrap_or(i64::MIN);
                let history = History::first(reading, newest_time, now_us);
                (Reason::First, &*empty.insert(history))
            }
        };
        if reason.publishes() {
            self.band = band(history, rule);
        }
        let due_us = history
            .due_us(rule)
            .filter(|&due_us| self.timer_us.is_none_or(|timer_us| due_us < timer_us));
        if due_us.is_some() {
            self.timer_us = due_us;
            self.armed_from_us = armed_from_us(due_us, rule);
        }
        Judgement {
            reason,
            timer_us: due_us,
            last_of_total: last,
        }
    }

    /// The value just published for the newest reading.
    pub(super) fn publication(&self, series: u32, reason: Reason) -> Publication {
        let number = match self.history.map(|history| history.published) {
            Some(Reading::Number(number)) => Some(number),
            _ => None,
        };
        Publication {
            series,
            reason,
            number,
        }
    }

    /// Publishes the newest reading if time demands it now.
    pub(super) fn fire(&mut self, now_us: u64, shared: &SharedRules) -> Option<Reason> {
        let rule = effective(self.own.as_ref(), self.preset.as_ref(), shared);
        let history = self.history.as_mut()?;
        let is_due = |due_us: Option<u64>| due_us.is_some_and(|due_us| due_us <= now_us);
        if !is_due(history.due_us(rule)) {
            return None;
        }
        let settled = is_due(history.settle_due_us(rule));
        history.publish(history.latest, now_us);
        Some(if settled {
            Reason::Settle
        } else {
            Reason::Heartbeat
        })
    }

    /// Publishes the newest reading if it waits to settle, however long it would
    /// still wait; says whether it did.
    pub(super) fn settle_now(&mut self, now_us: u64, shared: &SharedRules) -> bool {
        let rule = effective(self.own.as_ref(), self.preset.as_ref(), shared);
        let waiting = self
            .history
            .as_mut()
            .filter(|history| history.settle_due_us(rule).is_some());
        if let Some(history) = waiting {
            history.publish(history.latest, now_us);
            return true;
        }
        false
    }

    /// Follows a change of rule, history or timer; gives the timer to set.
    pub(super) fn rearm(&mut self, shared: &SharedRules) -> Option<u64> {
        let rule = effective(self.own.as_ref(), self.preset.as_ref(), shared);
        self.band = Band::EMPTY;
        self.timer_us = None;
        if let Some(history) = &self.history {
            self.band = band(history, rule);
            self.timer_us = history.due_us(rule);
        }
        self.armed_from_us = armed_from_us(self.timer_us, rule);
        self.timer_us
    }
}

/// The numbers that a series with this history certainly suppresses.
fn band(history: &History, rule: &Rule) -> Band {
    match history.published {
        Reading::Number(base) => Band::around(base, rule),
        _ => Band::EMPTY,
    }
}

/// When a number suppressed settles no earlier than the timer fires.
fn armed_from_us(timer_us: Option<u64>, rule: &Rule) -> u64 {
    rule.settle_us.map_or(0, |settle_us| {
        timer_us.unwrap_or(NEVER_US).saturating_sub(settle_us)
    })
}
