//! What a reading is: a number, a text, or the absence of either.

use crate::decimal;
use serde::{Deserialize, Serialize};

/// One value of a series, in the form in which values are compared.
///
/// Texts are kept as a 64-bit digest: two different texts are taken for equal
/// once in 2⁶⁴ pairs, and no reading allocates.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Reading {
    /// A finite number.
    Number(f64),
    /// Any other text, by its digest.
    Text(u64),
    /// Home Assistant knows the entity, but not its value.
    Unknown,
    /// The source cannot be reached.
    Unavailable,
    /// NaN or an infinity, which compare with nothing.
    NotFinite,
}

impl Reading {
    /// Classifies a value as Home Assistant writes it.
    ///
    /// Decimal and exponent text is a number: `21`, `21.0`, `2.1e1`, `.5`, `-3`.
    /// Nothing else is: `12:30`, `0x10`, `1_000`, ` 21` stay text.
    pub fn of_text(text: &str) -> Self {
        Self::of_bytes(text.as_bytes())
    }

    /// Classifies the bytes of such a value.
    #[inline]
    pub(crate) fn of_bytes(text: &[u8]) -> Self {
        // Everything Rust parses as a number begins so, the words for infinity
        // and not-a-number included.
        match text {
            [b'0'..=b'9' | b'+' | b'-' | b'.', ..] => {
                decimal::parse(text).map_or_else(|| Self::of_number_or_text(text), Self::Number)
            }
            [b'i' | b'I' | b'n' | b'N', ..] => Self::of_number_or_text(text),
            b"unknown" => Self::Unknown,
            b"unavailable" => Self::Unavailable,
            _ => Self::Text(digest(text)),
        }
    }

    #[inline(never)]
    fn of_number_or_text(text: &[u8]) -> Self {
        str::from_utf8(text)
            .ok()
            .and_then(|text| text.parse().ok())
            .map_or_else(|| Self::Text(digest(text)), Self::of_number)
    }

    /// Classifies a number.
    pub fn of_number(number: f64) -> Self {
        if number.is_finite() {
            Self::Number(number)
        } else {
            Self::NotFinite
        }
    }

    /// Whether it is what the constructors make: its number is finite.
    pub(crate) fn is_well_formed(self) -> bool {
        !matches!(self, Self::Number(number) if !number.is_finite())
    }
}

/// What a [`Reading`] is, without its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    Number,
    Text,
    Unknown,
    Unavailable,
    NotFinite,
}

impl Kind {
    /// Whether it is a value at all: a finite number or a text.
    pub(crate) fn is_value(self) -> bool {
        matches!(self, Self::Number | Self::Text)
    }
}

impl Reading {
    /// Its kind, and the bits of its value; 0 where it has none.
    #[inline]
    pub(crate) fn split(self) -> (Kind, u64) {
        match self {
            Self::Number(number) => (Kind::Number, number.to_bits()),
            Self::Text(digest) => (Kind::Text, digest),
            Self::Unknown => (Kind::Unknown, 0),
            Self::Unavailable => (Kind::Unavailable, 0),
            Self::NotFinite => (Kind::NotFinite, 0),
        }
    }

    /// The reverse of [`Reading::split`].
    #[inline]
    pub(crate) fn join(kind: Kind, bits: u64) -> Self {
        match kind {
            Kind::Number => Self::Number(f64::from_bits(bits)),
            Kind::Text => Self::Text(bits),
            Kind::Unknown => Self::Unknown,
            Kind::Unavailable => Self::Unavailable,
            Kind::NotFinite => Self::NotFinite,
        }
    }
}

/// FNV-1a with 64 bits: the same everywhere and in every version, so that a
/// digest in a snapshot keeps its meaning.
fn digest(text: &[u8]) -> u64 {
    text.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Whether `from` and `to` differ by at least `threshold`, as decimals.
///
/// In binary, 45.5232 − 45.5231 is a little less than 0.0001. Each operand lies
/// within half a unit in the last place of the decimal it was written as, so
/// the true difference lies within the sum of those units of the computed one,
/// and a difference that close below the threshold is equal to it. For decimals
/// of up to 15 significant digits this is exact: two of them that differ at all
/// differ by more.
pub(crate) fn differs_by(from: f64, to: f64, threshold: f64) -> bool {
    let difference = if from > to { from - to } else { to - from };
    if difference >= threshold {
        return true;
    }
    let slack = unit_in_last_place(from) + unit_in_last_place(to) + unit_in_last_place(threshold);
    difference + slack >= threshold
}

/// Whether `from` and `to` differ by more than `tolerance`, as decimals. Of
/// decimals of up to 15 significant digits it is exact, as [`differs_by`] is.
pub(crate) fn exceeds(from: f64, to: f64, tolerance: f64) -> bool {
    let difference = if from > to { from - to } else { to - from };
    let slack = unit_in_last_place(from) + unit_in_last_place(to) + unit_in_last_place(tolerance);
    difference > tolerance + slack
}

/// The spacing of numbers at `value`, or the smallest positive number.
fn unit_in_last_place(value: f64) -> f64 {
    const MANTISSA_BITS: u64 = 52;
    let exponent = (value.to_bits() >> MANTISSA_BITS) & 0x7ff;
    if exponent > MANTISSA_BITS {
        f64::from_bits((exponent - MANTISSA_BITS) << MANTISSA_BITS)
    } else {
        f64::from_bits(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_decimal_and_exponent_text_is_a_number() {
        for text in ["21", "21.0", "2.1e1", "+21", "0.21E2", "21.", "210e-1"] {
            assert_eq!(Reading::of_text(text), Reading::Number(21.0), "{text}");
        }
        for text in [
            "12:30", "0x10", "1_000", " 21", "21 ", "", "-", ".", "e5", "1,5", "21 °C", "on",
            "None", "١٢", "-١", "1é",
        ] {
            assert!(matches!(Reading::of_text(text), Reading::Text(_)), "{text}");
        }
        for text in ["nan", "NaN", "inf", "-inf", "Infinity", "1e999"] {
            assert_eq!(Reading::of_text(text), Reading::NotFinite, "{text}");
        }
        assert_eq!(Reading::of_text("unknown"), Reading::Unknown);
        assert_eq!(Reading::of_text("unavailable"), Reading::Unavailable);
        assert!(matches!(Reading::of_text("Unknown"), Reading::Text(_)));
    }

    #[test]
    fn steps_equal_in_decimal_behave_alike() {
        for (from, to, threshold) in [
            (45.5231, 45.5232, 0.0001),
            (45.5232, 45.5231, 0.0001),
            (0.1, 0.3, 0.2),
            (1.1, 1.21, 0.11),
            (20.0, 20.5, 0.5),
            (-0.2, 0.1, 0.3),
            (0.0, 0.0, 0.0),
        ] {
            assert!(differs_by(from, to, threshold), "{from} {to} {threshold}");
        }
        for (from, to, threshold) in [
            (45.5231, 45.523_199, 0.0001),
            (20.0, 20.499_999_999, 0.5),
            (1e9, 1e9 + 0.4999, 0.5),
        ] {
            assert!(!differs_by(from, to, threshold), "{from} {to} {threshold}");
        }
    }

    proptest! {
        /// Against integers: decimals of up to 13 digits, all scaled alike.
        #[test]
        fn decimals_compare_as_their_integers_do(
            from in -9_999_999_999_999_i64..9_999_999_999_999,
            step in -2_000_000_i64..2_000_000,
            threshold in 0_i64..2_000_000,
            scale in 0_u32..7,
        ) {
            let decimal = |number: i64| number as f64 / 10_f64.powi(scale.cast_signed());
            let to = from + step;
            prop_assert_eq!(
                differs_by(decimal(from), decimal(to), decimal(threshold)),
                step.abs() >= threshold
            );
            prop_assert_eq!(
                exceeds(decimal(from), decimal(to), decimal(threshold)),
                step.abs() > threshold
            );
        }
    }
}
