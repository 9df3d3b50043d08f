//! One series: its history, packed so that a reading that is suppressed touches
//! one line of the processor's cache, and nothing else.

mod suppression;

use super::band::Band;
use super::judge::{LastOfTotal, crosses, judge, judge_number, last_of_total};
use super::{Publication, Reason};
use crate::reading::{Kind, Reading};
use crate::rule::{Rule, Thresholds};
use crate::time::NEVER_US;

/// What is known of one series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct History {
    /// The baseline.
    pub(crate) published: Reading,
    /// The newest reading, published or not.
    pub(crate) latest: Reading,
    /// When the source took the newest reading, in its own unit.
    pub(crate) newest_time: i64,
    /// When the newest reading came.
    pub(super) heard_us: u64,
}

impl History {
    /// Whether the newest reading differs from the baseline.
    pub(crate) fn unsent(&self) -> bool {
        self.published != self.latest
    }
}

/// A series, judged in two steps. [`Track::suppress`] answers for readings that
/// are certainly suppressed, and touches nothing but this structure;
/// [`Track::observe`] decides all others. A rule whose decisions depend on more
/// than its baseline leaves the band empty, and so sees every number in
/// [`Track::observe`].
#[derive(Debug, Clone)]
#[repr(align(64))]
pub(super) struct Track {
    /// Empty where the newest reading is no number.
    band: Band,
    /// Bits of the baseline, as [`Reading::split`] gives them.
    published: u64,
    /// Those of the newest reading.
    latest: u64,
    heard_us: u64,
    newest_time: i64,
    /// `None` before the first reading.
    published_kind: Option<Kind>,
    latest_kind: Kind,
}

/// What a reading led to.
pub(super) struct Judgement {
    pub(super) reason: Reason,
    /// When time next asks for the series; [`NEVER_US`] if a timer that is set
    /// will do.
    pub(super) due_us: u64,
    /// What a total showed last, if the reading ended it.
    pub(super) last_of_total: Option<LastOfTotal>,
}

impl Default for Track {
    fn default() -> Self {
        Self {
            band: Band::EMPTY,
            published: 0,
            latest: 0,
            heard_us: 0,
            newest_time: i64::MIN,
            published_kind: None,
            latest_kind: Kind::Unknown,
        }
    }
}

impl Track {
    pub(super) fn history(&self) -> Option<History> {
        Some(History {
            published: Reading::join(self.published_kind?, self.published),
            latest: Reading::join(self.latest_kind, self.latest),
            newest_time: self.newest_time,
            heard_us: self.heard_us,
        })
    }

    /// Forgets the history; says whether there was any.
    pub(super) fn reset(&mut self) -> bool {
        self.band = Band::EMPTY;
        self.newest_time = i64::MIN;
        self.published_kind.take().is_some()
    }

    /// Puts back a history; [`Track::rearm`] must follow.
    pub(super) fn restore(&mut self, history: History) {
        self.newest_time = history.newest_time;
        self.hear(history.heard_us, history.latest);
        self.set_published(history.published);
    }

    /// Has the next number judged in full, whatever it is.
    pub(super) fn empty_band(&mut self) {
        self.band = Band::EMPTY;
    }

    /// [`Track::observe`] for a number that follows a published number, where
    /// the baseline decides; gives the reason, and when time next asks for the
    /// series.
    #[expect(
        clippy::inline_always,
        reason = "every reading that is published passes here, and a call in WebAssembly costs as much again"
    )]
    #[inline(always)]
    pub(super) fn observe_number(
        &mut self,
        published_us: &mut i64,
        rule: &Rule,
        (now_us, number, time): (u64, f64, Option<i64>),
    ) -> Option<(Reason, u64)> {
        let follows = self.published_kind == Some(Kind::Number)
            && time.is_none_or(|time| time >= self.newest_time);
        if !follows {
            return None;
        }
        let base = f64::from_bits(self.published);
        let reason = judge_number(rule, &rule.thresholds, base, number);
        self.newest_time = time.unwrap_or(self.newest_time);
        self.latest = number.to_bits();
        self.latest_kind = Kind::Number;
        self.heard_us = now_us;
        let due_us = if reason.publishes() {
            self.published = number.to_bits();
            *published_us = now_us.cast_signed();
            now_us.saturating_add(rule.max_age_us)
        } else {
            self.due_us(*published_us, rule)
        };
        Some((reason, due_us))
    }

    /// Judges a reading by a rule, or by other `thresholds` than the rule's.
    /// Where a centred rule applies, `choose` sees every number with its
    /// tolerance, and whether it left that; then it gives the value to publish.
    #[inline]
    pub(super) fn observe(
        &mut self,
        published_us: &mut i64,
        rule: &Rule,
        thresholds: &Thresholds,
        (now_us, reading, time): (u64, Reading, Option<i64>),
        choose: impl FnOnce(f64, f64, bool) -> f64,
    ) -> Judgement {
        if time.is_some_and(|time| time < self.newest_time) {
            return Judgement {
                reason: Reason::Late,
                due_us: NEVER_US,
                last_of_total: None,
            };
        }
        let mut last = None;
        let mut value = reading;
        let reason = match self.history() {
            None => Reason::First,
            Some(history) => {
                let reason = judge(&history, reading, rule, thresholds);
                if let (Some(tolerance), Reading::Number(number)) =
                    (thresholds.tolerance(), reading)
                {
                    let chosen = choose(number, tolerance, reason == Reason::Threshold);
                    // On the other side of a level it would be a crossing that
                    // never was.
                    if !crosses(rule, chosen, number) {
                        value = Reading::Number(chosen);
                    }
                }
                last = last_of_total(&history, reading, rule);
                reason
            }
        };
        self.newest_time = time.unwrap_or(self.newest_time);
        self.hear(now_us, reading);
        if reason.publishes() {
            self.set_published(value);
            *published_us = now_us.cast_signed();
        }
        Judgement {
            reason,
            due_us: self.due_us(*published_us, rule),
            last_of_total: last,
        }
    }

    /// The value just published for the newest reading.
    pub(super) fn publication(&self, series: u32, reason: Reason) -> Publication {
        let is_number = self.published_kind == Some(Kind::Number);
        Publication {
            series,
            reason,
            number: is_number.then(|| f64::from_bits(self.published)),
        }
    }

    /// Publishes the newest reading if time demands it now.
    pub(super) fn fire(
        &mut self,
        published_us: &mut i64,
        rule: &Rule,
        now_us: u64,
    ) -> Option<Reason> {
        if self.due_us(*published_us, rule) > now_us {
            return None;
        }
        let reason = if self.settle_due_us(rule) <= now_us {
            Reason::Settle
        } else {
            Reason::Heartbeat
        };
        self.publish_latest();
        *published_us = now_us.cast_signed();
        Some(reason)
    }

    /// Publishes the newest reading if it waits to settle, however long it would
    /// still wait; says whether it did.
    pub(super) fn settle_now(&mut self, published_us: &mut i64, rule: &Rule, now_us: u64) -> bool {
        let waits = self.settle_due_us(rule) != NEVER_US;
        if waits {
            self.publish_latest();
            *published_us = now_us.cast_signed();
        }
        waits
    }

    /// Publishes the newest reading if it was not; says whether it did.
    /// [`Track::rearm`] must follow.
    pub(super) fn publish_unsent(&mut self, published_us: &mut i64, now_us: u64) -> bool {
        let unsent = self.is_unsent();
        if unsent {
            self.publish_latest();
            *published_us = now_us.cast_signed();
        }
        unsent
    }

    /// Takes a reading for which `reason` was decided elsewhere, and publishes
    /// `value` for it where that says so; gives when time next asks for the
    /// series. [`Track::observe`] does the same in line: through this, words
    /// would take a tenth more instructions.
    pub(super) fn take(
        &mut self,
        published_us: &mut i64,
        rule: &Rule,
        (now_us, reading): (u64, Reading),
        (reason, value): (Reason, Reading),
    ) -> u64 {
        self.hear(now_us, reading);
        if reason.publishes() {
            self.set_published(value);
            *published_us = now_us.cast_signed();
        }
        self.due_us(*published_us, rule)
    }

    /// Follows a change of rule or history; gives when time next asks for the
    /// series, for which a timer has to be set.
    pub(super) fn rearm(&mut self, published_us: i64, rule: &Rule) -> u64 {
        let due_us = self.due_us(published_us, rule);
        self.arm(rule, due_us);
        due_us
    }

    /// Follows a judgement and the timer that is set by then.
    pub(super) fn arm(&mut self, rule: &Rule, timer_us: u64) {
        let numbers = self.published_kind == Some(Kind::Number) && self.latest_kind == Kind::Number;
        if numbers && rule.baseline_decides {
            self.arm_number(rule, timer_us);
        } else {
            self.band = Band::EMPTY;
        }
    }

    /// [`Track::arm`] where a number was published and a number heard last, and
    /// the baseline decides.
    #[inline]
    pub(super) fn arm_number(&mut self, rule: &Rule, timer_us: u64) {
        let base = f64::from_bits(self.published);
        self.band = if self.settles_after(rule, timer_us) {
            Band::around(base, rule)
        } else {
            Band::of_repeats(base)
        };
    }

    /// Follows a timer that is set for later, and no judgement.
    pub(super) fn postpone(&mut self, rule: &Rule, timer_us: u64) {
        if self.band != Band::EMPTY && !self.settles_after(rule, timer_us) {
            self.band = Band::of_repeats(f64::from_bits(self.published));
        }
    }

    /// Whether every number heard from now on will settle after a timer, if not
    /// at that moment: only such are suppressed without another look. Where
    /// nothing settles, no number waits for a timer.
    fn settles_after(&self, rule: &Rule, timer_us: u64) -> bool {
        timer_us.saturating_sub(rule.settle_us) <= self.heard_us
    }

    fn hear(&mut self, now_us: u64, reading: Reading) {
        (self.latest_kind, self.latest) = reading.split();
        self.heard_us = now_us;
    }

    fn set_published(&mut self, value: Reading) {
        let (kind, bits) = value.split();
        self.published_kind = Some(kind);
        self.published = bits;
    }

    fn publish_latest(&mut self) {
        self.published_kind = Some(self.latest_kind);
        self.published = self.latest;
    }

    /// When time next asks for a publication.
    pub(super) fn due_us(&self, published_us: i64, rule: &Rule) -> u64 {
        let beats = self.latest_kind.is_value() && self.published_kind.is_some();
        let heartbeat_us = if beats {
            let due_us = published_us.checked_add_unsigned(rule.max_age_us);
            due_us.map_or(NEVER_US, |due_us| due_us.max(0).unsigned_abs())
        } else {
            NEVER_US
        };
        heartbeat_us.min(self.settle_due_us(rule))
    }

    /// When the newest reading must go out.
    fn settle_due_us(&self, rule: &Rule) -> u64 {
        if self.is_unsent() {
            self.heard_us.saturating_add(rule.settle_us)
        } else {
            NEVER_US
        }
    }

    /// [`History::unsent`], without taking it apart.
    #[allow(clippy::float_cmp, reason = "a repeat is the very same number")]
    fn is_unsent(&self) -> bool {
        let (published, latest) = (self.published, self.latest);
        // Zero has two signs.
        let same_number =
            self.latest_kind == Kind::Number && f64::from_bits(published) == f64::from_bits(latest);
        self.published_kind
            .is_some_and(|kind| kind != self.latest_kind || !(same_number || published == latest))
    }
}
