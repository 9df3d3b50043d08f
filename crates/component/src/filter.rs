//! Which entities pass at all.

use weirhouse_core::filter::{self, Filter};

use crate::Component;
use crate::wit::exports::weirhouse::core::filter::{Error, Guest, Mode, Rules};

impl Guest for Component {
    fn kept(rules: Rules, entities: Vec<String>) -> Result<Vec<u8>, Error> {
        let mode = match rules.mode {
            Mode::Include => filter::Mode::Include,
            Mode::Exclude => filter::Mode::Exclude,
        };
        let filter = Filter::parse(mode, &rules.patterns, &rules.exceptions)?;
        let kept = entities.iter().map(|entity| filter.keeps(entity));
        Ok(kept.map(u8::from).collect())
    }
}
