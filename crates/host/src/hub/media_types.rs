//! Numbers for media types: what the optimizer is told in place of their names.
//!
//! A number holds for the life of the process, whatever becomes of the instance
//! of the optimizer, and is written nowhere.

use std::collections::HashMap;
use std::sync::Arc;

use weirhouse_runner::wit::types::Error as Refusal;

/// Most media types at once. Names come from outside: this and their length
/// bound what they can take to about a megabyte.
const MOST: usize = 4096;

/// Longest name in bytes.
const LONGEST_BYTES: usize = 255;

/// The media types that were met.
#[derive(Debug, Default)]
pub(super) struct MediaTypes {
    names: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u32>,
}

impl MediaTypes {
    /// The number of a media type, a new one if it was not met before.
    pub(super) fn number(&mut self, name: &str) -> Result<u32, Refusal> {
        if let Some(number) = self.numbers.get(name) {
            return Ok(*number);
        }
        if name.len() > LONGEST_BYTES {
            return Err(Refusal::TooLarge(format!(
                "content-type is {} bytes, at most {LONGEST_BYTES} are taken",
                name.len()
            )));
        }
        if self.names.len() >= MOST {
            return Err(Refusal::TooLarge(format!(
                "{MOST} different content types are in use, no further one is taken until a restart"
            )));
        }
        let number = self.names.len() as u32;
        let name: Arc<str> = name.into();
        self.names.push(Arc::clone(&name));
        self.numbers.insert(name, number);
        Ok(number)
    }

    /// The name of a number that was given.
    pub(super) fn name(&self, number: u32) -> &str {
        self.names.get(number as usize).map_or("", |name| name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_number() {
        let mut types = MediaTypes::default();
        let json = types.number("application/json").unwrap();
        let text = types.number("text/plain").unwrap();
        assert_ne!(json, text);
        assert_eq!(types.number("application/json"), Ok(json));
        assert_eq!(
            (types.name(json), types.name(text)),
            ("application/json", "text/plain")
        );
    }

    #[test]
    fn names_outside_the_bounds_are_refused_and_the_others_stay() {
        let mut types = MediaTypes::default();
        assert!(types.number(&"x".repeat(255)).is_ok());
        assert!(types.number(&"x".repeat(256)).is_err());
        for number in 1..MOST {
            assert_eq!(types.number(&format!("n/{number}")), Ok(number as u32));
        }
        assert!(types.number("one/more").is_err());
        assert_eq!(types.number("n/1"), Ok(1));
    }
}
