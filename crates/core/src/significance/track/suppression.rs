//! Readings that are certainly suppressed, whatever the rule.

use core::hint::select_unpredictable;

use super::Track;
use crate::reading::{Kind, Reading};
use crate::significance::Reason;

impl Track {
    /// Suppresses a number if that is certain without its rule; else changes
    /// nothing.
    #[inline]
    pub(in crate::significance) fn suppress_number(
        &mut self,
        now_us: u64,
        number: f64,
        time: Option<i64>,
    ) -> Option<Reason> {
        if !self.band.holds(number) || time.is_some_and(|time| time < self.newest_time) {
            return None;
        }
        self.newest_time = time.unwrap_or(self.newest_time);
        self.latest = number.to_bits();
        self.heard_us = now_us;
        Some(self.reason_within(self.latest))
    }

    /// [`Track::suppress_number`] without a branch; where nothing is certain, it
    /// has the following numbers judged in full. Says whether it suppressed.
    #[inline]
    pub(in crate::significance) fn suppress_or_close(
        &mut self,
        now_us: u64,
        number: f64,
        time: Option<i64>,
    ) -> (bool, Reason) {
        let on_time = time.is_none_or(|time| time >= self.newest_time);
        let held = self.band.holds(number) & on_time;
        let bits = number.to_bits();
        if let Some(time) = time {
            self.newest_time = select_unpredictable(held, time, self.newest_time);
        }
        self.latest = select_unpredictable(held, bits, self.latest);
        self.heard_us = select_unpredictable(on_time, now_us, self.heard_us);
        self.band.close_unless(held);
        (held, self.reason_within(bits))
    }

    /// Why a number is suppressed that lies in the band.
    #[inline]
    fn reason_within(&self, bits: u64) -> Reason {
        // No other bits are the same number there.
        if bits == self.published {
            Reason::Repeat
        } else {
            Reason::Within
        }
    }

    /// [`Track::suppress_number`] for any reading.
    #[inline]
    pub(in crate::significance) fn suppress(
        &mut self,
        now_us: u64,
        reading: Reading,
        time: Option<i64>,
    ) -> Option<Reason> {
        let (kind, bits) = reading.split();
        if kind == Kind::Number {
            return self.suppress_number(now_us, f64::from_bits(bits), time);
        }
        // Where the latest is of another kind, it may end a total here.
        let repeats =
            self.published_kind == Some(kind) && self.latest_kind == kind && self.published == bits;
        if !repeats || time.is_some_and(|time| time < self.newest_time) {
            return None;
        }
        self.newest_time = time.unwrap_or(self.newest_time);
        self.hear(now_us, reading);
        Some(Reason::Repeat)
    }
}
