//! Why the optimizer refuses a call.

use alloc::string::String;
use core::fmt;

/// A refused call changed nothing. Messages name the argument, what was given
/// and what is accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// An argument is outside its documented range.
    InvalidArgument(String),
    /// A handle that was never given out, or was released.
    UnknownHandle(u32),
    /// A setting that is known but not performed by this version.
    Unsupported(String),
    /// Something is larger than a documented bound.
    TooLarge(String),
    /// Bytes that are no snapshot of this optimizer.
    Incompatible(String),
    /// Some other reason.
    Other(String),
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidArgument(text)
            | Self::Unsupported(text)
            | Self::TooLarge(text)
            | Self::Incompatible(text)
            | Self::Other(text) => formatter.write_str(text),
            Self::UnknownHandle(handle) => write!(formatter, "handle {handle} is not in use"),
        }
    }
}

impl core::error::Error for Error {}
