//! Updates in batches, and what became of them at their sinks.

use alloc::vec::Vec;

use super::Optimizer;
use crate::Error;
use crate::batch::{BatchTotals, Batching};
use crate::delivery::Failure;
use crate::time::{self, Instant};

impl Optimizer {
    /// Changes how updates are grouped.
    pub fn set_batching(&mut self, settings: Batching) -> Result<(), Error> {
        self.batcher.configure(settings)
    }

    /// Puts entities into the batcher.
    pub fn mark_dirty(&mut self, now: Instant, entities: &[u32]) -> Result<(), Error> {
        for &entity in entities {
            self.entities.check_state(entity)?;
        }
        let now_us = self.moment(now).mono_us;
        for &entity in entities {
            self.batcher.mark(now_us, entity);
        }
        Ok(())
    }

    /// Takes entities out of the batcher; counts those that were in it.
    pub fn drop_pending(&mut self, entities: &[u32]) -> Result<u32, Error> {
        for &entity in entities {
            self.entities.check_state(entity)?;
        }
        Ok(self.batcher.remove(entities))
    }

    /// Takes the next batch that is due, which every sink is owed from then on;
    /// empty when none is.
    pub fn poll_batch(&mut self) -> Vec<u32> {
        let Some(batch) = self.batcher.poll() else {
            return Vec::new();
        };
        self.delivery.offer(&batch);
        batch
    }

    /// A delivery to a sink succeeded and took this long, which window and size
    /// of batches may follow.
    pub fn delivery_succeeded(
        &mut self,
        now: Instant,
        sink: u32,
        number: u64,
        latency_us: i64,
    ) -> Result<(), Error> {
        let latency_us = time::length("latency", latency_us, true)?;
        let batch = self.delivery.succeeded(sink, number)?;
        self.moment(now);
        self.batcher.report_latency(batch, latency_us);
        Ok(())
    }

    /// A delivery to a sink failed; gives when it is tried again, in monotonic
    /// microseconds, or `None` once it is given up.
    pub fn delivery_failed(
        &mut self,
        now: Instant,
        sink: u32,
        number: u64,
        failure: Failure,
    ) -> Result<Option<u64>, Error> {
        self.try_at(now, |optimizer, now| {
            let delivery = &mut optimizer.delivery;
            delivery.failed(now.mono_us, sink, number, failure)
        })
    }

    /// What happened to updates so far.
    pub fn batch_totals(&self) -> BatchTotals {
        self.batcher.totals()
    }
}
