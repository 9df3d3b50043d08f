//! Bringing batches to several sinks.

use weirhouse_core::delivery::{self, SinkSettings, SinkStatus};

use crate::wit::exports::weirhouse::core::delivery::{
    Delivery, Error, Failure, Guest, Instant, Settings, Status,
};
use crate::{Component, with};

impl Guest for Component {
    fn register(name: String, settings: Settings) -> Result<u32, Error> {
        let settings = sink_settings(settings);
        Ok(with(|optimizer| {
            optimizer.delivery.register(&name, settings)
        })?)
    }

    fn unregister(sink: u32) -> Result<(), Error> {
        Ok(with(|optimizer| optimizer.delivery.unregister(sink))?)
    }

    fn poll() -> Option<Delivery> {
        with(|optimizer| optimizer.delivery.poll()).map(|next| Delivery {
            sink: next.sink,
            number: next.number,
            attempt: next.attempt,
            entities: next.entities,
        })
    }

    fn succeeded(now: Instant, sink: u32, number: u64, latency: i64) -> Result<(), Error> {
        Ok(with(|optimizer| {
            optimizer.delivery_succeeded(now.into(), sink, number, latency)
        })?)
    }

    fn failed(
        now: Instant,
        sink: u32,
        number: u64,
        failure: Failure,
    ) -> Result<Option<u64>, Error> {
        let failure = match failure {
            Failure::Temporary => delivery::Failure::Temporary,
            Failure::Permanent => delivery::Failure::Permanent,
        };
        Ok(with(|optimizer| {
            optimizer.delivery_failed(now.into(), sink, number, failure)
        })?)
    }

    fn statuses() -> Vec<Status> {
        with(|optimizer| optimizer.delivery.status())
            .into_iter()
            .map(status)
            .collect()
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
