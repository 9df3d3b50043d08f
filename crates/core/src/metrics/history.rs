//! The recent past of one metric in equal intervals, for pictures.
//!
//! A ring of points: each holds the samples of one interval, counted from the
//! start of the monotonic clock, and is taken over by a later one.

use alloc::vec;
use alloc::vec::Vec;

#[derive(Debug, Clone, Copy, Default)]
struct Point {
    /// Which interval this is of, counted from 1; 0 for none yet.
    interval: u64,
    count: u64,
    sum: f64,
    max: f64,
}

/// The ring.
#[derive(Debug, Clone)]
pub(super) struct Ring {
    interval_us: u64,
    points: Vec<Point>,
}

/// What happened in recent intervals, oldest first, one entry each; the last
/// is the interval that is under way.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct History {
    /// Length of an interval in microseconds.
    pub interval_us: u64,
    /// When the oldest began, in monotonic microseconds; at least 0.
    pub from_us: u64,
    /// Samples, additions or settings.
    pub counts: Vec<u64>,
    /// Their sum: microseconds for a timer, the increase of a counter.
    pub sums: Vec<f64>,
    /// The greatest of them; 0 where there is none.
    pub maxima: Vec<f64>,
}

impl Ring {
    pub(super) fn new(interval_us: u64, points: usize) -> Self {
        Self {
            interval_us,
            points: vec![Point::default(); points],
        }
    }

    pub(super) fn record(&mut self, now_us: u64, value: f64) {
        let interval = self.interval_at(now_us);
        let Some(point) = self.at_mut(interval) else {
            return;
        };
        if point.interval != interval {
            *point = Point {
                interval,
                max: value,
                ..Point::default()
            };
        }
        point.count += 1;
        point.sum += value;
        point.max = point.max.max(value);
    }

    /// The intervals up to `now_us`, as far back as the ring and the clock go.
    pub(super) fn read(&self, now_us: u64) -> History {
        let newest = self.interval_at(now_us);
        let oldest = (newest + 1).saturating_sub(self.points.len() as u64).max(1);
        let mut history = History {
            interval_us: self.interval_us,
            from_us: (oldest - 1) * self.interval_us,
            ..History::default()
        };
        for interval in oldest..=newest {
            let place = (interval % self.points.len() as u64) as usize;
            let point = self.points.get(place).copied().unwrap_or_default();
            let point = if point.interval == interval {
                point
            } else {
                Point::default()
            };
            history.counts.push(point.count);
            history.sums.push(point.sum);
            history.maxima.push(point.max);
        }
        history
    }

    fn interval_at(&self, now_us: u64) -> u64 {
        now_us / self.interval_us + 1
    }

    fn at_mut(&mut self, interval: u64) -> Option<&mut Point> {
        let place = interval % self.points.len() as u64;
        self.points.get_mut(place as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_of_fixed_intervals_and_the_oldest_leave() {
        let mut ring = Ring::new(10, 3);
        for (now_us, value) in [(0, 4.0), (9, 2.0), (10, -7.0), (31, 1.0)] {
            ring.record(now_us, value);
        }
        let history = ring.read(39);
        assert_eq!((history.interval_us, history.from_us), (10, 10));
        assert_eq!(history.counts, [1, 0, 1]);
        assert_eq!(history.sums, [-7.0, 0.0, 1.0]);
        assert_eq!(history.maxima, [-7.0, 0.0, 1.0]);
        // Long after, nothing of it is left.
        assert_eq!(ring.read(1_000).counts, [0, 0, 0]);
    }

    #[test]
    fn before_the_ring_is_full_it_reaches_to_the_start() {
        let mut ring = Ring::new(10, 100);
        ring.record(12, 5.0);
        ring.record(13, 3.0);
        let history = ring.read(25);
        assert_eq!(history.from_us, 0);
        assert_eq!(history.counts, [0, 2, 0]);
        assert_eq!(history.sums, [0.0, 8.0, 0.0]);
        assert_eq!(history.maxima, [0.0, 5.0, 0.0]);
    }
}
