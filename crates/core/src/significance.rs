//! Which readings matter: each is compared with the baseline of its series,
//! the value published last.
//!
//! A suppressed value is never lost: the last one is published when its series
//! goes quiet (`settle`) or has published nothing for long (`max_age`), where
//! the rule says so. The last one of a total goes out before its reset.

mod advice;
mod ages;
mod band;
mod centred;
mod due;
mod judge;
mod learning;
mod noise;
mod outcome;
mod readings;
mod section;
mod terms;
mod timers;
mod track;

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::reading::Reading;
use crate::rule::{Rule, Thresholds};
use crate::table::lengthen;
use crate::time::NEVER_US;

pub use advice::Advice;

pub(crate) use centred::Placements;
use learning::Learning;
pub use noise::Proposal;
pub(crate) use outcome::Outgoing;
pub use outcome::{Publication, Reason, UpdateTotals};
use terms::{SharedRules, Terms, TermsTable};
use timers::Timers;
pub(crate) use track::History;
use track::Track;

/// Rules that are looked through when a rule is set; beyond them, a series has
/// a copy of its own.
const MOST_SHARED_RULES: usize = 64;

/// Baselines, rules and timers of all series, by handle. The handles that
/// methods take are in use; whose they are, [`crate::entities`] knows.
#[derive(Default)]
pub struct Significance {
    tracks: Vec<Track>,
    /// As many as there are tracks.
    pub(crate) terms: TermsTable,
    shared: SharedRules,
    /// The first different rules of series, so that those with the same rule
    /// share it; presets are among few.
    known: Vec<Arc<Rule>>,
    timers: Timers,
    /// Room for the places of readings in a batch.
    open: Vec<u64>,
    /// The timers that fire in this tick; empty between ticks.
    due: Vec<(u64, u32)>,
    /// When advice has the newest reading of a series published.
    deferrals: BTreeMap<u32, u64>,
    outbox: Vec<Publication>,
    /// What centred rules learned.
    pub(crate) placements: Placements,
    pub(crate) learning: Learning,
    /// All but `suppressed`, which follows from the others.
    totals: UpdateTotals,
}

impl Significance {
    /// Makes room for a series.
    pub(crate) fn adopt(&mut self, handle: u32) {
        let len = handle as usize + 1;
        lengthen(&mut self.tracks, len, Track::default);
        lengthen(&mut self.terms.0, len, Terms::default);
        self.timers.adopt(handle);
    }

    /// Forgets a series altogether.
    pub(crate) fn release(&mut self, handle: u32) {
        let index = handle as usize;
        if let (Some(track), Some(terms)) = (self.tracks.get_mut(index), self.terms.get_mut(index))
        {
            *track = Track::default();
            *terms = Terms::default();
            self.timers.set(handle, NEVER_US);
        }
        self.deferrals.remove(&handle);
        self.placements.forget(handle);
        self.learning.forget(handle);
        self.outbox.retain(|waiting| waiting.series != handle);
    }

    /// The rule a series is judged by: its own, else its preset, else the
    /// default.
    pub(crate) fn rule_of(&self, handle: u32) -> &Rule {
        self.terms[handle as usize].rules.effective(&self.shared)
    }

    /// Sets the rule of series with neither rule nor preset.
    pub(crate) fn set_default_rule(&mut self, rule: Rule) {
        self.shared.default = rule;
        self.rearm_all();
    }

    /// Sets or removes the rule of series; their baselines stay.
    pub(crate) fn set_rule(&mut self, handles: &[u32], rule: Option<Rule>) {
        let rule = rule.map(|rule| self.share(rule));
        for &handle in handles {
            self.terms[handle as usize].rules.own.clone_from(&rule);
            self.rearm(handle);
        }
    }

    /// Sets or removes the preset of one series.
    pub(crate) fn set_preset(&mut self, handle: u32, preset: Option<Rule>) {
        let preset = preset.map(|preset| self.share(preset));
        self.terms[handle as usize].rules.preset = preset;
        self.rearm(handle);
    }

    fn share(&mut self, rule: Rule) -> Arc<Rule> {
        if let Some(known) = self.known.iter().find(|known| ***known == rule) {
            return Arc::clone(known);
        }
        let rule = Arc::new(rule);
        if self.known.len() < MOST_SHARED_RULES {
            self.known.push(Arc::clone(&rule));
        }
        rule
    }

    /// Whether presets apply.
    pub(crate) fn use_presets(&mut self, enabled: bool) {
        self.shared.presets = enabled;
        self.rearm_all();
    }

    /// Whether series are studied for their noise whose rule does not ask for
    /// it.
    pub(crate) fn set_learning(&mut self, everywhere: bool) {
        self.learning.set_everywhere(everywhere);
        self.rearm_all();
    }

    /// The threshold that would hide the noise of a series, once it is known.
    pub(crate) fn proposal(&self, handle: u32) -> Option<Proposal> {
        self.learning.proposal(handle)
    }

    /// Forgets baseline, history and noise of one series; says whether it had a
    /// baseline.
    pub(crate) fn reset(&mut self, handle: u32) -> bool {
        self.learning.forget(handle);
        self.outbox.retain(|waiting| waiting.series != handle);
        self.placements.forget(handle);
        self.deferrals.remove(&handle);
        self.tracks[handle as usize].reset()
    }

    /// Judges one reading under other thresholds than its rule's; one without a
    /// `time` is never late.
    pub(crate) fn observe_with(
        &mut self,
        now_us: u64,
        handle: u32,
        reading: Reading,
        time: Option<i64>,
        thresholds: &Thresholds,
        outgoing: &mut impl Outgoing,
    ) -> Reason {
        self.totals.observed += 1;
        self.judge(now_us, handle, reading, time, Some(thresholds), outgoing)
    }

    /// [`Significance::judge`] for a number by the rule of its series. Nearly
    /// every reading that is published follows a published number, and the
    /// baseline decides: such a one needs no more than this.
    #[expect(
        clippy::inline_always,
        reason = "every reading that is published passes here, and a call in WebAssembly costs as much again"
    )]
    #[inline(always)]
    fn judge_number(
        &mut self,
        now_us: u64,
        handle: u32,
        number: f64,
        time: Option<i64>,
        outgoing: &mut impl Outgoing,
    ) -> Reason {
        let track = &mut self.tracks[handle as usize];
        let Terms {
            rules,
            published_us,
        } = &mut self.terms[handle as usize];
        let rule = rules.effective(&self.shared);
        if rule.baseline_decides
            && number.is_finite()
            && !self.learning.is_everywhere()
            && let Some((reason, due_us)) =
                track.observe_number(published_us, rule, (now_us, number, time))
        {
            track.arm_number(rule, self.timers.set_sooner(handle, due_us));
            return self.note(handle, reason, outgoing);
        }
        self.judge_any_number(now_us, handle, number, time, outgoing)
    }

    /// [`Significance::judge`] for any number, by the rule of its series.
    #[inline(never)]
    fn judge_any_number(
        &mut self,
        now_us: u64,
        handle: u32,
        number: f64,
        time: Option<i64>,
        outgoing: &mut impl Outgoing,
    ) -> Reason {
        let reading = Reading::of_number(number);
        self.judge(now_us, handle, reading, time, None, outgoing)
    }

    /// Judges a reading that is not certainly suppressed.
    #[inline(never)]
    fn judge(
        &mut self,
        now_us: u64,
        handle: u32,
        reading: Reading,
        time: Option<i64>,
        thresholds: Option<&Thresholds>,
        outgoing: &mut impl Outgoing,
    ) -> Reason {
        let index = handle as usize;
        let Terms {
            rules,
            published_us,
        } = &mut self.terms[index];
        let rule = rules.effective(&self.shared);
        if thresholds.is_some() || !rule.baseline_decides || self.learning.is_everywhere() {
            return self.judge_closely(now_us, handle, reading, time, thresholds, outgoing);
        }
        let track = &mut self.tracks[index];
        let exactly = |number, _, _| number;
        let reading = (now_us, reading, time);
        let judgement = track.observe(published_us, rule, &rule.thresholds, reading, exactly);
        track.arm(rule, self.timers.set_sooner(handle, judgement.due_us));
        self.note(handle, judgement.reason, outgoing)
    }

    /// [`Significance::judge`] where more than the baseline decides, or every
    /// reading is learned from.
    #[inline(never)]
    fn judge_closely(
        &mut self,
        now_us: u64,
        handle: u32,
        reading: Reading,
        time: Option<i64>,
        thresholds: Option<&Thresholds>,
        outgoing: &mut impl Outgoing,
    ) -> Reason {
        let track = &mut self.tracks[handle as usize];
        let Terms {
            rules,
            published_us,
        } = &mut self.terms[handle as usize];
        let rule = rules.effective(&self.shared);
        let learns = rule.learn;
        let learned = learns
            .then(|| self.learning.thresholds(handle, rule))
            .flatten();
        let thresholds = thresholds.or(learned.as_ref()).unwrap_or(&rule.thresholds);
        let placements = &mut self.placements;
        let baseline = track.history().map_or(reading, |it| it.published);
        let choose = |number, tolerance, leaves| {
            let placement = placements.observe(handle, baseline, number, tolerance);
            if leaves {
                placement.choose(number, tolerance)
            } else {
                number
            }
        };
        let seen = (now_us, reading, time);
        let judgement = track.observe(published_us, rule, thresholds, seen, choose);
        track.arm(rule, self.timers.set_sooner(handle, judgement.due_us));
        if let Some(last) = &judgement.last_of_total
            && (last.unsent || outgoing.waits(handle))
        {
            self.totals.timed += 1;
            self.outbox.push(Publication {
                series: handle,
                reason: Reason::Final,
                number: Some(last.number),
            });
        }
        if judgement.reason != Reason::Late
            && self.learning.observe(now_us, handle, reading, learns)
        {
            track.empty_band();
        }
        self.note(handle, judgement.reason, outgoing)
    }

    /// Counts a judgement, and passes on what it publishes.
    fn note(&mut self, handle: u32, reason: Reason, outgoing: &mut impl Outgoing) -> Reason {
        if reason.publishes() {
            self.totals.published += 1;
            outgoing.publish(handle);
        }
        self.totals.late += u64::from(reason == Reason::Late);
        reason
    }

    /// What happened so far.
    pub fn totals(&self) -> UpdateTotals {
        UpdateTotals {
            suppressed: self.totals.observed - self.totals.published,
            ..self.totals
        }
    }

    /// History of a series, if it has any.
    pub(crate) fn history(&self, handle: u32) -> Option<History> {
        self.tracks.get(handle as usize).and_then(Track::history)
    }

    /// Histories of all series that have any, by handle.
    pub(crate) fn histories(&self) -> impl Iterator<Item = (u32, History)> {
        (0..)
            .zip(&self.tracks)
            .filter_map(|(handle, track)| Some((handle, track.history()?)))
    }

    /// Puts back what a snapshot remembered of a series. Its timers start now,
    /// but for the heartbeat of a baseline whose age was put back before.
    pub(crate) fn restore(
        &mut self,
        now_us: u64,
        handle: u32,
        published: Reading,
        latest: Reading,
        newest_time: i64,
    ) {
        self.adopt(handle);
        self.tracks[handle as usize].restore(History {
            published,
            latest,
            newest_time,
            heard_us: now_us,
        });
        self.terms[handle as usize].date(now_us);
        self.rearm(handle);
    }
}

#[cfg(test)]
mod tests;
