//! What the optimizer carries over a restart: its parts that learn, one line
//! each for writing and for reading.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::{Optimizer, attribute_preset};
use crate::cache::HotKeys;
use crate::entities::Entities;
use crate::snapshot::{Restored, Section, Sections, Writer};
use crate::{Error, Instant, Now};

impl Optimizer {
    /// Everything learned, as bytes.
    pub fn snapshot(&mut self, now: Instant) -> Vec<u8> {
        let mut writer = Writer::new(self.moment(now));
        writer.put(&self.entities);
        writer.put(&self.significance.terms);
        writer.put(&self.significance);
        writer.put(&self.significance.placements);
        writer.put(&self.significance.learning);
        writer.put(&HotKeys::of(&self.cache));
        writer.put(&self.schedule);
        writer.put(&self.cache.removals);
        writer.finish()
    }

    /// Takes a snapshot into a fresh optimizer.
    pub fn restore(&mut self, now: Instant, bytes: &[u8]) -> Result<Restored, Error> {
        if !self.entities.is_empty() {
            return Err(Error::Incompatible(format!(
                "a snapshot is restored into a fresh optimizer only; this one knows {} series",
                self.entities.all().count()
            )));
        }
        let mut plan = Plan::read(bytes)?;
        // Before the baselines, whose timers follow from their ages.
        plan.part(|optimizer| &mut optimizer.significance.terms)?;
        plan.part(|optimizer| &mut optimizer.significance)?;
        plan.part(|optimizer| &mut optimizer.significance.placements)?;
        plan.part(|optimizer| &mut optimizer.significance.learning)?;
        plan.part(|optimizer| &mut optimizer.hot)?;
        plan.part(|optimizer| &mut optimizer.schedule)?;
        plan.part(|optimizer| &mut optimizer.cache.removals)?;
        plan.carry_out(self, now)
    }

    /// Takes the hot keys a restore brought, most used first.
    pub fn take_hot(&mut self) -> Vec<(String, String)> {
        self.hot.take()
    }
}

/// A restore that was checked and has changed nothing yet.
struct Plan {
    sections: Sections,
    entities: Entities,
    steps: Vec<Step>,
}

type Step = Box<dyn FnOnce(&mut Optimizer, Now)>;

impl Plan {
    /// Reads the series, to which all other sections refer.
    fn read(bytes: &[u8]) -> Result<Self, Error> {
        let sections = Sections::divide(bytes)?;
        let mut entities = Entities::default();
        if let Some(series) = sections.read::<Entities>(&entities)? {
            entities.fill(series);
        }
        Ok(Self {
            sections,
            entities,
            steps: Vec::new(),
        })
    }

    /// Reads the section of one part, if there is one, to be loaded later.
    fn part<Part: Section + 'static>(
        &mut self,
        place: fn(&mut Optimizer) -> &mut Part,
    ) -> Result<(), Error> {
        if let Some(content) = self.sections.read::<Part>(&self.entities)? {
            self.steps.push(Box::new(move |optimizer, now| {
                place(optimizer).load(now, content);
            }));
        }
        Ok(())
    }

    /// Loads what was read. Presets by name are found anew, for they are
    /// settings.
    fn carry_out(self, optimizer: &mut Optimizer, now: Instant) -> Result<Restored, Error> {
        let series = self.entities.all();
        let presets = series
            .map(|(handle, _, series)| Ok((handle, attribute_preset(series)?)))
            .collect::<Result<Vec<_>, Error>>()?;
        let version = self.sections.version();
        // From here on nothing is refused.
        let now = optimizer.moment(now);
        optimizer.entities = self.entities;
        for (handle, preset) in presets {
            optimizer.significance.adopt(handle);
            optimizer.significance.set_preset(handle, preset);
        }
        for step in self.steps {
            step(optimizer, now);
        }
        Ok(Restored {
            version,
            series: optimizer.entities.all().count() as u32,
            hot: optimizer.hot.len() as u32,
        })
    }
}

#[cfg(test)]
mod tests;
