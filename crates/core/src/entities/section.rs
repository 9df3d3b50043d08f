//! Series and their numbers, carried over a restart.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use super::{Entities, MOST_SERIES, Series};
use crate::Now;
use crate::snapshot::{Section, Tag};

impl Section for Entities {
    const TAG: Tag = Tag::Series;

    /// Handle, handle of the entity's state, and what it stands for.
    type Content = Vec<(u32, u32, Series)>;

    fn save(&self, _now: Now) -> Self::Content {
        self.all()
            .map(|(handle, owner, series)| (handle, owner, series.clone()))
            .collect()
    }

    fn verify(content: &Self::Content, _entities: &Entities) -> Result<(), &'static str> {
        let mut names = BTreeSet::new();
        let mut states = BTreeSet::new();
        let mut handles = BTreeSet::new();
        for (handle, owner, series) in content {
            if series.check_name().is_err() {
                return Err("a name is out of range");
            }
            if *handle as usize >= MOST_SERIES {
                return Err("a handle is out of range");
            }
            if !handles.insert(*handle) || !names.insert(series) {
                return Err("a series occurs twice");
            }
            if series.attribute.is_none() {
                if owner != handle {
                    return Err("a state belongs to another entity");
                }
                states.insert((*handle, series.entity.as_str()));
            }
        }
        let orphan = content.iter().any(|(_, owner, series)| {
            series.attribute.is_some() && !states.contains(&(*owner, series.entity.as_str()))
        });
        if orphan {
            return Err("an attribute belongs to no entity");
        }
        Ok(())
    }

    fn load(&mut self, _now: Now, content: Self::Content) {
        for (handle, owner, series) in content {
            self.restore(handle, owner, series);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn what_the_tables_could_not_have_written_is_refused() {
        let record = |handle, owner, attribute: Option<&str>| {
            let series = Series {
                entity: "sensor.a".into(),
                attribute: attribute.map(Into::into),
            };
            (handle, owner, series)
        };
        let state = || record(0, 0, None);
        let mut nameless = state();
        nameless.2.entity.clear();
        for (content, expected) in [
            (vec![record(1_000_000, 1_000_000, None)], "out of range"),
            (vec![state(), state()], "twice"),
            (vec![record(0, 1, None)], "another entity"),
            (vec![record(0, 1, Some("level"))], "no entity"),
            (vec![state(), record(1, 1, Some("level"))], "no entity"),
            (vec![nameless], "name"),
        ] {
            let refused = Entities::verify(&content, &Entities::default()).unwrap_err();
            assert!(refused.contains(expected), "{refused}");
        }
        assert_eq!(
            Entities::verify(
                &vec![record(7, 0, Some("level")), state()],
                &Entities::default()
            ),
            Ok(())
        );
    }
}
