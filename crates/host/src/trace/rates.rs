//! How often each entity of a trace changes, over the day.

use std::collections::HashMap;
use std::io::BufRead;
use std::time::{Duration, SystemTime};

use super::{Entry, Reader, TraceError};

/// Parts of a day that are told apart, as the optimizer does.
const EIGHTHS: usize = 8;
const DAY: Duration = Duration::from_hours(24);
const EIGHTH: Duration = Duration::from_hours(3);

/// How often entities changed while a trace was written.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangeRates {
    /// How long that was.
    pub duration: Duration,
    /// Changes in each eighth of the day, by entity.
    changes: HashMap<String, [u64; EIGHTHS]>,
    /// The time of day when it began, UTC; unknown where the trace does not say.
    began: Option<Duration>,
}

impl ChangeRates {
    /// Counts what a trace holds. A last line that is cut short is left out.
    ///
    /// # Errors
    /// When the trace cannot be read, or is none.
    pub fn count<R: BufRead>(reader: &mut Reader<R>) -> Result<Self, TraceError> {
        let mut rates = Self {
            duration: Duration::ZERO,
            changes: HashMap::new(),
            began: time_of_day(&reader.header().started),
        };
        let mut latest: HashMap<String, String> = HashMap::new();
        for entry in reader {
            match entry {
                Ok(entry) => rates.take(&mut latest, entry),
                Err(TraceError::Truncated { .. }) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(rates)
    }

    fn take(&mut self, latest: &mut HashMap<String, String>, entry: Entry) {
        self.duration = entry.at;
        let counts = self.changes.entry(entry.entity.clone()).or_default();
        let before = latest.insert(entry.entity, entry.state.clone());
        // What an entity was at the beginning is no change.
        let changed = before.is_some_and(|before| before != entry.state)
            || (!entry.attributes.is_empty() && !entry.at.is_zero());
        if changed {
            let eighth = eighth_of(self.began.unwrap_or_default() + entry.at);
            counts[eighth] += 1;
        }
    }

    /// Changes a day of an entity: one figure, or eight for the eighths of the
    /// day from midnight UTC where the trace is of a whole day or more. `None`
    /// if it is not in the trace, or that took no time.
    pub fn per_day(&self, entity: &str) -> Option<Vec<f64>> {
        let changes = self.changes.get(entity)?;
        if self.duration.is_zero() {
            return None;
        }
        let per_day =
            |changes: u64, time: Duration| changes as f64 * DAY.as_secs_f64() / time.as_secs_f64();
        if self.began.is_none() || self.duration < DAY {
            return Some(vec![per_day(changes.iter().sum(), self.duration)]);
        }
        let rates = (0..EIGHTHS).map(|eighth| per_day(changes[eighth], self.spent_in(eighth)));
        Some(rates.collect())
    }

    /// How much of the trace is of an eighth of the day; all of it is for a trace
    /// of a day or more.
    fn spent_in(&self, eighth: usize) -> Duration {
        let began = self.began.unwrap_or_default();
        let ended = began + self.duration;
        let mut spent = Duration::ZERO;
        let mut from = EIGHTH * eighth as u32;
        while from < ended {
            spent += ended.min(from + EIGHTH).saturating_sub(began.max(from));
            from += DAY;
        }
        spent
    }
}

fn eighth_of(since_midnight: Duration) -> usize {
    (since_midnight.as_micros() / EIGHTH.as_micros()) as usize % EIGHTHS
}

/// The time of day of an RFC 3339 text in UTC.
fn time_of_day(text: &str) -> Option<Duration> {
    let utc = text.strip_suffix("+00:00").or(text.strip_suffix('Z'))?;
    let at = humantime::parse_rfc3339(&format!("{utc}Z")).ok()?;
    let since = at.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(Duration::from_secs(since.as_secs() % DAY.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn rates(started: &str, entries: &[(u64, &str, &str)]) -> ChangeRates {
        let mut trace = format!("{{\"weirhouse_trace\":1,\"started\":\"{started}\"}}\n");
        trace.extend(entries.iter().map(|(hours, entity, state)| {
            let at_ms = hours * 3_600_000;
            format!("{{\"t\":{at_ms},\"e\":\"{entity}\",\"s\":\"{state}\"}}\n")
        }));
        let mut reader = Reader::new(trace.as_bytes(), Path::new("trace")).unwrap();
        ChangeRates::count(&mut reader).unwrap()
    }

    #[test]
    fn a_part_of_a_day_has_one_rate() {
        let entries = [
            (0, "sensor.a", "1"),
            (0, "sensor.b", "x"),
            (1, "sensor.a", "2"),
            (2, "sensor.a", "2"),
            (6, "sensor.a", "3"),
        ];
        let rates = rates("2026-11-21T10:00:00.5+00:00", &entries);
        assert_eq!(rates.per_day("sensor.a"), Some(vec![8.0]));
        assert_eq!(rates.per_day("sensor.b"), Some(vec![0.0]));
        assert_eq!(rates.per_day("sensor.c"), None);
    }

    #[test]
    fn a_day_and_more_has_one_for_each_eighth() {
        // From 22:00, so that 22 to 24 o'clock is there twice.
        let entries = [
            (0, "sensor.a", "1"),
            (1, "sensor.a", "2"),
            (3, "sensor.a", "3"),
            (25, "sensor.a", "4"),
            (26, "sensor.a", "5"),
        ];
        let rates = rates("2026-11-21T22:00:00Z", &entries);
        let per_day = rates.per_day("sensor.a").unwrap();
        // From 0 to 3 two in three hours; from 21 to 24 two in the five of both
        // evenings.
        let expected = [
            2.0 * 24.0 / 3.0,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            2.0 * 24.0 / 5.0,
        ];
        assert_eq!(per_day, expected);
    }

    #[test]
    fn nothing_is_said_of_what_took_no_time_and_of_an_unknown_day() {
        assert_eq!(rates("", &[(0, "sensor.a", "1")]).per_day("sensor.a"), None);
        let two_days = rates("yesterday", &[(0, "sensor.a", "1"), (48, "sensor.a", "2")]);
        assert_eq!(two_days.per_day("sensor.a"), Some(vec![0.5]));
    }
}
