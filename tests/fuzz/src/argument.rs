//! Arguments that mostly hit, and now and then are nonsense.
//!
//! A free choice among all integers would name an unknown handle each time; so
//! each kind draws from a small range first, and from everything seldom.

use arbitrary::{Arbitrary, Result, Unstructured};

/// The number of a series, sink, gate, queue, breaker or metric.
#[derive(Debug, Clone, Copy)]
pub struct Handle(pub u32);

impl<'a> Arbitrary<'a> for Handle {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(Self(match u8::arbitrary(u)? {
            small @ 0..=239 => u32::from(small % 12),
            240..=247 => u32::MAX,
            _ => u32::arbitrary(u)?,
        }))
    }
}

/// Several handles, as the columns of a call want them.
pub fn handles(list: &[Handle]) -> Vec<u32> {
    list.iter().map(|handle| handle.0).collect()
}

/// A length of time in microseconds.
#[derive(Debug, Clone, Copy)]
pub struct Length(pub i64);

impl<'a> Arbitrary<'a> for Length {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        const SECOND: i64 = 1_000_000;
        Ok(Self(match u8::arbitrary(u)? {
            seconds @ 1..=99 => i64::from(seconds) * SECOND,
            minutes @ 100..=179 => i64::from(minutes - 99) * 60 * SECOND,
            hours @ 180..=229 => i64::from(hours - 179) * 3600 * SECOND,
            0 => 0,
            230 => -1,
            231 => i64::MIN,
            232 => i64::MAX,
            233 => 10 * 366 * 24 * 3600 * SECOND,
            234..=244 => i64::from(u16::arbitrary(u)?),
            _ => i64::arbitrary(u)?,
        }))
    }
}

/// A count: entries, capacities, bounds.
#[derive(Debug, Clone, Copy)]
pub struct Count(pub u32);

impl<'a> Arbitrary<'a> for Count {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(Self(match u8::arbitrary(u)? {
            small @ 0..=99 => u32::from(small % 10),
            middle @ 100..=249 => u32::from(middle),
            250 | 251 => u32::MAX,
            _ => u32::arbitrary(u)?,
        }))
    }
}

/// A number as readings and thresholds have it.
#[derive(Debug, Clone, Copy)]
pub struct Number(pub f64);

impl<'a> Arbitrary<'a> for Number {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(Self(match u8::arbitrary(u)? {
            tenths @ 0..=199 => (f64::from(tenths) - 50.0) / 10.0,
            200 => f64::NAN,
            201 => f64::INFINITY,
            202 => f64::NEG_INFINITY,
            203 => f64::MAX,
            204 => f64::MIN_POSITIVE,
            205 => -0.0,
            206..=229 => f64::from(i16::arbitrary(u)?),
            _ => f64::arbitrary(u)?,
        }))
    }
}

/// A short name out of few, so that names meet again.
#[derive(Debug, Clone)]
pub struct Name(pub String);

impl<'a> Arbitrary<'a> for Name {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        const NAMES: [&str; 14] = [
            "",
            "a",
            "b",
            "c",
            "weather",
            "temperature",
            "battery_level",
            "*",
            "a*",
            "[ab]",
            "[",
            "?",
            "pet.walk",
            "ä",
        ];
        Ok(Self(match u8::arbitrary(u)? {
            known @ 0..=223 => NAMES[usize::from(known) % NAMES.len()].to_owned(),
            224..=231 => "x".repeat(usize::from(u16::arbitrary(u)? % 2000)),
            _ => String::arbitrary(u)?,
        }))
    }
}

/// Several names.
pub fn names(list: &[Name]) -> Vec<String> {
    list.iter().map(|name| name.0.clone()).collect()
}

/// A value as Home Assistant writes it.
#[derive(Debug, Clone)]
pub struct Text(pub String);

impl<'a> Arbitrary<'a> for Text {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(Self(match u8::arbitrary(u)? {
            0..=119 => Number::arbitrary(u)?.0.to_string(),
            120..=139 => "unavailable".to_owned(),
            140..=149 => "unknown".to_owned(),
            150..=169 => "on".to_owned(),
            170..=189 => "off".to_owned(),
            190..=199 => i64::arbitrary(u)?.to_string(),
            _ => String::arbitrary(u)?,
        }))
    }
}

/// What the clocks do before an operation.
#[derive(Debug, Clone, Copy, Arbitrary)]
pub enum Passing {
    /// Nothing.
    Nothing,
    /// Less than a second, in microseconds.
    Short(u16),
    /// Seconds.
    Seconds(u8),
    /// Hours.
    Hours(u8),
    /// The monotonic clock jumps to this.
    Jump(u64),
    /// The wall clock jumps to this.
    WallJump(i64),
    /// Back by so many seconds, both.
    Back(u8),
}
