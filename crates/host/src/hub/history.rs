//! Readings over the last minutes, for pictures.

use serde::Serialize;
use utoipa::ToSchema;
use weirhouse_hass::Timestamp;
use weirhouse_runner::Fault;
use weirhouse_runner::operations::Metrics as _;
use weirhouse_runner::wit::metrics::{Key, Kind};
use weirhouse_runner::wit::types::Instant;

use super::engine::Engine;
use super::{Hub, HubError};

/// What `GET /v1/history` answers: the last minutes in equal steps.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct History {
    /// Length of a step.
    pub step_s: f64,
    /// Oldest first; the last is under way. None before the first reading.
    pub points: Vec<Point>,
}

/// One step.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Point {
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Readings judged.
    pub observed: u64,
    /// Readings published, at once or by time.
    pub published: u64,
}

/// The counters with a history, once they are known to the instance.
#[derive(Debug, Default)]
pub(super) struct Counters {
    /// Observed and published, and the generation that gave them out.
    numbers: Option<(u64, [u32; 2])>,
}

fn key(name: &str) -> Key {
    Key {
        name: name.to_owned(),
        tags: Vec::new(),
    }
}

const OBSERVED: &str = "readings observed";
const PUBLISHED: &str = "readings published";

impl Engine {
    /// Counts readings, for the history.
    pub(super) fn count(&mut self, now: Instant, observed: u64, published: u64) {
        if let Err(fault) = self.try_count(now, observed, published) {
            tracing::debug!(%fault, "some readings are missing in the history");
        }
    }

    fn try_count(&mut self, now: Instant, observed: u64, published: u64) -> Result<(), Fault> {
        let generation = self.core.generation();
        let numbers = match self.counters.numbers {
            Some((of, numbers)) if of == generation => numbers,
            _ => {
                let keys = [key(OBSERVED), key(PUBLISHED)];
                let numbers = self.core.metric_intern(Kind::Counter, &keys)?;
                let [observed, published] = numbers[..] else {
                    return Ok(());
                };
                self.counters.numbers = Some((generation, [observed, published]));
                [observed, published]
            }
        };
        self.core.metric_add(now, &numbers, &[observed, published])
    }
}

impl Hub {
    /// Readings of the last minutes.
    ///
    /// # Errors
    /// When the optimizer does not answer.
    pub fn history(&self) -> Result<History, HubError> {
        let now = self.clock.now();
        let mut engine = self.lock();
        let [observed, published] = [OBSERVED, PUBLISHED].map(|name| {
            engine.call(now, |core| {
                core.metric_history(now, Kind::Counter, &key(name))
            })
        });
        let (Some(observed), Some(published)) = (observed?, published?) else {
            return Ok(History {
                step_s: 10.0,
                points: Vec::new(),
            });
        };
        let begun = now.wall - now.mono.cast_signed() + observed.start.cast_signed();
        let sums = observed.sums.iter().zip(&published.sums);
        let points = (0..)
            .zip(sums)
            .map(|(step, (&observed_, &published))| Point {
                at: Timestamp::from_micros(begun + step * observed.interval),
                observed: observed_ as u64,
                published: published as u64,
            });
        Ok(History {
            points: points.collect(),
            step_s: observed.interval as f64 / 1e6,
        })
    }
}
