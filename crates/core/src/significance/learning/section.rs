//! Noise floors, carried over a restart.

use alloc::vec::Vec;

use super::Learning;
use crate::Now;
use crate::entities::Entities;
use crate::significance::noise::{NoiseFloor, Record};
use crate::snapshot::{Section, Tag};

impl Section for Learning {
    const TAG: Tag = Tag::NoiseFloors;

    /// Handle, and what was learned of its series.
    type Content = Vec<(u32, Record)>;

    fn save(&self, _now: Now) -> Self::Content {
        (0..)
            .zip(&self.studies)
            .filter_map(|(handle, study)| Some((handle, Record::from(&study.as_deref()?.floor))))
            .collect()
    }

    fn verify(content: &Self::Content, entities: &Entities) -> Result<(), &'static str> {
        if !content.is_sorted_by(|(one, _), (next, _)| one < next) {
            return Err("a noise floor is out of order");
        }
        for (handle, record) in content {
            if entities.name(*handle).is_err() {
                return Err("a noise floor belongs to no series");
            }
            record.verify()?;
        }
        Ok(())
    }

    fn load(&mut self, _now: Now, content: Self::Content) {
        for (handle, record) in content {
            if let Some(study) = self.study_mut(handle, true) {
                study.floor = NoiseFloor::from(record);
            }
        }
    }
}
