//! What time publishes: heartbeats, values that settled or were put off.

use alloc::vec::Vec;

use super::Significance;
use super::outcome::{Outgoing, Publication, Reason};
use super::terms::Terms;

impl Significance {
    /// The earliest moment at which a heartbeat or a settled value may be due.
    pub(crate) fn deadline_us(&self) -> Option<u64> {
        self.timers.earliest_us()
    }

    /// Publishes what time demands.
    #[inline(never)]
    pub(crate) fn tick(&mut self, now_us: u64, outgoing: &mut impl Outgoing) {
        let mut due = core::mem::take(&mut self.due);
        let Self {
            timers,
            tracks,
            terms,
            shared,
            deferrals,
            ..
        } = self;
        timers.take_due(now_us, &mut due, |handle| {
            let track = &mut tracks[handle as usize];
            let terms = &terms[handle as usize];
            let rule = terms.rules.effective(shared);
            let mut due_us = track.due_us(terms.published_us, rule);
            if let Some(&deferred_us) = deferrals.get(&handle) {
                due_us = due_us.min(deferred_us);
            }
            track.postpone(rule, due_us);
            due_us
        });
        for &(_, handle) in &due {
            self.fire(now_us, handle, outgoing);
        }
        due.clear();
        self.due = due;
    }

    /// Publishes the newest reading of a series, for which the time has come.
    #[inline(never)]
    fn fire(&mut self, now_us: u64, handle: u32, outgoing: &mut impl Outgoing) {
        let track = &mut self.tracks[handle as usize];
        let Terms {
            rules,
            published_us,
        } = &mut self.terms[handle as usize];
        let rule = rules.effective(&self.shared);
        let reason = track.fire(published_us, rule, now_us);
        // Where no rule asks for it, advice does, and it may have been published since.
        let reason = reason.or_else(|| {
            let unsent = track.publish_unsent(published_us, now_us);
            unsent.then_some(Reason::Deferred)
        });
        if let Some(reason) = reason {
            self.pass_on(handle, reason, outgoing);
        } else {
            self.deferrals.remove(&handle);
            self.rearm(handle);
        }
    }

    /// Publishes every value that waits to settle or was put off, in the order of handles: what
    /// a series showed last is not lost because nobody is left to wait for it.
    pub(crate) fn settle_all(&mut self, now_us: u64, outgoing: &mut impl Outgoing) {
        for handle in 0..self.tracks.len() as u32 {
            let track = &mut self.tracks[handle as usize];
            let Terms {
                rules,
                published_us,
            } = &mut self.terms[handle as usize];
            let settles = track.settle_now(published_us, rules.effective(&self.shared), now_us);
            let reason = if settles {
                Some(Reason::Settle)
            } else {
                let deferred = self.deferrals.remove(&handle).is_some();
                (deferred && track.publish_unsent(published_us, now_us)).then_some(Reason::Deferred)
            };
            if let Some(reason) = reason {
                self.pass_on(handle, reason, outgoing);
            }
        }
    }

    /// Passes on what time published of a series, which by then is its baseline.
    fn pass_on(&mut self, handle: u32, reason: Reason, outgoing: &mut impl Outgoing) {
        let publication = self.tracks[handle as usize].publication(handle, reason);
        self.deferrals.remove(&handle);
        self.totals.timed += 1;
        self.outbox.push(publication);
        outgoing.publish(handle);
        self.rearm(handle);
    }

    /// How many publications [`Significance::poll`] would give.
    pub(crate) fn ready(&self) -> usize {
        self.outbox.len()
    }

    /// Takes what time and a flush published, and the last values of totals.
    pub(crate) fn poll(&mut self) -> Vec<Publication> {
        core::mem::take(&mut self.outbox)
    }

    /// Sets the timer of a series to what its rule and history ask for.
    pub(super) fn rearm(&mut self, handle: u32) {
        let track = &mut self.tracks[handle as usize];
        let terms = &self.terms[handle as usize];
        let rule = terms.rules.effective(&self.shared);
        let mut due_us = track.rearm(terms.published_us, rule);
        if let Some(&deferred_us) = self.deferrals.get(&handle)
            && deferred_us < due_us
        {
            due_us = deferred_us;
            track.arm(rule, due_us);
        }
        if self.learning.follows(handle) {
            track.empty_band();
        }
        self.timers.set(handle, due_us);
    }

    pub(super) fn rearm_all(&mut self) {
        for handle in 0..self.tracks.len() as u32 {
            self.rearm(handle);
        }
    }
}
