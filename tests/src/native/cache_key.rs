//! Keys for calls with arguments.

use weirhouse_core::cache;
use weirhouse_runner::operations::CacheKey;
use weirhouse_runner::wit::cache_key::{Named, Part};

use super::{Answer, Native, refused};

impl CacheKey for Native {
    fn cache_key(&mut self, parts: &[Part]) -> Answer<String> {
        let parts: Vec<_> = parts.iter().cloned().map(part).collect();
        cache::cache_key(&parts).map_err(refused)
    }
}

fn part(part: Part) -> cache::Part {
    match part {
        Part::Positional(text) => cache::Part::Positional(text),
        Part::Named(Named { name, value }) => cache::Part::Named { name, value },
        Part::Symmetric((one, other)) => cache::Part::Symmetric(one, other),
    }
}
