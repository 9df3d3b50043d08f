//! Series and their numbers, carried over a restart.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use super::{Entities, MOST_SERIES, Series};
use crate::Now;
use crate::snapshot::{Section, Tag};

impl Section for Entities {
    const TAG: Tag = Tag::Series;

    /// For every handle from 0 to the highest in use the handle of the entity's
    /// state and what it stands for; `None` where it is free. Vacancies are
    /// spelled out so that a snapshot is as long as the tables it makes.
    type Content = Vec<Option<(u32, Series)>>;

    fn save(&self, _now: Now) -> Self::Content {
        let mut content = Vec::new();
        for (handle, owner, series) in self.all() {
            content.resize(handle as usize, None);
            content.push(Some((owner, series.clone())));
        }
        content
    }

    fn verify(content: &Self::Content, _entities: &Entities) -> Result<(), &'static str> {
        if content.len() > MOST_SERIES {
            return Err("a handle is out of range");
        }
        if content.last().is_some_and(Option::is_none) {
            return Err("it ends in vacancies");
        }
        let mut names = BTreeSet::new();
        let of_handle = |handle: u32| content.get(handle as usize)?.as_ref();
        for (handle, (owner, series)) in in_use(content) {
            if series.check_name().is_err() {
                return Err("a name is out of range");
            }
            if !names.insert(series) {
                return Err("a series occurs twice");
            }
            if series.attribute.is_none() {
                if *owner != handle {
                    return Err("a state belongs to another entity");
                }
                continue;
            }
            let is_theirs = of_handle(*owner).is_some_and(|(_, state)| {
                state.attribute.is_none() && state.entity == series.entity
            });
            if !is_theirs {
                return Err("an attribute belongs to no entity");
            }
        }
        Ok(())
    }

    fn load(&mut self, _now: Now, content: Self::Content) {
        self.fill(content);
    }
}

impl Entities {
    /// Puts every series of a snapshot at its number.
    pub(crate) fn fill(&mut self, content: <Self as Section>::Content) {
        for (handle, series) in (0..).zip(content) {
            if let Some((owner, series)) = series {
                self.restore(handle, owner, series);
            }
        }
    }
}

/// The series with their handles, ascending.
fn in_use(content: &[Option<(u32, Series)>]) -> impl Iterator<Item = (u32, &(u32, Series))> {
    (0..)
        .zip(content)
        .filter_map(|(handle, series)| Some((handle, series.as_ref()?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn record(owner: u32, attribute: Option<&str>) -> (u32, Series) {
        let series = Series {
            entity: "sensor.a".into(),
            attribute: attribute.map(Into::into),
        };
        (owner, series)
    }

    #[test]
    fn what_the_tables_could_not_have_written_is_refused() {
        let state = || record(0, None);
        let mut nameless = state();
        nameless.1.entity = "".into();
        let mut far = vec![None; MOST_SERIES];
        far.push(Some(record(1_000_000, None)));
        for (content, expected) in [
            (far, "out of range"),
            (vec![Some(state()), None], "vacancies"),
            (vec![Some(state()), Some(record(1, None))], "twice"),
            (vec![Some(record(1, None))], "another entity"),
            (vec![Some(record(1, Some("level")))], "no entity"),
            (
                vec![Some(state()), Some(record(1, Some("level")))],
                "no entity",
            ),
            (
                vec![Some(state()), Some(record(2, Some("level")))],
                "no entity",
            ),
            (vec![Some(nameless)], "name"),
        ] {
            let refused = Entities::verify(&content, &Entities::default()).unwrap_err();
            assert!(refused.contains(expected), "{refused}");
        }
        let sound = vec![
            None,
            Some(record(3, Some("level"))),
            None,
            Some(record(3, None)),
        ];
        assert_eq!(Entities::verify(&sound, &Entities::default()), Ok(()));
    }

    #[test]
    fn vacancies_are_written_down() {
        const NOW: Now = Now {
            mono_us: 0,
            dated_us: 0,
        };
        let content = vec![Some(record(0, None)), None, Some(record(0, Some("level")))];
        let mut entities = Entities::default();
        entities.load(NOW, content.clone());
        assert_eq!(entities.save(NOW), content);
        assert_eq!(entities.free, BTreeSet::from([1]));
    }
}
