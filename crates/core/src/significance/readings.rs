//! Many readings at once.

use alloc::vec;
use alloc::vec::Vec;

use super::Significance;
use super::outcome::{Outgoing, Reason};
use super::track::Track;
use crate::reading::Reading;

/// How many numbers one turn of the loop takes that suppresses: what a turn
/// costs in itself is shared by them, and the processor has registers for them.
const ABREAST: usize = 4;

/// The places of readings in a batch, 64 to a word.
const WORD: usize = u64::BITS as usize;

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
        let readings = Columns {
            now_us,
            handles,
            numbers,
            time_of,
        };
        if handles.len() < ABREAST {
            // Who judges looks at the band, too.
            open.push((1 << handles.len()) - 1);
        } else {
            readings.suppress(&mut self.tracks, &mut reasons, &mut open);
        }
        self.judge_open(&readings, &open, &mut reasons, outgoing);
        open.clear();
        self.open = open;
        reasons
    }

    /// Judges the readings at these places.
    #[inline(never)]
    fn judge_open(
        &mut self,
        readings: &Columns<'_, impl Fn(usize) -> Option<i64>>,
        open: &[u64],
        reasons: &mut [Reason],
        outgoing: &mut impl Outgoing,
    ) {
        let now_us = readings.now_us;
        for (&word, start) in open.iter().zip((0..).step_by(WORD)) {
            let mut word = word;
            while word != 0 {
                let place: usize = start + word.trailing_zeros() as usize;
                word &= word - 1;
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
    /// Suppresses those for which that is certain; appends the places of all
    /// others to `open`, as ones of words.
    ///
    /// For a reading it calls nothing, and it has a function of its own: so the compiler of the
    /// component keeps what it needs in registers. And it goes the same way for
    /// every reading, because nobody can foresee which is suppressed, a processor
    /// no more than others.
    #[inline(never)]
    fn suppress(&self, tracks: &mut [Track], reasons: &mut [Reason], open: &mut Vec<u64>) {
        let mut one = |place: usize, handle: u32, number: f64, reason: &mut Reason| {
            let track = &mut tracks[handle as usize];
            let time = (self.time_of)(place);
            let held;
            (held, *reason) = track.suppress_or_close(self.now_us, number, time);
            u64::from(!held)
        };
        let columns = self.handles.chunks(WORD).zip(self.numbers.chunks(WORD));
        let columns = columns.zip((0..).step_by(WORD));
        for (((handles, numbers), start), reasons) in columns.zip(reasons.chunks_mut(WORD)) {
            let (handles, last_handles) = handles.as_chunks::<ABREAST>();
            let (numbers, last_numbers) = numbers.as_chunks::<ABREAST>();
            let (reasons, last_reasons) = reasons.as_chunks_mut::<ABREAST>();
            let (mut word, mut at) = (0, 0);
            for ((handles, numbers), reasons) in handles.iter().zip(numbers).zip(reasons) {
                let mut abreast = 0;
                for lane in 0..ABREAST {
                    let place = start + at + lane;
                    let (handle, number) = (handles[lane], numbers[lane]);
                    abreast |= one(place, handle, number, &mut reasons[lane]) << lane;
                }
                word |= abreast << at;
                at += ABREAST;
            }
            let last = last_handles.iter().zip(last_numbers).zip(last_reasons);
            for ((&handle, &number), reason) in last {
                word |= one(start + at, handle, number, reason) << at;
                at += 1;
            }
            open.push(word);
        }
    }
}
