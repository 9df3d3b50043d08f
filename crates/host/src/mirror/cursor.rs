//! Places in the order of changes, and tags of what was read.
//!
//! Both hold for one run of the program: after a restart an old cursor gets everything, and an old tag fits nothing.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::str::FromStr;

/// Up to where a reader knows the changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    pub(super) epoch: u32,
    pub(super) revision: u64,
}

impl Cursor {
    /// One from which nothing is known: no run gives revisions so high.
    pub const UNKNOWN: Self = Self {
        epoch: 0,
        revision: u64::MAX,
    };
}

/// A text that is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no cursor; take the member `cursor` of an earlier answer as it stands")]
pub struct CursorError;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}-{}", self.epoch, self.revision)
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let (epoch, revision) = text.split_once('-').ok_or(CursorError)?;
        let plain = epoch.len() == 8
            && epoch.bytes().all(|byte| byte.is_ascii_hexdigit())
            && revision.bytes().all(|byte| byte.is_ascii_digit());
        if !plain {
            return Err(CursorError);
        }
        Ok(Self {
            epoch: u32::from_str_radix(epoch, 16).map_err(|_| CursorError)?,
            revision: revision.parse().map_err(|_| CursorError)?,
        })
    }
}

/// Stands for the content of one answer: equal tags, equal content.
///
/// It is weak in HTTP's sense: two answers of one tag may differ in when Home Assistant was last heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag {
    epoch: u32,
    digest: u64,
}

impl Tag {
    /// The tag of an answer that rests on these revisions.
    pub(super) fn new(epoch: u32, rests_on: &impl Hash) -> Self {
        let mut hasher = DefaultHasher::new();
        rests_on.hash(&mut hasher);
        Self {
            epoch,
            digest: hasher.finish(),
        }
    }
}

/// A tag as HTTP's `ETag`, without a place on the heap.
pub struct TagText([u8; TagText::LENGTH]);

impl TagText {
    const LENGTH: usize = r#"W/"00112233-0011223344556677""#.len();

    /// The text.
    pub fn as_str(&self) -> &str {
        // It was made of ASCII.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl Tag {
    /// As HTTP's `ETag`.
    pub fn text(self) -> TagText {
        let mut text = *br#"W/"00112233-0011223344556677""#;
        hexadecimal(&mut text[3..11], self.epoch.into());
        hexadecimal(&mut text[12..28], self.digest);
        TagText(text)
    }
}

/// Fills `places` with the lowest digits of a number.
fn hexadecimal(places: &mut [u8], number: u64) {
    let digits = std::iter::successors(Some(number), |number| Some(number >> 4));
    for (place, number) in places.iter_mut().rev().zip(digits) {
        *place = b"0123456789abcdef"[(number & 15) as usize];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_written_with_all_its_digits() {
        let tag = Tag {
            epoch: 0x00ab_cdef,
            digest: 0x0123_4567_89ab_cdef,
        };
        assert_eq!(tag.text().as_str(), "W/\"00abcdef-0123456789abcdef\"");
    }

    #[test]
    fn a_cursor_is_read_as_written_and_nothing_else_is_one() {
        let cursor = Cursor {
            epoch: 0x00ab_cdef,
            revision: 42,
        };
        assert_eq!(cursor.to_string(), "00abcdef-42");
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for text in [
            "",
            "-",
            "42",
            "00abcdef-",
            "00abcdef--1",
            "0abcdef-4",
            "00abcdeg-1",
            "00abcdef-+4",
            "+0abcdef-4",
            "00abcdef-99999999999999999999",
        ] {
            let parsed = text.parse::<Cursor>();
            assert!(parsed.is_err(), "{text:?} {parsed:?}");
        }
    }
}
