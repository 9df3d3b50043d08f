//! Gates and queues.

use weirhouse_core::batch;
use weirhouse_core::flow;

use crate::wit::exports::weirhouse::core::flow::{
    Error, GateSettings, Gone, Guest, Instant, Overflow, QueueSettings, QueueTotals, Runs,
};
use crate::{Component, with};

impl Guest for Component {
    fn open_gate(settings: GateSettings) -> Result<u32, Error> {
        Ok(with(|optimizer| optimizer.gates.open(settings.into()))?)
    }

    fn configure_gate(gate: u32, settings: GateSettings) -> Result<(), Error> {
        Ok(with(|optimizer| {
            optimizer.gates.configure(gate, settings.into())
        })?)
    }

    fn close_gate(gate: u32) -> Result<Vec<u64>, Error> {
        Ok(with(|optimizer| optimizer.gates.close(gate))?)
    }

    fn call(now: Instant, gate: u32, keys: Vec<u64>, items: Vec<u64>) -> Result<Vec<u64>, Error> {
        Ok(with(|optimizer| {
            optimizer.try_at(now.into(), |optimizer, now| {
                optimizer.gates.call(now, gate, &keys, &items)
            })
        })?)
    }

    fn poll_runs() -> Runs {
        let mut runs = Runs {
            gates: Vec::new(),
            keys: Vec::new(),
            counts: Vec::new(),
            items: Vec::new(),
        };
        for run in with(|optimizer| optimizer.gates.poll()) {
            runs.gates.push(run.gate);
            runs.keys.push(run.key);
            runs.counts.push(run.items.len() as u32);
            runs.items.extend(run.items);
        }
        runs
    }

    fn waiting(gate: u32) -> Result<u32, Error> {
        Ok(with(|optimizer| optimizer.gates.waiting(gate))?)
    }

    fn open_queue(settings: QueueSettings) -> Result<u32, Error> {
        Ok(with(|optimizer| optimizer.queues.open(settings.into()))?)
    }

    fn configure_queue(queue: u32, settings: QueueSettings) -> Result<Vec<u64>, Error> {
        Ok(with(|optimizer| {
            optimizer.queues.configure(queue, settings.into())
        })?)
    }

    fn close_queue(queue: u32) -> Result<Vec<u64>, Error> {
        Ok(with(|optimizer| optimizer.queues.close(queue))?)
    }

    fn push(queue: u32, keys: Vec<u64>, items: Vec<u64>) -> Result<Gone, Error> {
        let gone = with(|optimizer| optimizer.queues.push(queue, &keys, &items))?;
        Ok(Gone {
            coalesced: gone.coalesced,
            dropped: gone.dropped,
        })
    }

    fn take(queue: u32, most: u32) -> Result<Vec<u64>, Error> {
        Ok(with(|optimizer| optimizer.queues.take(queue, most))?)
    }

    fn pending(queue: u32) -> Result<Vec<u64>, Error> {
        Ok(with(|optimizer| optimizer.queues.items(queue))?)
    }

    fn queue_statistics(queue: u32) -> Result<QueueTotals, Error> {
        let totals = with(|optimizer| optimizer.queues.totals(queue))?;
        Ok(QueueTotals {
            pushed: totals.pushed,
            coalesced: totals.coalesced,
            dropped: totals.dropped,
            taken: totals.taken,
            pending: totals.pending,
        })
    }
}

impl From<GateSettings> for flow::GateSettings {
    fn from(settings: GateSettings) -> Self {
        match settings {
            GateSettings::Debounce(debounce) => Self::Debounce(flow::DebounceSettings {
                wait_us: debounce.wait,
                max_wait_us: debounce.max_wait,
                leading: debounce.leading,
                trailing: debounce.trailing,
            }),
            GateSettings::Throttle(throttle) => Self::Throttle(flow::ThrottleSettings {
                rate_per_s: throttle.rate,
            }),
            GateSettings::CallBatch(batch) => Self::CallBatch(flow::CallBatchSettings {
                size: batch.size,
                wait_us: batch.wait,
            }),
        }
    }
}

impl From<QueueSettings> for flow::QueueSettings {
    fn from(settings: QueueSettings) -> Self {
        Self {
            capacity: settings.capacity,
            overflow: match settings.overflow {
                Overflow::DropOldest => batch::Overflow::DropOldest,
                Overflow::DropNew => batch::Overflow::DropNew,
            },
        }
    }
}
