//! The samples of a timer in a window that ends now.
//!
//! The window moves in slices of an eighth of its length, counted from the start
//! of the monotonic clock: it covers the slice that is under way and the eight
//! before, which is at least its length and less than an eighth more. Memory is
//! that of nine histograms, however many samples there are.

use alloc::collections::VecDeque;

use super::tally::Tally;

/// Whole slices in a window.
const SLICES: u64 = 8;

#[derive(Debug, Clone)]
pub(super) struct Window {
    slice_us: u64,
    /// Slices with samples, by number, oldest first.
    slices: VecDeque<(u64, Tally)>,
}

impl Window {
    /// A window of this length, over 0, without samples.
    pub(super) fn new(length_us: u64) -> Self {
        Self {
            slice_us: length_us.div_ceil(SLICES),
            slices: VecDeque::new(),
        }
    }

    /// The slice under way, to record a sample in.
    pub(super) fn current(&mut self, now_us: u64) -> &mut Tally {
        let current = now_us / self.slice_us;
        if self.slices.back().is_none_or(|&(slice, _)| slice < current) {
            self.slices.push_back((current, Tally::default()));
        }
        while self.slices.len() > 1
            && let Some((oldest, _)) = self.slices.front()
            && oldest + SLICES < current
        {
            self.slices.pop_front();
        }
        let newest = self.slices.len() - 1;
        &mut self.slices[newest].1
    }

    /// All samples in the window that ends at `now_us`.
    pub(super) fn read(&self, now_us: u64) -> Tally {
        let current = now_us / self.slice_us;
        let mut all = Tally::default();
        for (_, tally) in self
            .slices
            .iter()
            .filter(|(slice, _)| slice + SLICES >= current)
        {
            all.add(tally);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    #[test]
    fn a_sample_leaves_between_one_window_and_an_eighth_more() {
        let mut window = Window::new(80);
        window.current(15).record(3.0, true, false);
        let counts = [15, 79, 95, 99, 100].map(|now_us| window.read(now_us).samples.count());
        assert_eq!(counts, [1, 1, 1, 1, 0]);
        window.current(99).record(5.0, false, true);
        let both = window.read(99);
        assert_eq!((both.failed, both.slow), (1, 1));
        assert_eq!((both.samples.min(), both.samples.max()), (3.0, 5.0));
        window.current(1_000).record(5.0, false, false);
        assert_eq!(window.slices.len(), 1);
    }

    proptest! {
        /// A window summarizes its samples as a histogram of them alone would.
        #[test]
        fn a_window_holds_exactly_the_samples_of_its_slices(
            length_us in 1_u64..2_000,
            steps in proptest::collection::vec((0_u64..500, 0.0_f64..1e6), 1..100),
        ) {
            let mut window = Window::new(length_us);
            let mut all: Vec<(u64, f64)> = Vec::new();
            let mut now_us = 0;
            for (pause_us, micros) in steps {
                now_us += pause_us;
                window.current(now_us).record(micros, false, false);
                all.push((now_us, micros));
                let slice_us = length_us.div_ceil(SLICES);
                let from_us = (now_us / slice_us).saturating_sub(SLICES) * slice_us;
                prop_assert!(now_us - from_us >= length_us || from_us == 0);
                let mut expected = Tally::default();
                for (_, micros) in all.iter().filter(|(at_us, _)| *at_us >= from_us) {
                    expected.record(*micros, false, false);
                }
                prop_assert!(window.slices.len() as u64 <= SLICES + 1);
                let key = super::super::Key::overflow();
                prop_assert_eq!(window.read(now_us).summary(&key), expected.summary(&key));
            }
        }
    }
}
