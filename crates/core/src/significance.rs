//! Which readings matter: each is compared with the baseline of its series,
//! the value published last.
//!
//! A suppressed value is never lost: the last one is published when its series
//! goes quiet (`settle`) or has published nothing for long (`max_age`), where
//! the rule says so.

use alloc::boxed::Box;
use alloc::collections::BinaryHeap;
use alloc::vec::Vec;
use core::cmp::Reverse;

use crate::Error;
use crate::reading::{Reading, differs_by};
use crate::rule::{Combine, Rule, Thresholds};

/// Why a reading was published or suppressed. The codes are those of the WIT
/// type `updates.verdict`; the high bit says publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Reason {
    /// It repeats the baseline.
    Repeat = 0x00,
    /// It moved by less than the threshold.
    Within = 0x01,
    /// It is older than the newest reading of its series.
    Late = 0x02,
    /// First value of the series.
    First = 0x80,
    /// It changed, and no threshold applies.
    Changed = 0x81,
    /// It moved by the threshold or more.
    Threshold = 0x82,
    /// Unknown or unavailable began, or ended.
    Availability = 0x83,
    /// A value that is not finite began, or ended.
    NotFinite = 0x84,
    /// It crossed zero or a listed level.
    Crossing = 0x85,
    /// A total fell.
    Reset = 0x86,
    /// Nothing was published for `max_age`.
    Heartbeat = 0x87,
    /// The stream went quiet for `settle`.
    Settle = 0x88,
}

impl Reason {
    /// Whether the reading goes out.
    pub fn publishes(self) -> bool {
        self as u8 & 0x80 != 0
    }
}

/// What happened to readings since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UpdateTotals {
    /// Readings reported, late ones included.
    pub observed: u64,
    /// Published on being reported.
    pub published: u64,
    /// Published by time.
    pub timed: u64,
    /// Suppressed, late ones included.
    pub suppressed: u64,
    /// Dropped as older than the newest of their series.
    pub late: u64,
}

/// What is known of one series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct History {
    /// The baseline.
    pub(crate) published: Reading,
    /// The newest reading, published or not.
    pub(crate) latest: Reading,
    /// When the source took the newest reading, in its own unit.
    pub(crate) newest_time: i64,
    /// Whether the newest reading was suppressed and differs from the baseline.
    pub(crate) unsent: bool,
    published_us: u64,
    heard_us: u64,
}

#[derive(Default)]
struct Track {
    in_use: bool,
    history: Option<History>,
    own: Option<Box<Rule>>,
    preset: Option<Box<Rule>>,
    /// The earliest timer in the heap for this series.
    timer_us: Option<u64>,
}

/// Most timers per series in the heap, void ones included. A settling series
/// with a distant heartbeat leaves one behind each time it settles.
const MOST_TIMERS_PER_SERIES: usize = 4;

/// Baselines, rules and timers of all series, by handle.
#[derive(Default)]
pub struct Significance {
    tracks: Vec<Track>,
    default: Rule,
    presets: bool,
    /// Timers, earliest first. One that no longer matches its track's
    /// `timer_us` is void; one that fires before it is due is set again, which
    /// keeps the cost of a reading independent of its timers.
    timers: BinaryHeap<Reverse<(u64, u32)>>,
    outbox: Vec<(u32, Reason)>,
    totals: UpdateTotals,
}

impl Significance {
    /// Makes room for a series.
    pub(crate) fn adopt(&mut self, handle: u32) {
        let index = handle as usize;
        if index >= self.tracks.len() {
            self.tracks.resize_with(index + 1, Track::default);
        }
        self.tracks[index].in_use = true;
    }

    /// Forgets a series altogether.
    pub(crate) fn release(&mut self, handle: u32) {
        if let Some(track) = self.tracks.get_mut(handle as usize) {
            *track = Track::default();
        }
        self.outbox.retain(|&(other, _)| other != handle);
    }

    /// Checks that all handles are in use, before anything changes.
    pub(crate) fn check(&self, handles: &[u32]) -> Result<(), Error> {
        let unknown = handles.iter().find(|&&handle| {
            !self
                .tracks
                .get(handle as usize)
                .is_some_and(|track| track.in_use)
        });
        unknown.map_or(Ok(()), |&handle| Err(Error::UnknownHandle(handle)))
    }

    /// The rule a series is judged by: its own, else its preset, else the
    /// default.
    pub(crate) fn rule_of(&self, handle: u32) -> Result<&Rule, Error> {
        self.check(&[handle])?;
        Ok(effective(
            &self.tracks[handle as usize],
            self.presets,
            &self.default,
        ))
    }

    /// Sets the rule of series with neither rule nor preset.
    pub(crate) fn set_default_rule(&mut self, rule: Rule) {
        self.default = rule;
        self.rearm_all();
    }

    /// Sets or removes the rule of one series; its baseline stays.
    pub(crate) fn set_rule(&mut self, handle: u32, rule: Option<Rule>) {
        self.tracks[handle as usize].own = rule.map(Box::new);
        self.rearm(handle);
    }

    /// Sets or removes the preset of one series.
    pub(crate) fn set_preset(&mut self, handle: u32, rule: Option<Rule>) {
        self.tracks[handle as usize].preset = rule.map(Box::new);
        self.rearm(handle);
    }

    /// Whether presets apply.
    pub(crate) fn use_presets(&mut self, enabled: bool) {
        self.presets = enabled;
        self.rearm_all();
    }

    /// Forgets baseline and history of one series; says whether it had any.
    pub(crate) fn reset(&mut self, handle: u32) -> bool {
        self.outbox.retain(|&(other, _)| other != handle);
        self.tracks[handle as usize].history.take().is_some()
    }

    /// Judges one reading of a series in use. `thresholds` stand in for those
    /// of its rule; a reading without a `time` is never late.
    pub(crate) fn observe(
        &mut self,
        now_us: u64,
        handle: u32,
        reading: Reading,
        time: Option<i64>,
        thresholds: Option<&Thresholds>,
    ) -> Reason {
        let track = &mut self.tracks[handle as usize];
        let rule = effective_parts(
            track.own.as_deref(),
            track.preset.as_deref(),
            self.presets,
            &self.default,
        );
        let reason = match &mut track.history {
            Some(history) if time.is_some_and(|time| time < history.newest_time) => Reason::Late,
            Some(history) => {
                let thresholds = thresholds.unwrap_or(&rule.thresholds);
                let reason = judge(history, reading, rule, thresholds);
                history.latest = reading;
                history.newest_time = time.unwrap_or(history.newest_time);
                history.heard_us = now_us;
                if reason.publishes() {
                    history.published = reading;
                    history.published_us = now_us;
                }
                history.unsent = reason == Reason::Within;
                reason
            }
            empty => {
                *empty = Some(History {
                    published: reading,
                    latest: reading,
                    newest_time: time.unwrap_or(i64::MIN),
                    unsent: false,
                    published_us: now_us,
                    heard_us: now_us,
                });
                Reason::First
            }
        };
        self.totals.observed += 1;
        if reason.publishes() {
            self.totals.published += 1;
        } else {
            self.totals.suppressed += 1;
            self.totals.late += u64::from(reason == Reason::Late);
        }
        if let Some(due_us) = track
            .history
            .as_ref()
            .and_then(|history| due(history, rule))
            && track.timer_us.is_none_or(|timer_us| due_us < timer_us)
        {
            track.timer_us = Some(due_us);
            self.push_timer(due_us, handle);
        }
        reason
    }

    /// The earliest moment at which a heartbeat or a settled value may be due.
    pub(crate) fn deadline_us(&self) -> Option<u64> {
        self.timers.peek().map(|&Reverse((due_us, _))| due_us)
    }

    /// Publishes what time demands; lists the handles in `published`.
    pub(crate) fn tick(&mut self, now_us: u64, mut published: impl FnMut(u32)) {
        while let Some(&Reverse((timer_us, handle))) = self.timers.peek()
            && timer_us <= now_us
        {
            self.timers.pop();
            let Some(track) = self.tracks.get_mut(handle as usize) else {
                continue;
            };
            if track.timer_us != Some(timer_us) {
                continue;
            }
            track.timer_us = None;
            let rule = effective_parts(
                track.own.as_deref(),
                track.preset.as_deref(),
                self.presets,
                &self.default,
            );
            let Some(history) = &mut track.history else {
                continue;
            };
            if due(history, rule).is_some_and(|due_us| due_us <= now_us) {
                let settled = settle_due(history, rule).is_some_and(|due_us| due_us <= now_us);
                let reason = if settled {
                    Reason::Settle
                } else {
                    Reason::Heartbeat
                };
                history.published = history.latest;
                history.published_us = now_us;
                history.unsent = false;
                self.totals.timed += 1;
                self.outbox.push((handle, reason));
                published(handle);
            }
            self.rearm(handle);
        }
    }

    /// Takes what [`Significance::tick`] published.
    pub(crate) fn poll(&mut self) -> Vec<(u32, Reason)> {
        core::mem::take(&mut self.outbox)
    }

    /// What happened so far.
    pub fn totals(&self) -> UpdateTotals {
        self.totals
    }

    /// History of a series, if it has any.
    pub(crate) fn history(&self, handle: u32) -> Option<&History> {
        self.tracks
            .get(handle as usize)
            .and_then(|track| track.history.as_ref())
    }

    /// Puts back what a snapshot remembered of a series; its timers start now.
    pub(crate) fn restore(
        &mut self,
        now_us: u64,
        handle: u32,
        (published, latest, newest_time, unsent): (Reading, Reading, i64, bool),
    ) {
        self.adopt(handle);
        self.tracks[handle as usize].history = Some(History {
            published,
            latest,
            newest_time,
            unsent,
            published_us: now_us,
            heard_us: now_us,
        });
        self.rearm(handle);
    }

    /// Sets the timer of a series to what its rule and history ask for.
    fn rearm(&mut self, handle: u32) {
        let track = &self.tracks[handle as usize];
        let rule = effective(track, self.presets, &self.default);
        let due_us = track
            .history
            .as_ref()
            .and_then(|history| due(history, rule));
        self.tracks[handle as usize].timer_us = due_us;
        if let Some(due_us) = due_us {
            self.push_timer(due_us, handle);
        }
    }

    /// Adds a timer, and sweeps out the void ones when they have come to
    /// outnumber the others.
    fn push_timer(&mut self, due_us: u64, handle: u32) {
        self.timers.push(Reverse((due_us, handle)));
        if self.timers.len() > MOST_TIMERS_PER_SERIES * self.tracks.len() {
            let armed = (0..).zip(&self.tracks);
            self.timers = armed
                .filter_map(|(handle, track)| Some(Reverse((track.timer_us?, handle))))
                .collect();
        }
    }

    fn rearm_all(&mut self) {
        self.timers.clear();
        for handle in 0..self.tracks.len() as u32 {
            self.rearm(handle);
        }
    }
}

fn effective<'rule>(track: &'rule Track, presets: bool, default: &'rule Rule) -> &'rule Rule {
    effective_parts(
        track.own.as_deref(),
        track.preset.as_deref(),
        presets,
        default,
    )
}

fn effective_parts<'rule>(
    own: Option<&'rule Rule>,
    preset: Option<&'rule Rule>,
    presets: bool,
    default: &'rule Rule,
) -> &'rule Rule {
    own.or(preset.filter(|_| presets)).unwrap_or(default)
}

/// When the suppressed value of a series must go out.
fn settle_due(history: &History, rule: &Rule) -> Option<u64> {
    rule.settle_us
        .filter(|_| history.unsent)
        .map(|settle_us| history.heard_us + settle_us)
}

/// When time next asks for a publication of this series.
fn due(history: &History, rule: &Rule) -> Option<u64> {
    let heartbeat = rule
        .max_age_us
        .filter(|_| history.latest.is_value())
        .map(|max_age_us| history.published_us + max_age_us);
    match (settle_due(history, rule), heartbeat) {
        (Some(settle), Some(heartbeat)) => Some(settle.min(heartbeat)),
        (one, other) => one.or(other),
    }
}

/// Compares a reading with its baseline.
fn judge(history: &History, reading: Reading, rule: &Rule, thresholds: &Thresholds) -> Reason {
    use Reading::{NotFinite, Number, Unavailable, Unknown};
    match (history.published, reading) {
        (before, now) if before == now => Reason::Repeat,
        (Unknown | Unavailable, _) | (_, Unknown | Unavailable) => Reason::Availability,
        (NotFinite, _) | (_, NotFinite) => Reason::NotFinite,
        (Number(before), Number(now)) => {
            if crosses(rule, before, now) {
                Reason::Crossing
            } else if rule.total && matches!(history.latest, Number(latest) if now < latest) {
                Reason::Reset
            } else {
                compare(thresholds, before, now)
            }
        }
        _ => Reason::Changed,
    }
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
        .map(|least| differs_by(before, now, least));
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

fn crosses(rule: &Rule, before: f64, now: f64) -> bool {
    let passes = |level: f64| (before < level) != (now < level);
    (rule.zero_crossing && passes(0.0)) || rule.levels.iter().any(|&level| passes(level))
}

#[cfg(test)]
mod tests;
