//! Which entities pass at all: patterns that include or exclude, and exceptions
//! from them.
//!
//! Names alone decide; what an entity is or does plays no part. A filter that
//! was never set lets everything pass and is no filter of this module.

use alloc::format;
use alloc::vec::Vec;

use crate::Error;
use crate::glob::Glob;

/// Most patterns and exceptions of one filter, together: with the bound on a
/// pattern's length it bounds the work one name can cause.
const MOST_PATTERNS: usize = 1_000;

/// What the patterns of a filter say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Only what matches is kept.
    Include,
    /// What matches is left out.
    Exclude,
}

/// Patterns ready to match.
#[derive(Debug, Clone)]
pub struct Filter {
    mode: Mode,
    patterns: Vec<Glob>,
    exceptions: Vec<Glob>,
}

impl Filter {
    /// Reads globs over whole entity names such as `sensor.*_rssi`; at most
    /// 1,000 of both together. One that is malformed is refused.
    pub fn parse(
        mode: Mode,
        patterns: &[impl AsRef<str>],
        exceptions: &[impl AsRef<str>],
    ) -> Result<Self, Error> {
        let count = patterns.len() + exceptions.len();
        if count > MOST_PATTERNS {
            return Err(Error::TooLarge(format!(
                "a filter takes at most {MOST_PATTERNS} patterns and exceptions together, not {count}"
            )));
        }
        Ok(Self {
            mode,
            patterns: parse_all(patterns)?,
            exceptions: parse_all(exceptions)?,
        })
    }

    /// Whether an entity is kept. An exception takes what the patterns select
    /// out of their selection: of what is included it leaves out, of what is
    /// excluded it keeps. It says nothing of what no pattern selects, so that
    /// including nothing keeps nothing and excluding nothing keeps all.
    pub fn keeps(&self, entity: &str) -> bool {
        let any = |globs: &[Glob]| globs.iter().any(|glob| glob.matches(entity));
        let selected = any(&self.patterns) && !any(&self.exceptions);
        selected == (self.mode == Mode::Include)
    }
}

fn parse_all(globs: &[impl AsRef<str>]) -> Result<Vec<Glob>, Error> {
    globs
        .iter()
        .map(|glob| Glob::parse(glob.as_ref()))
        .collect()
}

#[cfg(test)]
mod tests {
    use alloc::string::String;
    use alloc::vec;

    use proptest::prelude::*;

    use super::*;

    fn keeps(mode: Mode, patterns: &[&str], exceptions: &[&str], entity: &str) -> bool {
        Filter::parse(mode, patterns, exceptions)
            .unwrap()
            .keeps(entity)
    }

    #[test]
    fn patterns_and_exceptions() {
        use Mode::{Exclude, Include};
        let noisy: &[&str] = &["sensor.*_rssi", "sensor.*_lqi"];
        let door: &[&str] = &["sensor.door_*"];
        for (mode, patterns, exceptions, entity, kept) in [
            (Include, noisy, door, "sensor.window_rssi", true),
            (Include, noisy, door, "sensor.door_rssi", false),
            (Include, noisy, door, "sensor.window", false),
            (Include, noisy, door, "sensor.door_open", false),
            (Exclude, noisy, door, "sensor.window_lqi", false),
            (Exclude, noisy, door, "sensor.door_lqi", true),
            (Exclude, noisy, door, "sensor.window", true),
            (Include, &[], door, "sensor.door_open", false),
            (Exclude, &[], door, "sensor.door_open", true),
            (Include, &["light.kitchen"], &[], "light.kitchen_2", false),
        ] {
            assert_eq!(
                keeps(mode, patterns, exceptions, entity),
                kept,
                "{mode:?} {patterns:?} but {exceptions:?}: {entity}"
            );
        }
    }

    #[test]
    fn malformed_and_too_many_patterns_are_refused() {
        let none: [&str; 0] = [];
        assert!(matches!(
            Filter::parse(Mode::Include, &["[a"], &none),
            Err(Error::InvalidArgument(_))
        ));
        assert!(matches!(
            Filter::parse(Mode::Include, &none, &["a\\"]),
            Err(Error::InvalidArgument(_))
        ));
        let half = vec!["a"; MOST_PATTERNS / 2];
        assert!(Filter::parse(Mode::Include, &half, &half).is_ok());
        assert!(matches!(
            Filter::parse(Mode::Include, &vec!["a"; MOST_PATTERNS], &["b"]),
            Err(Error::TooLarge(_))
        ));
    }

    proptest! {
        /// The two modes are each other's complement, whatever the patterns.
        #[test]
        fn what_one_mode_keeps_the_other_leaves_out(
            patterns in prop::collection::vec("[ab?*]{0,4}", 0..4),
            exceptions in prop::collection::vec("[ab?*]{0,4}", 0..4),
            entity in "[abc]{0,6}",
        ) {
            let keeps = |mode| {
                let globs: (&[String], &[String]) = (&patterns, &exceptions);
                Filter::parse(mode, globs.0, globs.1).unwrap().keeps(&entity)
            };
            prop_assert_ne!(keeps(Mode::Include), keeps(Mode::Exclude));
        }
    }
}
