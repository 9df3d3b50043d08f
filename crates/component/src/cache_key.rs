//! Keys for calls with arguments.

use weirhouse_core::cache;

use crate::Component;
use crate::wit::exports::weirhouse::core::cache_key::{Error, Guest, Named, Part};

impl Guest for Component {
    fn make(parts: Vec<Part>) -> Result<String, Error> {
        let parts: Vec<_> = parts.into_iter().map(cache::Part::from).collect();
        Ok(cache::cache_key(&parts)?)
    }
}

impl From<Part> for cache::Part {
    fn from(part: Part) -> Self {
        match part {
            Part::Positional(text) => Self::Positional(text),
            Part::Named(Named { name, value }) => Self::Named { name, value },
            Part::Symmetric((one, other)) => Self::Symmetric(one, other),
        }
    }
}
