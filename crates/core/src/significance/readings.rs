//! Many readings at once.

use alloc::vec;
use alloc::vec::Vec;

use super::Significance;
use super::outcome::{Outgoing, Reason};
use super::track::Track;
use crate::reading::Reading;
use crate::table::lengthen;

/// How many numbers one turn of the loop takes that suppresses: what a turn
/// costs in itself is shared by them.
const ABREAST: usize = 8;

impl Significance {
    /// Judges numbers in order; those that go out, go to `outgoing`. Where they
    /// have times, `time_of` knows them by place.
    ///
    /// First all are suppressed for which that is certain, then the others are
    /// judged. Series do not depend on each other, and of a series whose reading
    /// is yet to be judged no later one is suppressed before that.
    pub(crate) fn observe_numbers(
        &mut self,
        now_us: u64,
        handles: &[u32],
        numbers: &[f64],
        time_of: impl Fn(usize) -> Option<i64>,
        outgoing: &mut impl Outgoing,
    ) -> Vec<Reason> {
        self.totals.observed += handles.len() as u64;
        let mut reasons = vec![Reason::Within; handles.len()];
        let mut open = core::mem::take(&mut self.open);
        lengthen(&mut open, handles.len(), || 0);
        let readings = Columns {
            now_us,
            handles,
            numbers,
            time_of,
        };
        let count = readings.suppress(&mut self.tracks, &mut reasons, &mut open);
        self.judge_open(&readings, &open[..count], &mut reasons, outgoing);
        self.open = open;
        reasons
    }

    /// Judges the readings at these places.
    #[inline(never)]
    fn judge_open(
        &mut self,
        readings: &Columns<'_, impl Fn(usize) -> Option<i64>>,
        open: &[u32],
        reasons: &mut [Reason],
        outgoing: &mut impl Outgoing,
    ) {
        let now_us = readings.now_us;
        for &place in open {
            let place = place as usize;
            let (handle, number) = (readings.handles[place], readings.numbers[place]);
            let time = (readings.time_of)(place);
            // What came before may have brought its baseline near.
            let track = &mut self.tracks[handle as usize];
            reasons[place] = match track.suppress_number(now_us, number, time) {
                Some(reason) => reason,
                None => self.judge_number(now_us, handle, number, time, outgoing),
            };
        }
    }

    /// [`Significance::observe_numbers`] for any readings.
    pub(crate) fn observe_all(
        &mut self,
        now_us: u64,
        handles: &[u32],
        readings: impl Iterator<Item = Reading>,
        times: impl Iterator<Item = Option<i64>>,
        outgoing: &mut impl Outgoing,
    ) -> Vec<Reason> {
        self.totals.observed += handles.len() as u64;
        let readings = handles.iter().zip(readings).zip(times);
        readings
            .map(|((&handle, reading), time)| {
                let track = &mut self.tracks[handle as usize];
                if let Some(reason) = track.suppress(now_us, reading, time) {
                    return reason;
                }
                match reading {
                    Reading::Number(number) => {
                        self.judge_number(now_us, handle, number, time, outgoing)
                    }
                    _ => self.judge(now_us, handle, reading, time, None, outgoing),
                }
            })
            .collect()
    }
}

/// Numbers that were reported together, in columns.
struct Columns<'batch, TimeOf> {
    now_us: u64,
    handles: &'batch [u32],
    numbers: &'batch [f64],
    time_of: TimeOf,
}

impl<TimeOf: Fn(usize) -> Option<i64>> Columns<'_, TimeOf> {
    /// Suppresses those for which that is certain, and lists the places of all
    /// others in `open`; gives how many there are.
    ///
    /// It calls nothing, and has a function of its own: so the compiler of the
    /// component keeps what it needs in registers.
    #[inline(never)]
    fn suppress(&self, tracks: &mut [Track], reasons: &mut [Reason], open: &mut [u32]) -> usize {
        let mut count = 0;
        let mut one = |place: usize, handle: u32, number: f64, reason: &mut Reason| {
            let track = &mut tracks[handle as usize];
            let time = (self.time_of)(place);
            if let Some(suppressed) = track.suppress_number(self.now_us, number, time) {
                *reason = suppressed;
            } else {
                // Later readings of the series must wait for this one.
                track.empty_band();
                open[count] = place as u32;
                count += 1;
            }
        };
        let (handles, last_handles) = self.handles.as_chunks::<ABREAST>();
        let (numbers, last_numbers) = self.numbers.as_chunks::<ABREAST>();
        let (reasons, last_reasons) = reasons.as_chunks_mut::<ABREAST>();
        let mut place = 0;
        for ((handles, numbers), reasons) in handles.iter().zip(numbers).zip(reasons) {
            for lane in 0..ABREAST {
                one(
                    place + lane,
                    handles[lane],
                    numbers[lane],
                    &mut reasons[lane],
                );
            }
            place += ABREAST;
        }
        let last = last_handles.iter().zip(last_numbers).zip(last_reasons);
        for ((&handle, &number), reason) in last {
            one(place, handle, number, reason);
            place += 1;
        }
        count
    }
}
