//! What a power meter means, without its noise.
//!
//! Each meter is followed by a Kalman filter of one dimension: an estimate of
//! the load, and how sure it is. A reading that fits the estimate is noise; one
//! that does not is a load that was switched.

mod filter;
mod memory;

use std::collections::HashMap;

use weirhouse_plugin::{
    Capability, Claim, Decision, Description, Function, Observation, Plugin, entities, settings,
};

use filter::{Filter, Fit, SURPRISE};

/// One filter for each meter.
#[derive(Debug, Default)]
pub struct KalmanPower {
    /// By the host's number for the entity: the fastest name there is.
    filters: HashMap<u32, Filter>,
    /// What an earlier instance learned, by entity id, until the entity is met.
    remembered: HashMap<String, Filter>,
    /// Watts that a load wanders between two readings.
    wander: Option<f64>,
}

impl Plugin for KalmanPower {
    fn describe() -> Description {
        Description::new(
            "kalman-power",
            "0.1.0",
            "Passes on loads, not the noise of their meter",
        )
        .by("Weirhouse", "Apache-2.0")
        .claim(Claim::device_class("power"))
        .number(
            "wander",
            "Watts that a load wanders between two readings",
            1.0,
        )
        .needs(Capability::Settings)
        .needs(Capability::Entities)
        .decides(Function::Judge)
        .decides(Function::State)
    }

    fn judge(&mut self, _now: u64, batch: &[Observation]) -> Result<Vec<Decision>, String> {
        Ok(batch.iter().map(|seen| self.decide(seen)).collect())
    }

    fn snapshot(&self) -> Vec<u8> {
        // Numbers of entities mean nothing to the next instance, so their ids
        // are asked for here, once, and not with every reading.
        let known = self
            .filters
            .iter()
            .filter_map(|(entity, filter)| Some((entities::describe(*entity)?.id, *filter)));
        memory::write(known.chain(self.remembered.clone()))
    }

    fn restore(&mut self, snapshot: &[u8]) -> Result<(), String> {
        self.remembered = memory::read(snapshot)?;
        Ok(())
    }
}

impl KalmanPower {
    fn decide(&mut self, seen: &Observation) -> Decision {
        let (Some(reading), Some(published)) = (seen.number(), seen.published_number()) else {
            return Decision::abstain();
        };
        let wander = *self
            .wander
            .get_or_insert_with(|| settings::number("wander").unwrap_or(1.0));
        let filter = match self.filters.entry(seen.entity) {
            std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::hash_map::Entry::Vacant(place) => {
                let id = entities::describe(seen.entity).map(|it| it.id);
                let learned = id.and_then(|id| self.remembered.remove(&id));
                place.insert(learned.unwrap_or_else(|| Filter::at(published)))
            }
        };
        if filter.update(reading, wander) == Fit::Switched {
            return Decision::publish("switched");
        }
        let drifted = (filter.estimate() - published).abs() > SURPRISE * filter.deviation();
        match seen.tolerance {
            _ if !drifted => Decision::suppress("noise"),
            // The middle of the noise, as far as the user's rule lets it stray
            // from the reading.
            Some(tolerance) => {
                let estimate = (filter.estimate() * 10.0).round() / 10.0;
                Decision::replace(
                    estimate.clamp(reading - tolerance, reading + tolerance),
                    "drifted",
                )
            }
            None => Decision::publish("drifted"),
        }
    }
}

weirhouse_plugin::export!(KalmanPower);
