//! Interleaved rounds: every case once, then every case again, so that a slow
//! moment of the machine meets all of them.

use std::time::{Duration, Instant};

const ROUNDS: usize = 9;

/// One case: its name, and what to time.
pub(crate) type Case<'a> = (&'static str, Box<dyn FnMut() + 'a>);

/// The least duration of each case.
pub(crate) fn least(cases: &mut [Case<'_>]) -> Vec<Duration> {
    let mut best = vec![Duration::MAX; cases.len()];
    for _ in 0..ROUNDS {
        for ((_, case), best) in cases.iter_mut().zip(&mut best) {
            let started = Instant::now();
            case();
            *best = started.elapsed().min(*best);
        }
    }
    best
}

/// Nanoseconds of one out of `count` that took `duration` together.
pub(crate) fn each_ns(duration: Duration, count: usize) -> f64 {
    duration.as_nanos() as f64 / count as f64
}
