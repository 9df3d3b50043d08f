//! Moments and lengths of time. Nothing here reads a clock.

use alloc::format;

use crate::Error;

/// The moment of a call, as the host tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instant {
    /// Microseconds since the host started.
    pub mono_us: u64,
    /// Microseconds since the Unix epoch, on a clock that may jump.
    pub wall_us: i64,
}

/// A moment inside the optimizer: monotonic, and dated on a clock that runs
/// with it, so that a jump of the wall clock moves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Microseconds since the host started; never falls.
    pub mono_us: u64,
    /// The wall clock at the first instant seen, plus what has passed since.
    pub dated_us: i64,
}

/// Turns the host's instants into moments.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Timeline {
    /// Wall minus monotonic time at the first instant.
    anchor_us: Option<i64>,
    newest_us: u64,
}

impl Timeline {
    /// Advances to `instant`; one that falls behind counts as the newest seen.
    pub(crate) fn advance(&mut self, instant: Instant) -> Now {
        let anchor_us = *self
            .anchor_us
            .get_or_insert_with(|| instant.wall_us.saturating_sub_unsigned(instant.mono_us));
        self.newest_us = self.newest_us.max(instant.mono_us.min(END_OF_TIME_US));
        Now {
            mono_us: self.newest_us,
            dated_us: anchor_us.saturating_add_unsigned(self.newest_us),
        }
    }
}

/// Later instants count as this one, so that a length of time can always be
/// added: 146,000 years after the host's start.
pub(crate) const END_OF_TIME_US: u64 = 1 << 62;

/// A moment that never comes, and a length of time that never ends.
pub(crate) const NEVER_US: u64 = u64::MAX;

/// The longest length of time any setting takes: ten years.
pub(crate) const LONGEST_US: i64 = 10 * 366 * 24 * 3600 * 1_000_000;

/// Checks a length of time: over 0 unless `zero` is allowed, at most 10 years.
#[inline]
pub fn length(name: &str, length_us: i64, zero: bool) -> Result<u64, Error> {
    let least = i64::from(!zero);
    if (least..=LONGEST_US).contains(&length_us) {
        return Ok(length_us.unsigned_abs());
    }
    Err(no_length(name, length_us, zero))
}

#[cold]
fn no_length(name: &str, length_us: i64, zero: bool) -> Error {
    let lower = if zero { "at least" } else { "over" };
    Error::InvalidArgument(format!(
        "{name} must be {lower} 0 and at most 10 years, not {} ms",
        length_us as f64 / 1000.0
    ))
}

/// [`length`] of a setting that may be absent.
pub(crate) fn optional_length(name: &str, length_us: Option<i64>) -> Result<Option<u64>, Error> {
    length_us
        .map(|length_us| length(name, length_us, false))
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_of_the_wall_clock_moves_no_date() {
        let mut timeline = Timeline::default();
        let first = timeline.advance(Instant {
            mono_us: 10,
            wall_us: 1_000,
        });
        let later = timeline.advance(Instant {
            mono_us: 30,
            wall_us: -5,
        });
        assert_eq!(
            first,
            Now {
                mono_us: 10,
                dated_us: 1_000
            }
        );
        assert_eq!(
            later,
            Now {
                mono_us: 30,
                dated_us: 1_020
            }
        );
    }

    #[test]
    fn a_falling_instant_counts_as_the_newest() {
        let mut timeline = Timeline::default();
        timeline.advance(Instant {
            mono_us: 30,
            wall_us: 0,
        });
        assert_eq!(
            timeline
                .advance(Instant {
                    mono_us: 20,
                    wall_us: 0
                })
                .mono_us,
            30
        );
    }

    #[test]
    fn lengths_outside_their_range_are_refused_by_name() {
        for (length_us, zero, accepted) in [
            (1, false, true),
            (0, false, false),
            (0, true, true),
            (-1, true, false),
            (i64::MAX, true, false),
        ] {
            let outcome = length("window", length_us, zero);
            assert_eq!(outcome.is_ok(), accepted, "{length_us} {zero}");
            if let Err(Error::InvalidArgument(text)) = outcome {
                assert!(text.starts_with("window must be"), "{text}");
            }
        }
    }
}
