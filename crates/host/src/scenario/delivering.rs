//! Deliveries of batches to sinks.
//!
//! A sink here sends nothing: a delivery is printed when it is handed out, and
//! the file says how it ended.

use serde::Serialize;
use weirhouse_runner::wit::delivery::{Failure, Settings};

use super::Halt;
use super::arguments::{Delivered, Sink, Undelivered, Unsink};
use super::micros::Micros;
use super::output::{Handed, Outcome, Problem, answer, ok};
use super::session::Session;
use super::settings::whole;

/// A sink as it was registered.
#[derive(Debug)]
pub(super) struct Registered {
    name: String,
    settings: Settings,
    /// Its number in the optimizer.
    sink: u32,
    /// The delivery that was handed out last.
    number: u64,
}

#[derive(Serialize)]
struct Retry {
    retry_at: Option<Micros>,
}

#[derive(Serialize)]
struct Status {
    sink: String,
    position: u64,
    behind: u64,
    failing: u32,
    retry_at: Option<Micros>,
    offered: u64,
    coalesced: u64,
    dropped: u64,
    removed: u64,
    deliveries: u64,
    delivered: u64,
    failures: u64,
    lost: u64,
    pending: u32,
}

impl Session<'_> {
    pub(super) fn sink(&mut self, arguments: &Sink) -> Outcome {
        let settings = settings(arguments)?;
        let name = &arguments.name;
        let sink = self.optimizer.sink_register(name, settings)?;
        match self.sinks.iter_mut().find(|known| known.name == *name) {
            Some(known) => known.settings = settings,
            None => self.sinks.push(Registered {
                name: name.clone(),
                settings,
                sink,
                number: 0,
            }),
        }
        ok()
    }

    pub(super) fn unsink(&mut self, arguments: &Unsink) -> Outcome {
        let place = self.place(&arguments.name)?;
        let sink = self.sinks.remove(place).sink;
        self.optimizer.sink_unregister(sink)?;
        ok()
    }

    pub(super) fn delivered(&mut self, arguments: &Delivered) -> Outcome {
        let place = self.place(&arguments.sink)?;
        let known = &self.sinks[place];
        let number = arguments.number.unwrap_or(known.number);
        let latency = arguments.latency.map_or(0, |Micros(us)| us);
        let now = self.now();
        self.optimizer
            .delivery_succeeded(now, known.sink, number, latency)?;
        self.print_due()?;
        ok()
    }

    pub(super) fn undelivered(&mut self, arguments: &Undelivered) -> Outcome {
        let place = self.place(&arguments.sink)?;
        let known = &self.sinks[place];
        let number = arguments.number.unwrap_or(known.number);
        let failure = if arguments.permanent {
            Failure::Permanent
        } else {
            Failure::Temporary
        };
        let now = self.now();
        let retry_at = self
            .optimizer
            .delivery_failed(now, known.sink, number, failure)?;
        self.print_due()?;
        answer(&Retry {
            retry_at: retry_at.map(moment),
        })
    }

    pub(super) fn sinks(&mut self) -> Outcome {
        let statuses = self.optimizer.sink_statuses()?.into_iter();
        let statuses: Vec<_> = statuses
            .map(|status| Status {
                sink: status.name,
                position: status.position,
                behind: status.behind,
                failing: status.failing,
                retry_at: status.retry_at.map(moment),
                offered: status.offered,
                coalesced: status.coalesced,
                dropped: status.dropped,
                removed: status.removed,
                deliveries: status.deliveries,
                delivered: status.delivered,
                failures: status.failures,
                lost: status.lost,
                pending: status.pending,
            })
            .collect();
        answer(&statuses)
    }

    /// Takes and prints what sinks are to be sent now.
    pub(super) fn print_deliveries(&mut self) -> Result<(), Halt> {
        while let Some(next) = self.optimizer.poll_delivery()? {
            let at = Micros(self.now().mono.cast_signed());
            let Some(known) = self.sinks.iter_mut().find(|known| known.sink == next.sink) else {
                continue;
            };
            known.number = next.number;
            let entities = next.entities.iter();
            let event = Handed {
                sink: &known.name,
                number: next.number,
                attempt: next.attempt,
                entities: entities.map(|handle| self.series.name(*handle).0).collect(),
            };
            self.printer.deliver(at, &event)?;
        }
        Ok(())
    }

    /// Tells a new optimizer the sinks there are.
    pub(super) fn register_sinks(&mut self) -> Result<(), Problem> {
        for known in &mut self.sinks {
            known.sink = self.optimizer.sink_register(&known.name, known.settings)?;
            known.number = 0;
        }
        Ok(())
    }

    fn place(&self, name: &str) -> Result<usize, Problem> {
        self.sinks
            .iter()
            .position(|known| known.name == name)
            .ok_or_else(|| Problem::invalid(format!("no sink is called \"{name}\"")))
    }
}

fn moment(us: u64) -> Micros {
    Micros(us.cast_signed())
}

fn settings(arguments: &Sink) -> Result<Settings, Problem> {
    Ok(Settings {
        max: arguments.max.map_or(Ok(50), |max| whole("max", max))?,
        capacity: arguments
            .capacity
            .map_or(Ok(20_000), |capacity| whole("capacity", capacity))?,
        attempts: arguments
            .attempts
            .map(|attempts| whole("attempts", attempts))
            .transpose()?,
        retry_first: arguments.retry_first.map_or(1_000_000, |Micros(us)| us),
        retry_cap: arguments.retry_cap.map_or(60_000_000, |Micros(us)| us),
    })
}
