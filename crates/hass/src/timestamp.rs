//! A point in wall time with the microsecond resolution Home Assistant stores.
//!
//! It converts between the float seconds of the compressed feed and RFC 3339 text.
//! It knows no time zones and never reads a clock.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// Microseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From microseconds since the Unix epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// From float seconds since the Unix epoch.
    ///
    /// Rounds the fraction half to even, as Python's `datetime.fromtimestamp` does, so that the text equals
    /// what Home Assistant prints for the same float.
    /// Values outside the range of `i64` microseconds saturate; NaN is the epoch.
    pub fn from_unix_seconds(seconds: f64) -> Self {
        let whole = seconds.trunc();
        let fraction = ((seconds - whole) * 1e6).round_ties_even();
        Self(
            (whole as i64)
                .saturating_mul(MICROS_PER_SECOND)
                .saturating_add(fraction as i64),
        )
    }

    /// Microseconds since the Unix epoch.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Year, month and day; the second of the day; the microsecond.
    fn parts(self) -> ((i64, i64, i64), i64, i64) {
        let seconds = self.0.div_euclid(MICROS_PER_SECOND);
        (
            civil_date(seconds.div_euclid(SECONDS_PER_DAY)),
            seconds.rem_euclid(SECONDS_PER_DAY),
            self.0.rem_euclid(MICROS_PER_SECOND),
        )
    }

    /// Appends the text that `Display` writes.
    pub fn append_to(self, out: &mut Vec<u8>) {
        match Text::of(self) {
            Some(text) => out.extend_from_slice(text.as_str().as_bytes()),
            None => out.extend_from_slice(self.to_string().as_bytes()),
        }
    }

    /// Float seconds since the Unix epoch, as the compressed feed tells times.
    pub fn as_unix_seconds(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

/// The longest text of a time in the years that have four digits.
const LONGEST: usize = "2026-11-21T07:13:45.047092+00:00".len();

/// The text of a time, without a place on the heap: a home has thousands, each told again and again.
struct Text {
    bytes: [u8; LONGEST],
    length: usize,
}

impl Text {
    /// `None` for a year that has not four digits.
    fn of(at: Timestamp) -> Option<Self> {
        let ((year, month, day), of_day, micros) = at.parts();
        if !(0..=9999).contains(&year) {
            return None;
        }
        let mut text = Self {
            bytes: [0; LONGEST],
            length: 0,
        };
        text.number(year / 100, b"");
        text.number(year % 100, b"-");
        text.number(month, b"-");
        text.number(day, b"T");
        text.number(of_day / 3600, b":");
        text.number(of_day / 60 % 60, b":");
        text.number(of_day % 60, b"");
        if micros != 0 {
            text.push(b".");
            text.number(micros / 10_000, b"");
            text.number(micros / 100 % 100, b"");
            text.number(micros % 100, b"");
        }
        text.push(b"+00:00");
        Some(text)
    }

    /// Appends a number of two digits, and what follows it.
    fn number(&mut self, number: i64, then: &[u8]) {
        self.push(&[b'0' + (number / 10) as u8, b'0' + (number % 10) as u8]);
        self.push(then);
    }

    fn push(&mut self, bytes: &[u8]) {
        let end = self.length + bytes.len();
        self.bytes[self.length..end].copy_from_slice(bytes);
        self.length = end;
    }

    fn as_str(&self) -> &str {
        // Only what is ASCII was put there.
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

/// RFC 3339 in UTC, written as Python's `isoformat` does: `+00:00` for the zone and no fraction when it is zero.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(text) = Text::of(*self) {
            return f.write_str(text.as_str());
        }
        // Python has no such year, and nothing is too slow for it.
        let ((year, month, day), of_day, micros) = self.parts();
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
        )?;
        if micros != 0 {
            write!(f, ".{micros:06}")?;
        }
        f.write_str("+00:00")
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        f64::deserialize(deserializer).map(Self::from_unix_seconds)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match Text::of(*self) {
            Some(text) => serializer.serialize_str(text.as_str()),
            None => serializer.collect_str(self),
        }
    }
}

/// Proleptic Gregorian date of a day counted from 1970-01-01.
///
/// Counts years from March, so that the leap day is the last of its year and needs no case of its own.
fn civil_date(days_since_epoch: i64) -> (i64, i64, i64) {
    const DAYS_PER_ERA: i64 = 146_097; // 400 years
    const DAYS_BEFORE_EPOCH: i64 = 719_468; // from 0000-03-01 to 1970-01-01
    let days = days_since_epoch + DAYS_BEFORE_EPOCH;
    let era = days.div_euclid(DAYS_PER_ERA);
    let day_of_era = days.rem_euclid(DAYS_PER_ERA);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_what_python_prints() {
        // Right-hand sides are datetime.fromtimestamp(x, UTC).isoformat().
        for (seconds, text) in [
            (0.0, "1970-01-01T00:00:00+00:00"),
            (1_795_245_225.047_091_7, "2026-11-21T07:13:45.047092+00:00"),
            (1_709_164_800.0, "2024-02-29T00:00:00+00:00"),
            (951_782_399.5, "2000-02-28T23:59:59.500000+00:00"),
            (4_107_542_399.999_999_5, "2100-03-01T00:00:00+00:00"),
            (-1.25, "1969-12-31T23:59:58.750000+00:00"),
        ] {
            let time = Timestamp::from_unix_seconds(seconds);
            assert_eq!(time.to_string(), text);
            let mut appended = Vec::new();
            time.append_to(&mut appended);
            assert_eq!(appended, text.as_bytes());
        }
    }

    #[test]
    fn json_numbers_are_read_to_the_last_digit() {
        // serde_json's fast float parser is off by one unit in the last place for some of these.
        for step in 0..20_000 {
            let seconds = 1_795_254_686.000_123 + f64::from(step) * 0.001_237_123_457;
            let read: Timestamp = serde_json::from_str(&format!("{seconds:?}")).unwrap();
            assert_eq!(read, Timestamp::from_unix_seconds(seconds), "{seconds:?}");
        }
    }

    #[test]
    fn a_year_of_five_digits_is_written_with_its_time() {
        let time = Timestamp::from_unix_seconds(253_402_300_800.25);
        assert_eq!(time.to_string(), "10000-01-01T00:00:00.250000+00:00");
    }

    #[test]
    fn absurd_values_do_not_panic() {
        for seconds in [f64::NAN, f64::INFINITY, f64::MIN, 1e300] {
            let _ = Timestamp::from_unix_seconds(seconds).to_string();
        }
    }
}
