//! Bringing batches to several sinks.

use weirhouse_core::delivery::{self as core, SinkSettings, SinkStatus};
use weirhouse_runner::operations::Delivery as Operations;
use weirhouse_runner::wit::delivery::{Delivery, Failure, Settings, Status};
use weirhouse_runner::wit::types::Instant;

use super::{Answer, Native, instant, refused};

impl Operations for Native {
    fn sink_register(&mut self, name: &str, settings: Settings) -> Answer<u32> {
        self.0
            .delivery
            .register(name, sink_settings(settings))
            .map_err(refused)
    }

    fn sink_unregister(&mut self, sink: u32) -> Answer<()> {
        self.0.delivery.unregister(sink).map_err(refused)
    }

    fn poll_delivery(&mut self) -> Answer<Option<Delivery>> {
        Ok(self.0.delivery.poll().map(|next| Delivery {
            sink: next.sink,
            number: next.number,
            attempt: next.attempt,
            entities: next.entities,
        }))
    }

    fn delivery_succeeded(
        &mut self,
        now: Instant,
        sink: u32,
        number: u64,
        latency: i64,
    ) -> Answer<()> {
        self.0
            .delivery_succeeded(instant(now), sink, number, latency)
            .map_err(refused)
    }

    fn delivery_failed(
        &mut self,
        now: Instant,
        sink: u32,
        number: u64,
        failure: Failure,
    ) -> Answer<Option<u64>> {
        let failure = match failure {
            Failure::Temporary => core::Failure::Temporary,
            Failure::Permanent => core::Failure::Permanent,
        };
        self.0
            .delivery_failed(instant(now), sink, number, failure)
            .map_err(refused)
    }

    fn sink_statuses(&mut self) -> Answer<Vec<Status>> {
        Ok(self.0.delivery.status().into_iter().map(status).collect())
    }
}

fn sink_settings(settings: Settings) -> SinkSettings {
    SinkSettings {
        max: settings.max,
        capacity: settings.capacity,
        attempts: settings.attempts,
        retry_first_us: settings.retry_first,
        retry_cap_us: settings.retry_cap,
    }
}

fn status(status: SinkStatus) -> Status {
    let totals = status.totals;
    Status {
        sink: status.sink,
        name: status.name,
        position: status.position,
        behind: status.behind,
        failing: status.failing,
        retry_at: status.retry_at_us,
        offered: totals.offered,
        coalesced: totals.coalesced,
        dropped: totals.dropped,
        removed: totals.removed,
        deliveries: totals.deliveries,
        delivered: totals.delivered,
        failures: totals.failures,
        lost: totals.lost,
        pending: totals.pending,
    }
}
