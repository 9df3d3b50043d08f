//! How long operations took, on the way to the optimizer, which counts them.

use std::sync::Arc;
use std::time::Duration;

use weirhouse_runner::Optimizer;
use weirhouse_runner::wit::metrics::{Key, Kind, Samples};
use weirhouse_runner::wit::types::Instant;

use super::engine::Engine;
use crate::request;

/// Samples after which they are told to the optimizer, which counts them.
pub(super) const SAMPLES: usize = 256;

/// How long one operation took.
#[derive(Debug)]
struct Sample {
    operation: &'static str,
    micros: f64,
    failed: bool,
    /// The id of the request it was part of.
    request: Option<Arc<str>>,
}

impl Sample {
    fn key(&self) -> Key {
        Key {
            name: self.operation.to_owned(),
            tags: Vec::new(),
        }
    }

    /// Empty for none.
    fn request_id(&self) -> String {
        self.request.as_deref().unwrap_or_default().to_owned()
    }
}

/// Durations of operations until they are told to the optimizer, which counts
/// them.
#[derive(Debug, Default)]
pub(super) struct Operations {
    samples: Vec<Sample>,
}

impl Operations {
    pub(super) fn note(&mut self, operation: &'static str, took: Duration, succeeded: bool) {
        self.samples.push(Sample {
            operation,
            micros: took.as_secs_f64() * 1e6,
            failed: !succeeded,
            request: request::current(),
        });
    }

    /// Samples that were not told yet.
    pub(super) fn len(&self) -> usize {
        self.samples.len()
    }

    pub(super) fn tell(
        &mut self,
        now: Instant,
        core: &mut dyn Optimizer,
    ) -> Result<(), weirhouse_runner::Fault> {
        let samples = std::mem::take(&mut self.samples);
        let keys: Vec<Key> = samples.iter().map(Sample::key).collect();
        let columns = Samples {
            metrics: core.metric_intern(Kind::Timer, &keys)?,
            micros: samples.iter().map(|sample| sample.micros).collect(),
            failed: samples.iter().map(|s| u8::from(s.failed)).collect(),
            requests: samples.iter().map(Sample::request_id).collect(),
        };
        let recorded = core.metric_record(now, &columns)?;
        for slow in recorded.slow {
            if let Some(sample) = samples.get(slow as usize) {
                let ms = sample.micros / 1e3;
                let request_id = sample.request.as_deref();
                tracing::warn!(
                    operation = sample.operation,
                    ms,
                    request_id,
                    "slow operation"
                );
            }
        }
        Ok(())
    }
}

impl Engine {
    /// Tells the optimizer how long things took, once there is enough to tell.
    pub(super) fn tell_operations(&mut self, now: Instant) {
        if self.operations.len() < SAMPLES {
            return;
        }
        let mut operations = std::mem::take(&mut self.operations);
        if let Err(error) = self.call(now, |core| operations.tell(now, core)) {
            tracing::warn!(%error, "some durations were not counted");
        }
    }
}
