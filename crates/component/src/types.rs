//! Words the other interfaces share.

use weirhouse_core::{Error, Instant};

use crate::wit::exports::weirhouse::core::types;

impl From<types::Instant> for Instant {
    fn from(instant: types::Instant) -> Self {
        Self {
            mono_us: instant.mono,
            wall_us: instant.wall,
        }
    }
}

impl From<Error> for types::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::InvalidArgument(text) => Self::InvalidArgument(text),
            Error::UnknownHandle(handle) => Self::UnknownHandle(handle),
            Error::Unsupported(text) => Self::Unsupported(text),
            Error::TooLarge(text) => Self::TooLarge(text),
            Error::Incompatible(text) => Self::Incompatible(text),
            Error::Other(text) => Self::Other(text),
        }
    }
}
