//! A value and the place it is written under, in one buffer: so they come in, and
//! so they are kept, with one allocation for each entry.

use alloc::format;
use alloc::vec::Vec;
use core::str;

use crate::Error;

/// The value, its namespace and its key, one behind the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    bytes: Vec<u8>,
    /// Where the namespace begins.
    value_len: usize,
    /// Where the key begins.
    key_at: usize,
}

impl Joined {
    /// Puts a place behind a value.
    pub(super) fn new(namespace: &str, key: &str, value: Vec<u8>) -> Self {
        let mut bytes = value;
        let value_len = bytes.len();
        let key_at = value_len + namespace.len();
        bytes.reserve_exact(namespace.len() + key.len());
        bytes.extend_from_slice(namespace.as_bytes());
        bytes.extend_from_slice(key.as_bytes());
        Self {
            bytes,
            value_len,
            key_at,
        }
    }

    /// What is joined already, by the lengths of namespace and key in bytes.
    #[inline]
    pub fn split(bytes: Vec<u8>, namespace_len: u32, key_len: u32) -> Result<Self, Error> {
        let key_at = bytes.len().checked_sub(key_len as usize);
        let value_len = key_at.and_then(|key_at| key_at.checked_sub(namespace_len as usize));
        match (value_len, key_at) {
            (Some(value_len), Some(key_at)) => Ok(Self {
                bytes,
                value_len,
                key_at,
            }),
            _ => Err(too_short(bytes.len(), namespace_len, key_len)),
        }
    }

    /// Namespace and key. Whoever made it has seen to it that they are texts,
    /// or learns here that they are not.
    #[inline]
    pub(super) fn place(&self) -> Result<(&str, &str), Error> {
        let place = self.bytes.get(self.value_len..).unwrap_or_default();
        str::from_utf8(place)
            .ok()
            .and_then(|place| place.split_at_checked(self.key_at - self.value_len))
            .ok_or_else(no_text)
    }

    pub(super) fn value(&self) -> &[u8] {
        self.bytes.get(..self.value_len).unwrap_or_default()
    }

    #[inline]
    pub(super) fn key_bytes(&self) -> &[u8] {
        self.bytes.get(self.key_at..).unwrap_or_default()
    }

    /// The key of what was written, which is a text.
    pub(super) fn key(&self) -> &str {
        str::from_utf8(self.key_bytes()).unwrap_or_default()
    }

    /// Bytes of key and value.
    pub(super) fn len(&self) -> u64 {
        (self.value_len + self.bytes.len() - self.key_at) as u64
    }
}

#[cold]
fn too_short(bytes: usize, namespace_len: u32, key_len: u32) -> Error {
    Error::InvalidArgument(format!(
        "namespace-length is {namespace_len} and key-length {key_len}; together they must be at \
         most the {bytes} bytes of joined"
    ))
}

#[cold]
fn no_text() -> Error {
    Error::InvalidArgument("namespace or key is no UTF-8; give texts, or other lengths".into())
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn what_is_joined_is_what_was_split() {
        let joined = Joined::new("ns", "schlüssel", vec![0xff, 1]);
        assert_eq!(joined.value(), [0xff, 1]);
        assert_eq!(joined.place(), Ok(("ns", "schlüssel")));
        assert_eq!(joined.key(), "schlüssel");
        assert_eq!(joined.len(), 12);
        assert_eq!(Joined::split(joined.bytes.clone(), 2, 10), Ok(joined));
    }

    #[test]
    fn lengths_that_are_wrong_are_refused() {
        let bytes = "éns".as_bytes().to_vec();
        for (namespace_len, key_len) in [(3, 2), (2, 3), (0, 5), (5, 0), (u32::MAX, u32::MAX)] {
            let split = Joined::split(bytes.clone(), namespace_len, key_len);
            assert!(matches!(split, Err(Error::InvalidArgument(_))));
        }
        let within_a_character = Joined::split(bytes.clone(), 1, 2).unwrap();
        assert!(matches!(
            within_a_character.place(),
            Err(Error::InvalidArgument(_))
        ));
        let whole = Joined::split(bytes, 2, 2).unwrap();
        assert_eq!(whole.place(), Ok(("é", "ns")));
    }
}
