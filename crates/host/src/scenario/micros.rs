//! Times as scenario and trace files write them: JSON numbers in milliseconds,
//! held as whole microseconds.
//!
//! The decimal text is shifted, never multiplied as a float, so `0.1` is
//! exactly 100 µs. Digits finer than a microsecond are rounded half away from
//! zero. No clock is read here.

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, Serializer};
use serde_json::value::RawValue;

/// Microseconds, written in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Micros(pub(crate) i64);

impl Micros {
    /// Latest time of a line: microseconds up to here are exact doubles, for
    /// whoever reads the file as such. 285 years.
    pub(crate) const LATEST: Self = Self(1 << 53);

    /// Reads a JSON number of milliseconds; saturates at the range of `i64`.
    /// `None` for anything that is no JSON number.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
            None => (text, 0),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) => (whole, fraction),
            None => (mantissa, ""),
        };
        let digits = format!("{whole}{fraction}");
        if whole.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let significant = digits.trim_start_matches('0');
        let leading_zeros = digits.len() - significant.len();
        // How many significant digits stand left of the point, in microseconds.
        let point =
            i64::try_from(whole.len()).ok()? - i64::try_from(leading_zeros).ok()? + exponent + 3;
        let magnitude = shift(significant, point);
        Some(Self(if negative { -magnitude } else { magnitude }))
    }
}

/// Far beyond every time there is, and far from overflow in sums.
const LARGEST_EXPONENT: i64 = 1_000_000;

/// i64 holds this many digits, whatever they are; anything longer saturates.
const MOST_DIGITS: i64 = 18;

/// An exponent of any length: one that is too large saturates.
fn parse_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let magnitude = digits
        .parse::<i64>()
        .map_or(LARGEST_EXPONENT, |exponent| exponent.min(LARGEST_EXPONENT));
    Some(if text.starts_with('-') {
        -magnitude
    } else {
        magnitude
    })
}

/// The first `point` digits as a number, rounded by the digit that follows.
fn shift(digits: &str, point: i64) -> i64 {
    if digits.is_empty() || point < 0 {
        return 0;
    }
    if point > MOST_DIGITS {
        return i64::MAX;
    }
    let mut following = digits.bytes().chain(std::iter::repeat(b'0'));
    let mut value = 0_i64;
    for digit in following.by_ref().take(point as usize) {
        value = value * 10 + i64::from(digit - b'0');
    }
    match following.next() {
        Some(b'5'..=b'9') => value + 1,
        _ => value,
    }
}

/// In milliseconds: an integer when whole, else with as many decimals as needed.
impl std::fmt::Display for Micros {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, rest) = (self.0.unsigned_abs() / 1000, self.0.unsigned_abs() % 1000);
        if rest == 0 {
            return write!(f, "{sign}{whole}");
        }
        let decimals = format!("{rest:03}");
        write!(f, "{sign}{whole}.{}", decimals.trim_end_matches('0'))
    }
}

impl<'de> Deserialize<'de> for Micros {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Self::parse(raw.get()).ok_or_else(|| {
            D::Error::custom(format!(
                "expected a number of milliseconds, found {}",
                raw.get()
            ))
        })
    }
}

impl Serialize for Micros {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.to_string())
            .map_err(serde::ser::Error::custom)?
            .serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::Micros;

    #[test]
    fn decimals_are_exact() {
        for (text, micros) in [
            ("0", 0),
            ("-0", 0),
            ("0.1", 100),
            ("0.001", 1),
            ("0.0004", 0),
            ("0.0005", 1),
            ("-0.0005", -1),
            ("100.30000000000001", 100_300),
            ("1.0005e3", 1_000_500),
            ("25E-1", 2_500),
            ("4503599627370.497", 4_503_599_627_370_497),
            ("0.00000000000000000001e22", 100_000),
            ("1e400", i64::MAX),
            ("-1e99999999999999999999", -i64::MAX),
            ("1e-99999999999999999999", 0),
        ] {
            assert_eq!(Micros::parse(text), Some(Micros(micros)), "{text}");
        }
        for text in [
            "", "-", ".5", "1e", "1e+", "0x10", "1_000", "\"1\"", "null", "true", "1 2",
        ] {
            assert_eq!(Micros::parse(text), None, "{text}");
        }
    }

    #[test]
    fn printing_is_shortest_and_reads_back() {
        for (micros, text) in [
            (0, "0"),
            (1, "0.001"),
            (-1_500, "-1.5"),
            (100_000, "100"),
            (100_030, "100.03"),
            (9_007_199_254_740_991, "9007199254740.991"),
        ] {
            assert_eq!(Micros(micros).to_string(), text);
            assert_eq!(Micros::parse(text), Some(Micros(micros)));
        }
    }
}
