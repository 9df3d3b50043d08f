//! How old baselines are, carried over a restart: a heartbeat that is due once a
//! day comes though its host is started anew every night.

use alloc::vec::Vec;

use super::terms::{NEVER_PUBLISHED_US, TermsTable};
use crate::Now;
use crate::entities::Entities;
use crate::snapshot::{Section, Tag};

impl Section for TermsTable {
    const TAG: Tag = Tag::Ages;

    /// Handle, and how long ago the baseline was published, in microseconds.
    type Content = Vec<(u32, u64)>;

    fn save(&self, now: Now) -> Self::Content {
        let now_us = now.mono_us.cast_signed();
        (0..)
            .zip(&self.0)
            .filter(|(_, terms)| terms.published_us != NEVER_PUBLISHED_US)
            .map(|(handle, terms)| {
                let age_us = now_us.saturating_sub(terms.published_us);
                (handle, age_us.max(0).unsigned_abs())
            })
            .collect()
    }

    fn verify(content: &Self::Content, entities: &Entities) -> Result<(), &'static str> {
        if content
            .iter()
            .any(|(handle, _)| entities.name(*handle).is_err())
        {
            return Err("an age belongs to no series");
        }
        if !content.is_sorted_by(|(one, _), (next, _)| one < next) {
            return Err("an age is out of order");
        }
        Ok(())
    }

    fn load(&mut self, now: Now, content: Self::Content) {
        let now_us = now.mono_us.cast_signed();
        for (handle, age_us) in content {
            if let Some(terms) = self.0.get_mut(handle as usize) {
                terms.published_us = now_us
                    .checked_sub_unsigned(age_us)
                    .unwrap_or(NEVER_PUBLISHED_US);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entities::Series;
    use alloc::vec;

    #[test]
    fn what_the_table_could_not_have_written_is_refused() {
        let mut entities = Entities::default();
        for entity in ["sensor.a", "sensor.b"] {
            entities.intern(&Series {
                entity: entity.into(),
                attribute: None,
            });
        }
        for (content, expected) in [
            (vec![(2, 0)], "no series"),
            (vec![(1, 0), (0, 0)], "order"),
            (vec![(0, 0), (0, 0)], "order"),
        ] {
            let refused = TermsTable::verify(&content, &entities).unwrap_err();
            assert!(refused.contains(expected), "{refused}");
        }
        let sound = vec![(0, u64::MAX), (1, 0)];
        assert_eq!(TermsTable::verify(&sound, &entities), Ok(()));
    }
}
