//! What a power meter means, without its noise.
//!
//! Each meter is followed by a Kalman filter of one dimension: an estimate of
//! the load, and how sure it is. A reading that fits the estimate is noise; one
//! that does not is a load that was switched.

mod filter;
mod memory;

use std::collections::HashMap;

use weirhouse_plugin::numbers::{Numbers, Ruling, Seen};
use weirhouse_plugin::{Capability, Claim, Description, Function, Plugin, entities, settings};

use filter::{Filter, Fit, SURPRISE};

// Places in `reasons`.
const NOISE: u8 = 0;
const DRIFTED: u8 = 1;
const SWITCHED: u8 = 2;

/// One filter for each meter.
#[derive(Debug, Default)]
pub struct KalmanPower {
    /// By the host's number for the entity. Numbers count from 0, so that a
    /// list is the fastest map there is.
    filters: Vec<Option<Filter>>,
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
        .decides(Function::JudgeNumbers)
        .decides(Function::State)
    }

    fn reasons() -> &'static [&'static str] {
        &["noise", "drifted", "switched"]
    }

    fn judge_numbers(&mut self, _now: u64, batch: &Numbers) -> Result<Vec<Ruling>, String> {
        Ok(batch.iter().map(|seen| self.rule(seen)).collect())
    }

    fn snapshot(&self) -> Vec<u8> {
        // Numbers of entities mean nothing to the next instance, so their ids
        // are asked for here, once, and not with every reading.
        let known = (0..).zip(&self.filters);
        let known =
            known.filter_map(|(entity, filter)| Some((entities::describe(entity)?.id, (*filter)?)));
        memory::write(known.chain(self.remembered.clone()))
    }

    fn restore(&mut self, snapshot: &[u8]) -> Result<(), String> {
        self.remembered = memory::read(snapshot)?;
        Ok(())
    }
}

impl KalmanPower {
    fn rule(&mut self, seen: Seen) -> Ruling {
        let wander = *self
            .wander
            .get_or_insert_with(|| settings::number("wander").unwrap_or(1.0));
        let filter = self.filter(seen.entity, seen.published);
        if filter.update(seen.value, wander) == Fit::Switched {
            return Ruling::publish(SWITCHED);
        }
        let drifted = (filter.estimate() - seen.published).abs() > SURPRISE * filter.deviation();
        match seen.tolerance {
            _ if !drifted => Ruling::suppress(NOISE),
            // The middle of the noise, as far as the user's rule lets it stray
            // from the reading.
            Some(tolerance) => {
                let estimate = (filter.estimate() * 10.0).round() / 10.0;
                Ruling::replace(
                    estimate.clamp(seen.value - tolerance, seen.value + tolerance),
                    DRIFTED,
                )
            }
            None => Ruling::publish(DRIFTED),
        }
    }

    /// The filter of a meter. One that is new begins with what an earlier
    /// instance learned, or with what was published last.
    fn filter(&mut self, entity: u32, published: f64) -> &mut Filter {
        let place = entity as usize;
        if self.filters.len() <= place {
            self.filters.resize(place + 1, None);
        }
        let remembered = &mut self.remembered;
        self.filters[place].get_or_insert_with(|| {
            let id = entities::describe(entity).map(|it| it.id);
            let learned = id.and_then(|id| remembered.remove(&id));
            learned.unwrap_or_else(|| Filter::at(published))
        })
    }
}

weirhouse_plugin::export!(KalmanPower);
