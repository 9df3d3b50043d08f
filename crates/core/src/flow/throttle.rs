//! Throttle: calls are spaced in time, and every one runs.

use alloc::collections::VecDeque;
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use super::keyed::{Call, Due, Passed, Policy};
use crate::Error;

/// How fast calls of one key may run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ThrottleSettings {
    /// Most runs per second: over 0, at least one in ten years, at most
    /// 1,000,000.
    pub rate_per_s: f64,
}

/// The least rate: once in ten years.
const LEAST_RATE_PER_S: f64 = 1.0 / (10.0 * 366.0 * 24.0 * 3600.0);

const MOST_RATE_PER_S: f64 = 1e6;

/// The settings, checked.
#[derive(Debug, Clone)]
pub(super) struct Throttle {
    /// Least time between two runs, rounded up so that the rate is never
    /// exceeded.
    interval_us: u64,
}

impl Throttle {
    pub(super) fn check(settings: ThrottleSettings) -> Result<Self, Error> {
        let rate = settings.rate_per_s;
        if !(LEAST_RATE_PER_S..=MOST_RATE_PER_S).contains(&rate) {
            return Err(Error::InvalidArgument(format!(
                "rate must be over 0 (at least once in 10 years) and at most {MOST_RATE_PER_S} per second, not {rate}"
            )));
        }
        let exact_us = 1e6 / rate;
        let whole_us = exact_us as u64;
        let interval_us = whole_us + u64::from(exact_us > whole_us as f64);
        Ok(Self { interval_us })
    }
}

/// The calls of a key, waiting in line.
#[derive(Debug, Clone)]
pub(super) struct Line {
    /// When the latest ran.
    ran_us: u64,
    /// When the next may run.
    free_us: u64,
    waiting: VecDeque<Call>,
}

impl Policy for Throttle {
    type State = Line;

    fn call(&self, line: Option<Line>, now_us: u64, call: Call, now: &mut Passed) -> Option<Line> {
        if let Some(mut line) = line {
            line.waiting.push_back(call);
            return Some(line);
        }
        now.runs.push(vec![call]);
        Some(Line {
            ran_us: now_us,
            free_us: now_us + self.interval_us,
            waiting: VecDeque::new(),
        })
    }

    /// A late tick lets one run and counts from its own moment: two runs are
    /// never closer than the interval as the host sees them.
    fn tick(&self, mut line: Line, now_us: u64, now: &mut Passed) -> Option<Line> {
        let call = line.waiting.pop_front()?;
        now.runs.push(vec![call]);
        line.ran_us = now_us;
        line.free_us = now_us + self.interval_us;
        Some(line)
    }

    /// The next call of a line in which none waits is one to come.
    fn retime(&self, line: &mut Line) {
        if line.waiting.is_empty() {
            line.free_us = line.ran_us + self.interval_us;
        }
    }

    fn due(line: &Line) -> Due {
        Due {
            at_us: line.free_us,
            order: line.waiting.front().map_or(0, |call| call.order),
        }
    }

    fn waiting(line: Line) -> Vec<Vec<Call>> {
        line.waiting.into_iter().map(|call| vec![call]).collect()
    }

    fn count(line: &Line) -> usize {
        line.waiting.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_never_exceeds_the_rate() {
        for (rate_per_s, interval_us) in [
            (1.0, 1_000_000),
            (0.5, 2_000_000),
            (3.0, 333_334),
            (1e6, 1),
            (LEAST_RATE_PER_S, 316_224_000_000_000),
        ] {
            let throttle = Throttle::check(ThrottleSettings { rate_per_s }).unwrap();
            assert_eq!(throttle.interval_us, interval_us, "{rate_per_s}");
        }
    }
}
