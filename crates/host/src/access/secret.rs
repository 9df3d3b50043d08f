//! Tokens as text, and what is kept of them.
//!
//! A token is `weirhouse_ID_SECRET`: a public id to find it by, and 256 random
//! bits. Of those a plain SHA-256 is kept. A slow hash would add nothing, for
//! it only makes guessing expensive where secrets are short or chosen by
//! people, and it would make every request expensive, too.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// Begins every token, so that scanners recognise one that leaked.
const PREFIX: &str = "weirhouse_";
const ID_BYTES: usize = 4;
const SECRET_BYTES: usize = 32;

/// A new token. Formatting it for debugging shows nothing.
pub struct Secret {
    id: String,
    text: String,
}

impl Secret {
    /// Draws a token.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let (mut id, mut secret) = ([0; ID_BYTES], [0; SECRET_BYTES]);
        getrandom::fill(&mut id)?;
        getrandom::fill(&mut secret)?;
        let id = hex(&id);
        Ok(Self {
            text: format!("{PREFIX}{id}_{}", hex(&secret)),
            id,
        })
    }

    /// The public id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The token, to be shown once.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// What is kept of it.
    pub(super) fn digest(&self) -> Digest {
        Digest::of(&self.text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({}…)", self.id)
    }
}

/// The id in a token's text; `None` for what is no such token.
pub(super) fn id_of(text: &str) -> Option<&str> {
    text.strip_prefix(PREFIX)?.split_once('_').map(|(id, _)| id)
}

/// The SHA-256 of a token.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Digest([u8; 32]);

impl Digest {
    /// Of this text.
    pub(super) fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }

    /// Compares in a time that does not depend on where they differ.
    pub(super) fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(…)")
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        unhex(&text)
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("`sha256` must be 64 hexadecimal digits"))
    }
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .filter_map(|nibble| char::from_digit(nibble.into(), 16))
        .collect()
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else {
        return None;
    };
    let bytes: Option<Vec<u8>> = pairs
        .iter()
        .map(|&[high, low]| {
            let digit = |byte| char::from(byte).to_digit(16);
            Some((digit(high)? << 4 | digit(low)?) as u8)
        })
        .collect();
    bytes?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_and_carry_their_id() {
        let (one, other) = (Secret::generate().unwrap(), Secret::generate().unwrap());
        assert_ne!(one.expose(), other.expose());
        assert_eq!(id_of(one.expose()), Some(one.id()));
        assert_eq!(one.expose().len(), PREFIX.len() + 8 + 1 + 64);
        assert!(!format!("{one:?}").contains(one.expose()));
        assert_eq!(id_of("0123456789abcdef0123456789abcdef"), None);
    }

    #[test]
    fn digests_are_those_of_the_standard_and_come_back() {
        let digest = Digest::of("abc");
        let text = digest.to_string();
        assert_eq!(
            text,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        let json = serde_json::to_string(&digest).unwrap();
        let back: Digest = serde_json::from_str(&json).unwrap();
        assert!(back.matches(&digest) && !back.matches(&Digest::of("abd")));
        for bad in [
            "",
            "00",
            "zz",
            &text[1..],
            &format!("{text}00"),
            &text.replace('b', "ä"),
        ] {
            assert_eq!(unhex(bad), None, "{bad}");
        }
    }
}
