//! Short decimal text to numbers, as most sensors write them.
//!
//! It gives exactly what [`str::parse`] gives, or nothing: long numbers,
//! exponents and words are left to that.

/// Integers with at most this many decimal digits are floats without rounding.
const MOST_DIGITS: usize = 15;

/// The powers of ten that are floats without rounding, as far as needed.
const POWERS: [f64; MOST_DIGITS + 1] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
];

/// A number of at most fifteen digits, with or without sign and decimal point.
///
/// Digits and power of ten are exact, and a division rounds once: the quotient
/// is the float nearest to the decimal, which is what parsing means.
#[inline]
pub(crate) fn parse(text: &[u8]) -> Option<f64> {
    let (negative, unsigned) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    // One more for the point.
    if unsigned.len() > MOST_DIGITS + 1 {
        return None;
    }
    let mut digits = 0_u64;
    let mut point = None;
    for (place, &byte) in unsigned.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit < 10 {
            digits = 10 * digits + u64::from(digit);
        } else if byte == b'.' && point.is_none() {
            point = Some(place);
        } else {
            return None;
        }
    }
    let (count, power) = match point {
        None => (unsigned.len(), 1.0),
        Some(place) => {
            let fraction = unsigned.len() - place - 1;
            (unsigned.len() - 1, *POWERS.get(fraction)?)
        }
    };
    if count == 0 || count > MOST_DIGITS {
        return None;
    }
    let magnitude = digits as f64 / power;
    Some(if negative { -magnitude } else { magnitude })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use proptest::prelude::*;

    /// Whether a text is one this takes on, and is a number at all.
    fn is_short(text: &str) -> bool {
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        let plain = text.bytes().all(|byte| b"+-.0123456789".contains(&byte));
        plain && digits <= MOST_DIGITS && text.parse::<f64>().is_ok()
    }

    fn check(text: &str) {
        let expected = text.parse::<f64>().ok().filter(|_| is_short(text));
        assert_eq!(
            parse(text.as_bytes()).map(f64::to_bits),
            expected.map(f64::to_bits),
            "{text}"
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn decimals_are_parsed_to_the_last_bit(
            number in "[+-]?[0-9]{0,16}\\.?[0-9]{0,16}",
        ) {
            check(&number);
        }

        #[test]
        fn anything_else_is_left_alone(text in "[-+.0-9eEx_ a]{0,8}") {
            check(&text);
        }
    }

    #[test]
    fn edges() {
        let long: String = core::iter::repeat_n('9', 15).collect();
        for text in [
            "", "-", "+", ".", "-.", "+.5", "5.", "-0", "0.0", "1..2", "1.2.3", "--1",
        ] {
            check(text);
        }
        check(&long);
        check(&alloc::format!("{long}9"));
        check(&alloc::format!("0.{}", &long[1..]));
        check(&alloc::format!(".{long}"));
        assert_eq!(parse(b"21.5"), Some(21.5));
        assert_eq!(parse(b"1e1"), None);
    }
}
