//! The keys that were hot, carried over a restart so that the host can read
//! their values first.

use alloc::string::String;
use alloc::vec::Vec;

use super::Cache;
use super::record::check_place;
use crate::Now;
use crate::entities::Entities;
use crate::snapshot::{Section, Tag};

/// Keys remembered as hot.
const MOST: u32 = 500;

/// Namespaces and keys, most used first.
#[derive(Debug, Default)]
pub(crate) struct HotKeys(Vec<(String, String)>);

impl HotKeys {
    /// Those of a cache now.
    pub(crate) fn of(cache: &Cache) -> Self {
        let places = cache.hottest(MOST).into_iter();
        Self(places.map(|place| (place.namespace, place.key)).collect())
    }

    /// Takes them.
    pub(crate) fn take(&mut self) -> Vec<(String, String)> {
        core::mem::take(&mut self.0)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Section for HotKeys {
    const TAG: Tag = Tag::HotKeys;

    type Content = Vec<(String, String)>;

    fn save(&self, _now: Now) -> Self::Content {
        self.0.clone()
    }

    fn verify(content: &Self::Content, _entities: &Entities) -> Result<(), &'static str> {
        if content.len() > MOST as usize {
            return Err("too many keys");
        }
        let places = content.iter();
        if places
            .map(|(namespace, key)| check_place(namespace, key))
            .any(|outcome| outcome.is_err())
        {
            return Err("a key or namespace is out of range");
        }
        Ok(())
    }

    fn load(&mut self, _now: Now, content: Self::Content) {
        self.0 = content;
    }
}
