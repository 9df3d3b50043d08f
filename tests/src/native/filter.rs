//! Which entities pass at all.

use weirhouse_core::filter as core;
use weirhouse_runner::operations::Filter;
use weirhouse_runner::wit::filter::{Mode, Rules};

use super::{Answer, Native, refused};

impl Filter for Native {
    fn filter_kept(&mut self, rules: &Rules, entities: &[String]) -> Answer<Vec<u8>> {
        let mode = match rules.mode {
            Mode::Include => core::Mode::Include,
            Mode::Exclude => core::Mode::Exclude,
        };
        let filter = core::Filter::parse(mode, &rules.patterns, &rules.exceptions);
        let filter = filter.map_err(refused)?;
        let kept = entities.iter().map(|entity| filter.keeps(entity));
        Ok(kept.map(u8::from).collect())
    }
}
