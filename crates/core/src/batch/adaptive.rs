//! A window and a batch size that follow queue depth and sink latency.
//!
//! The rule is additive increase, multiplicative decrease (Chiu and Jain, 1989),
//! applied once for every window that closes:
//!
//! | sinks | queue | window | size |
//! |---|---|---|---|
//! | slow: one took over the target | any | doubled | halved |
//! | fast: none took over half the target | another whole batch waits | halved | one step up |
//! | fast, for four windows in a row | no whole batch waits | one step towards its setting | one step towards its setting |
//! | between | any | stays | stays |
//!
//! A step is a sixteenth of the span between the bounds. Three things keep it
//! from swinging: the gap between half the target and the target; that latencies
//! of batches formed before the last change count no more; and that a setting
//! widened for throughput goes back only while batches are at most half full.
//! Without reports of latency, sinks count as fast and the queue alone decides.
//!
//! Everything is whole numbers, so equal calls give equal decisions anywhere.
//! Nothing of this is kept over a restart: it is found again within seconds.

use alloc::format;

use super::Batching;
use crate::Error;
use crate::time::length;

/// Bounds for window and size, and the latency to aim at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Adaptive {
    /// Shortest window, in microseconds, over 0.
    pub window_from_us: i64,
    /// Longest window, in microseconds, at least `window_from_us`.
    pub window_to_us: i64,
    /// Fewest entities a full batch may be cut to, at least 1.
    pub max_from: u32,
    /// Most entities in one batch, at least `max_from`.
    pub max_to: u32,
    /// A sink that takes longer for one batch counts as slow; in microseconds,
    /// over 0.
    pub target_latency_us: i64,
}

impl Adaptive {
    pub(super) fn check(&self, window_us: i64, max: u32) -> Result<&Self, Error> {
        length("window-from", self.window_from_us, false)?;
        length("window-to", self.window_to_us, false)?;
        length("target-latency", self.target_latency_us, false)?;
        if !(self.window_from_us..=self.window_to_us).contains(&window_us) {
            return Err(Error::InvalidArgument(format!(
                "window must lie within its bounds, {} to {} ms, not at {} ms",
                self.window_from_us as f64 / 1000.0,
                self.window_to_us as f64 / 1000.0,
                window_us as f64 / 1000.0
            )));
        }
        if self.max_from == 0 {
            return Err(Error::InvalidArgument(
                "max-from must be at least 1, not 0".into(),
            ));
        }
        if !(self.max_from..=self.max_to).contains(&max) {
            return Err(Error::InvalidArgument(format!(
                "max must lie within its bounds, {} to {}, not at {max}",
                self.max_from, self.max_to
            )));
        }
        Ok(self)
    }
}

/// Windows in a row without pressure before a step back.
const CALM_WINDOWS: u32 = 4;

/// Steps between the bounds of a setting.
const STEPS: u64 = 16;

/// One setting between its bounds.
#[derive(Clone, Copy)]
struct Dial {
    value: u64,
    setting: u64,
    from: u64,
    to: u64,
}

impl Dial {
    fn fixed(value: u64) -> Self {
        Self {
            value,
            setting: value,
            from: value,
            to: value,
        }
    }

    fn step(&self) -> u64 {
        ((self.to - self.from) / STEPS).max(1)
    }

    fn set(&mut self, value: u64) {
        self.value = value.clamp(self.from, self.to);
    }

    fn double(&mut self) {
        self.set(self.value * 2);
    }

    fn halve(&mut self) {
        self.set(self.value / 2);
    }

    fn step_up(&mut self) {
        self.set(self.value + self.step());
    }

    fn step_towards_setting(&mut self) {
        let step = self.step();
        self.value = if self.value > self.setting {
            self.value.saturating_sub(step).max(self.setting)
        } else {
            (self.value + step).min(self.setting)
        };
    }
}

/// The window and size in force.
pub(super) struct Pace {
    /// In microseconds.
    window: Dial,
    /// In entities.
    max: Dial,
    /// `None` leaves both where they are.
    target_latency_us: Option<u64>,
    /// The longest latency reported since the last window closed.
    longest_us: Option<u64>,
    /// Windows in a row without pressure.
    calm: u32,
    /// Batches up to this one were formed under other settings.
    changed_at: u64,
}

impl Default for Pace {
    fn default() -> Self {
        Self::new(&Batching::default(), 0)
    }
}

impl Pace {
    /// Starts from checked settings after so many batches.
    pub(super) fn new(settings: &Batching, batches: u64) -> Self {
        let mut window = Dial::fixed(settings.window_us.unsigned_abs());
        let mut max = Dial::fixed(u64::from(settings.max));
        if let Some(adaptive) = &settings.adaptive {
            window.from = adaptive.window_from_us.unsigned_abs();
            window.to = adaptive.window_to_us.unsigned_abs();
            max.from = u64::from(adaptive.max_from);
            max.to = u64::from(adaptive.max_to);
        }
        Self {
            window,
            max,
            target_latency_us: settings
                .adaptive
                .map(|adaptive| adaptive.target_latency_us.unsigned_abs()),
            longest_us: None,
            calm: 0,
            changed_at: batches,
        }
    }

    pub(super) fn window_us(&self) -> u64 {
        self.window.value
    }

    pub(super) fn max(&self) -> usize {
        self.max.value as usize
    }

    pub(super) fn report_latency(&mut self, batch: u64, latency_us: u64) {
        if batch > self.changed_at {
            self.longest_us = self.longest_us.max(Some(latency_us));
        }
    }

    /// A window closed: `size` entities became batch number `batch`, and `left`
    /// did not fit.
    pub(super) fn window_closed(&mut self, size: usize, left: usize, batch: u64) {
        let Some(target_us) = self.target_latency_us else {
            return;
        };
        let longest_us = self.longest_us.take().unwrap_or(0);
        let before = (self.window.value, self.max.value);
        let calm = core::mem::take(&mut self.calm);
        if longest_us > target_us {
            self.window.double();
            self.max.halve();
        } else if longest_us > target_us / 2 {
            // Neither slow nor fast.
        } else if left >= self.max() {
            self.window.halve();
            self.max.step_up();
        } else if calm + 1 < CALM_WINDOWS {
            self.calm = calm + 1;
        } else {
            self.step_back(size + left <= self.max() / 2);
        }
        if before != (self.window.value, self.max.value) {
            self.changed_at = batch;
        }
    }

    /// A step towards the settings: always out of a retreat, but out of an
    /// advance only while what comes would fit without it.
    fn step_back(&mut self, light: bool) {
        if light || self.window.value > self.window.setting {
            self.window.step_towards_setting();
        }
        if light || self.max.value < self.max.setting {
            self.max.step_towards_setting();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000;

    /// Starts at a window of 100 ms and 50 entities; aims at 200 ms.
    fn pace() -> Pace {
        let settings = Batching {
            adaptive: Some(Adaptive {
                window_from_us: 20_000,
                window_to_us: 1_620_000,
                max_from: 10,
                max_to: 170,
                target_latency_us: 200_000,
            }),
            ..Batching::default()
        };
        settings.check().unwrap();
        Pace::new(&settings, 0)
    }

    /// Closes windows one after another, each with a batch of `size`, `left`
    /// over, and its latency reported before the next closes.
    fn close(pace: &mut Pace, windows: u64, size: usize, left: usize, latency_ms: u64) {
        let first = pace.changed_at + 1;
        for batch in first..first + windows {
            pace.window_closed(size, left, batch);
            pace.report_latency(batch + 1, latency_ms * MS);
        }
    }

    fn now(pace: &Pace) -> (u64, usize) {
        (pace.window_us() / MS, pace.max())
    }

    #[test]
    fn a_slow_sink_gets_fewer_and_smaller_batches_down_to_the_bounds() {
        let mut pace = pace();
        let mut seen = alloc::vec::Vec::new();
        for _ in 0..6 {
            close(&mut pace, 1, 50, 0, 300);
            seen.push(now(&pace));
        }
        assert_eq!(
            seen,
            [
                (100, 50),
                (200, 25),
                (400, 12),
                (800, 10),
                (1600, 10),
                (1620, 10)
            ]
        );
    }

    #[test]
    fn a_deep_queue_before_a_fast_sink_gets_more_and_larger_batches() {
        let mut pace = pace();
        close(&mut pace, 1, 50, 200, 100);
        assert_eq!(now(&pace), (50, 60));
        close(&mut pace, 1, 60, 200, 100);
        assert_eq!(now(&pace), (25, 70));
        close(&mut pace, 20, 70, 200, 100);
        assert_eq!(now(&pace), (20, 170));
    }

    #[test]
    fn between_half_the_target_and_the_target_nothing_moves() {
        let mut pace = pace();
        for latency_ms in [101, 150, 200] {
            pace.report_latency(1, latency_ms * MS);
            pace.window_closed(50, 500, 1);
            assert_eq!(now(&pace), (100, 50), "{latency_ms}");
        }
    }

    #[test]
    fn without_bounds_nothing_moves() {
        let mut pace = Pace::default();
        close(&mut pace, 100, 50, 500, 10_000);
        assert_eq!(now(&pace), (100, 50));
    }

    #[test]
    fn out_of_a_retreat_it_steps_back_every_fourth_calm_window() {
        let mut pace = pace();
        close(&mut pace, 1, 50, 0, 300);
        close(&mut pace, 1, 50, 0, 0);
        assert_eq!(now(&pace), (200, 25));
        close(&mut pace, 3, 25, 0, 0);
        assert_eq!(now(&pace), (200, 25));
        close(&mut pace, 1, 25, 0, 0);
        assert_eq!(now(&pace), (100, 35));
        close(&mut pace, 8, 25, 0, 0);
        assert_eq!(now(&pace), (100, 50));
    }

    #[test]
    fn an_advance_stays_while_it_is_needed() {
        let mut pace = pace();
        close(&mut pace, 5, 50, 200, 0);
        assert_eq!(now(&pace), (20, 100));
        close(&mut pace, 40, 51, 0, 0);
        assert_eq!(now(&pace), (20, 100));
        close(&mut pace, 4, 50, 0, 0);
        assert_eq!(now(&pace), (100, 90));
    }

    #[test]
    fn latencies_from_before_a_change_count_no_more() {
        let mut pace = pace();
        pace.report_latency(1, 300 * MS);
        pace.window_closed(50, 0, 3);
        assert_eq!(now(&pace), (200, 25));
        for batch in 1..=3 {
            pace.report_latency(batch, 900 * MS);
        }
        pace.window_closed(25, 0, 4);
        assert_eq!(now(&pace), (200, 25));
        pace.report_latency(4, 201 * MS);
        pace.window_closed(25, 0, 5);
        assert_eq!(now(&pace), (400, 12));
    }

    #[test]
    fn bounds_that_make_no_sense_are_refused_by_name() {
        let sound = Adaptive {
            window_from_us: 20_000,
            window_to_us: 1_000_000,
            max_from: 10,
            max_to: 200,
            target_latency_us: 1,
        };
        for (name, adaptive) in [
            (
                "window-from",
                Adaptive {
                    window_from_us: 0,
                    ..sound
                },
            ),
            (
                "window-to",
                Adaptive {
                    window_to_us: -1,
                    ..sound
                },
            ),
            (
                "target-latency",
                Adaptive {
                    target_latency_us: 0,
                    ..sound
                },
            ),
            (
                "window must lie",
                Adaptive {
                    window_from_us: 100_001,
                    ..sound
                },
            ),
            (
                "window must lie",
                Adaptive {
                    window_to_us: 99_999,
                    ..sound
                },
            ),
            (
                "max-from",
                Adaptive {
                    max_from: 0,
                    ..sound
                },
            ),
            (
                "max must lie",
                Adaptive {
                    max_from: 51,
                    ..sound
                },
            ),
            (
                "max must lie",
                Adaptive {
                    max_to: 49,
                    ..sound
                },
            ),
            (
                "capacity",
                Adaptive {
                    max_to: 20_001,
                    ..sound
                },
            ),
        ] {
            let settings = Batching {
                adaptive: Some(adaptive),
                ..Batching::default()
            };
            match settings.check() {
                Err(Error::InvalidArgument(text)) => assert!(text.starts_with(name), "{text}"),
                other => panic!("{name}: {other:?}"),
            }
        }
    }
}
