//! Baselines and newest readings, carried over a restart.

use alloc::vec::Vec;

use super::Significance;
use crate::Now;
use crate::entities::Entities;
use crate::reading::Reading;
use crate::snapshot::{Section, Tag};

impl Section for Significance {
    const TAG: Tag = Tag::Baselines;

    /// Handle; baseline, newest reading, its time, and whether it waits unsent,
    /// which follows from the two and is not read.
    type Content = Vec<(u32, (Reading, Reading, i64, bool))>;

    fn save(&self, _now: Now) -> Self::Content {
        self.histories()
            .map(|(handle, history)| {
                let record = (
                    history.published,
                    history.latest,
                    history.newest_time,
                    history.unsent(),
                );
                (handle, record)
            })
            .collect()
    }

    fn verify(content: &Self::Content, entities: &Entities) -> Result<(), &'static str> {
        for (handle, (published, latest, ..)) in content {
            if entities.name(*handle).is_err() {
                return Err("a baseline belongs to no series");
            }
            if !(published.is_well_formed() && latest.is_well_formed()) {
                return Err("a number is not finite");
            }
        }
        if !content.is_sorted_by(|(one, _), (next, _)| one < next) {
            return Err("a baseline is out of order");
        }
        Ok(())
    }

    fn load(&mut self, now: Now, content: Self::Content) {
        for (handle, (published, latest, newest_time, _)) in content {
            self.restore(now.mono_us, handle, published, latest, newest_time);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entities::Series;
    use alloc::vec;

    #[test]
    fn what_the_tables_could_not_have_written_is_refused() {
        let mut entities = Entities::default();
        let series = |entity: &str| Series {
            entity: entity.into(),
            attribute: None,
        };
        entities.intern(&series("sensor.a"));
        entities.intern(&series("sensor.b"));
        let one = Reading::Number(1.0);
        let infinite = Reading::Number(f64::INFINITY);
        let record = |handle, published, latest| (handle, (published, latest, 0, false));
        for (content, expected) in [
            (vec![record(2, one, one)], "no series"),
            (vec![record(0, infinite, one)], "finite"),
            (vec![record(0, one, infinite)], "finite"),
            (vec![record(0, one, one), record(0, one, one)], "order"),
        ] {
            let refused = Significance::verify(&content, &entities).unwrap_err();
            assert!(refused.contains(expected), "{refused}");
        }
        let sound = vec![record(0, one, one), record(1, one, one)];
        assert_eq!(Significance::verify(&sound, &entities), Ok(()));
    }
}
