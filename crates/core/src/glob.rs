//! Globs over keys and names: `*` any run, `?` one character, `[a-z]` and
//! `[!a-z]` sets, `\` takes the next character literally.
//!
//! A glob matches a whole key or not at all. No character is special as a
//! separator, and there are no alternatives. Only the latest `*` is ever
//! retried, so a match takes at most pattern length times key length steps.

use alloc::format;
use alloc::vec::Vec;

use crate::Error;
use crate::sort::sort;

/// The longest pattern in bytes: a key of full length with each byte escaped,
/// twice over. It bounds the work one key can cause.
const LONGEST_PATTERN_BYTES: usize = 4096;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// `*`
    AnyRun,
    /// `?`
    AnyOne,
    Literal(char),
    /// `[…]`: characters in one of the closed ranges, or in none of them. The
    /// ranges ascend and do not overlap, so that a long set costs little.
    Set {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Token {
    /// Whether this token, no `*`, takes exactly this character.
    fn takes(&self, character: char) -> bool {
        match self {
            Self::AnyRun => false,
            Self::AnyOne => true,
            Self::Literal(literal) => *literal == character,
            Self::Set { negated, ranges } => {
                let after = ranges.partition_point(|(first, _)| *first <= character);
                let before = ranges.get(..after).and_then(<[_]>::last);
                let listed = before.is_some_and(|(_, last)| character <= *last);
                listed != *negated
            }
        }
    }
}

/// A pattern ready to match.
#[derive(Debug, Clone)]
pub(crate) struct Glob {
    tokens: Vec<Token>,
}

impl Glob {
    /// Reads a pattern; a malformed one is refused with its position in bytes.
    pub(crate) fn parse(pattern: &str) -> Result<Self, Error> {
        if pattern.len() > LONGEST_PATTERN_BYTES {
            return Err(Error::TooLarge(format!(
                "glob pattern is {} bytes, at most {LONGEST_PATTERN_BYTES} are taken",
                pattern.len()
            )));
        }
        let mut tokens = Vec::new();
        let mut rest = Rest { pattern, at: 0 };
        while let Some((at, character)) = rest.next() {
            let token = match character {
                '*' => Token::AnyRun,
                '?' => Token::AnyOne,
                '[' => rest.set(at)?,
                '\\' => Token::Literal(rest.escaped(at)?),
                literal => Token::Literal(literal),
            };
            // Neighbouring runs mean one run.
            if token != Token::AnyRun || tokens.last() != Some(&Token::AnyRun) {
                tokens.push(token);
            }
        }
        Ok(Self { tokens })
    }

    /// Whether the whole of `key` matches.
    pub(crate) fn matches(&self, key: &str) -> bool {
        let mut token = 0;
        let mut characters = key.chars();
        // Where to resume with one more character given to the latest `*`.
        let mut retry: Option<(usize, core::str::Chars<'_>)> = None;
        loop {
            let ahead = characters.clone();
            match (self.tokens.get(token), characters.next()) {
                (Some(Token::AnyRun), _) => {
                    token += 1;
                    characters = ahead;
                    retry = Some((token, characters.clone()));
                    continue;
                }
                (Some(one), Some(character)) if one.takes(character) => {
                    token += 1;
                    continue;
                }
                (None, None) => return true,
                (_, None) => return false,
                _ => {}
            }
            match &mut retry {
                Some((after_run, from)) => {
                    from.next();
                    token = *after_run;
                    characters = from.clone();
                }
                None => return false,
            }
        }
    }
}

/// What of a pattern is still to be read.
struct Rest<'a> {
    pattern: &'a str,
    at: usize,
}

impl Rest<'_> {
    fn next(&mut self) -> Option<(usize, char)> {
        let at = self.at;
        let character = self.pattern.get(at..)?.chars().next()?;
        self.at += character.len_utf8();
        Some((at, character))
    }

    /// The character a `\` at `at` makes literal.
    fn escaped(&mut self, at: usize) -> Result<char, Error> {
        let (_, character) = self
            .next()
            .ok_or_else(|| malformed(at, "\\ has no character after it; write \\\\ for itself"))?;
        Ok(character)
    }

    /// The set opened by the `[` at `opened`.
    fn set(&mut self, opened: usize) -> Result<Token, Error> {
        let open = || malformed(opened, "[ is never closed by ]; write \\[ for itself");
        let negated = self
            .pattern
            .get(self.at..)
            .is_some_and(|rest| rest.starts_with('!'));
        if negated {
            self.at += 1;
        }
        let mut ranges = Vec::new();
        loop {
            let (at, character) = self.next().ok_or_else(open)?;
            let first = match character {
                ']' if ranges.is_empty() => {
                    return Err(malformed(
                        opened,
                        "the set is empty; write \\] for a ] in it",
                    ));
                }
                ']' => {
                    return Ok(Token::Set {
                        negated,
                        ranges: merged(ranges),
                    });
                }
                '\\' => self.escaped(at)?,
                literal => literal,
            };
            let last = self.range_end(open)?.unwrap_or(first);
            if last < first {
                return Err(malformed(at, "the range runs backwards"));
            }
            ranges.push((first, last));
        }
    }

    /// The last character of a range whose first was just read. A `-` before
    /// the closing `]` is no range but itself.
    fn range_end(&mut self, open: impl Fn() -> Error) -> Result<Option<char>, Error> {
        let rest = self.pattern.get(self.at..).unwrap_or_default();
        if !rest.starts_with('-') || rest.starts_with("-]") {
            return Ok(None);
        }
        self.at += 1;
        let (at, character) = self.next().ok_or_else(open)?;
        Ok(Some(if character == '\\' {
            self.escaped(at)?
        } else {
            character
        }))
    }
}

/// Ranges with the same characters, ascending, none of which overlap.
fn merged(mut ranges: Vec<(char, char)>) -> Vec<(char, char)> {
    sort(&mut ranges);
    ranges.dedup_by(|next, kept| {
        let overlaps = next.0 <= kept.1;
        if overlaps {
            kept.1 = kept.1.max(next.1);
        }
        overlaps
    });
    ranges
}

fn malformed(at: usize, reason: &str) -> Error {
    Error::InvalidArgument(format!("malformed glob pattern at byte {at}: {reason}"))
}

#[cfg(test)]
mod tests {
    use alloc::string::{String, ToString};

    use super::*;

    fn matches(pattern: &str, key: &str) -> bool {
        Glob::parse(pattern).expect(pattern).matches(key)
    }

    #[test]
    fn patterns_match_whole_keys() {
        for (pattern, key, expected) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("**", "anything", true),
            ("context:a:*", "context:a:", true),
            ("context:a:*", "context:a:b:c", true),
            ("context:a:*", "context:b:a:", false),
            ("*.temperature", "sensor.porch.temperature", true),
            ("*a*b", "xaxbxb", true),
            ("*a*b", "xaxbx", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("?", "ü", true),
            ("??", "ü", false),
            ("*ß?", "straße", true),
            ("[a-c]1", "b1", true),
            ("[a-c]1", "d1", false),
            ("[!a-c]1", "d1", true),
            ("[!a-c]1", "a1", false),
            ("[!a-c]1", "1", false),
            ("[a-]", "-", true),
            ("[-a]", "-", true),
            ("[a!]", "!", true),
            ("[\\]x]", "]", true),
            ("[\\a-\\c]", "b", true),
            ("[α-ω]", "λ", true),
            ("[x-za-cb-fA]", "e", true),
            ("[x-za-cb-fA]", "A", true),
            ("[x-za-cb-fA]", "g", false),
            ("[!x-za-cb-fA]", "y", false),
            ("[!x-za-cb-fA]", "g", true),
            ("\\*", "*", true),
            ("\\*", "x", false),
            ("\\\\", "\\", true),
            ("]", "]", true),
            ("a/*", "a/b/c", true),
        ] {
            assert_eq!(matches(pattern, key), expected, "{pattern} on {key}");
        }
    }

    #[test]
    fn malformed_patterns_are_refused_with_their_position() {
        for (pattern, position) in [
            ("ab[", "byte 2"),
            ("ü[a-", "byte 2"),
            ("[]", "byte 0"),
            ("x[!]", "byte 1"),
            ("[z-a]", "byte 1"),
            ("ab\\", "byte 2"),
            ("[a\\", "byte 2"),
        ] {
            let error = Glob::parse(pattern).expect_err(pattern);
            assert!(matches!(error, Error::InvalidArgument(_)), "{pattern}");
            assert!(error.to_string().contains(position), "{pattern}: {error}");
        }
    }

    #[test]
    fn a_pattern_over_its_bound_is_too_large() {
        assert!(Glob::parse(&"?".repeat(LONGEST_PATTERN_BYTES)).is_ok());
        let refused = Glob::parse(&"?".repeat(LONGEST_PATTERN_BYTES + 1));
        assert!(matches!(refused, Err(Error::TooLarge(_))));
    }

    #[test]
    fn many_runs_on_a_long_key_end_soon() {
        // Exponential backtracking would not return within the age of the universe.
        let pattern = "*a".repeat(200) + "b";
        let key: String = "a".repeat(1024);
        assert!(!matches(&pattern, &key));
    }
}
