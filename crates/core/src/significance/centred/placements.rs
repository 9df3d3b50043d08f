//! What centred rules learned, by series, and carried over a restart.

use alloc::vec::Vec;

use hashbrown::HashMap;

use super::Placement;
use crate::Now;
use crate::entities::Entities;
use crate::reading::Reading;
use crate::snapshot::{Section, Tag};
use crate::sort::sort_by;

/// The series that a centred rule has judged. One whose rule was changed stays,
/// in case the rule is changed back.
#[derive(Debug, Default)]
pub(crate) struct Placements(HashMap<u32, Placement, foldhash::fast::FixedState>);

impl Placements {
    /// Learns from a number of a series; from its baseline, too, if nothing was
    /// learned so far.
    pub(in crate::significance) fn observe(
        &mut self,
        handle: u32,
        baseline: Reading,
        number: f64,
        tolerance: f64,
    ) -> &mut Placement {
        let placement = self.0.entry(handle).or_insert_with(|| {
            Placement::new(match baseline {
                Reading::Number(published) => published,
                _ => number,
            })
        });
        placement.observe(number, tolerance);
        placement
    }

    /// Forgets a series.
    pub(in crate::significance) fn forget(&mut self, handle: u32) {
        self.0.remove(&handle);
    }
}

impl Section for Placements {
    const TAG: Tag = Tag::Placements;

    /// Ascending by handle.
    type Content = Vec<(u32, Placement)>;

    fn save(&self, _now: Now) -> Self::Content {
        let mut content: Vec<_> = self
            .0
            .iter()
            .map(|(&handle, &placement)| (handle, placement))
            .collect();
        sort_by(&mut content, |(one, _), (other, _)| one.cmp(other));
        content
    }

    fn verify(content: &Self::Content, entities: &Entities) -> Result<(), &'static str> {
        for (handle, placement) in content {
            if entities.name(*handle).is_err() {
                return Err("a placement belongs to no series");
            }
            if !placement.is_well_formed() {
                return Err("a placement is out of range");
            }
        }
        if !content.is_sorted_by(|(one, _), (next, _)| one < next) {
            return Err("a placement is out of order");
        }
        Ok(())
    }

    fn load(&mut self, _now: Now, content: Self::Content) {
        self.0.extend(content);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entities::Series;
    use crate::time::Timeline;
    use crate::{Instant, snapshot::Tag};
    use alloc::vec;

    fn entities() -> Entities {
        let mut entities = Entities::default();
        for entity in ["sensor.a", "sensor.b"] {
            entities.intern(&Series {
                entity: entity.into(),
                attribute: None,
            });
        }
        entities
    }

    #[test]
    fn what_was_learned_is_saved_in_order_and_loaded() {
        let now = Timeline::default().advance(Instant {
            mono_us: 0,
            wall_us: 0,
        });
        let mut placements = Placements::default();
        for (handle, number) in [(1, 20.0), (0, 5.0), (1, 22.0), (1, 24.0), (0, 7.5)] {
            placements.observe(handle, Reading::Unknown, number, 1.0);
        }
        let content = placements.save(now);
        assert_eq!(content.len(), 2);
        assert_eq!(Placements::verify(&content, &entities()), Ok(()));
        let mut loaded = Placements::default();
        loaded.load(now, content.clone());
        assert_eq!(loaded.save(now), content);
        placements.forget(0);
        assert_eq!(placements.save(now).len(), 1);
        assert_eq!(Placements::TAG, Tag::Placements);
    }

    #[test]
    fn what_could_not_have_been_learned_is_refused() {
        let sound = Placement::new(1.0);
        let infinite = Placement {
            follower: f64::INFINITY,
            ..sound
        };
        let leaderless = Placement {
            followed: 7,
            ..sound
        };
        let overfull = Placement {
            exits: [1_024; 7],
            ..sound
        };
        for (content, expected) in [
            (vec![(2, sound)], "no series"),
            (vec![(0, infinite)], "range"),
            (vec![(0, leaderless)], "range"),
            (vec![(0, overfull)], "range"),
            (vec![(0, sound), (0, sound)], "order"),
        ] {
            let refused = Placements::verify(&content, &entities()).unwrap_err();
            assert!(refused.contains(expected), "{refused}");
        }
    }
}
