//! Gates and queues.

use weirhouse_core::{batch, flow as core};
use weirhouse_runner::operations::Flow;
use weirhouse_runner::wit::flow::{GateSettings, Gone, Overflow, QueueSettings, QueueTotals, Runs};
use weirhouse_runner::wit::types::Instant;

use super::{Answer, Native, instant, refused};

impl Flow for Native {
    fn gate_open(&mut self, settings: GateSettings) -> Answer<u32> {
        self.0.gates.open(gate(settings)).map_err(refused)
    }

    fn gate_configure(&mut self, number: u32, settings: GateSettings) -> Answer<()> {
        let gates = &mut self.0.gates;
        gates.configure(number, gate(settings)).map_err(refused)
    }

    fn gate_close(&mut self, gate: u32) -> Answer<Vec<u64>> {
        self.0.gates.close(gate).map_err(refused)
    }

    fn gate_call(
        &mut self,
        now: Instant,
        gate: u32,
        keys: &[u64],
        items: &[u64],
    ) -> Answer<Vec<u64>> {
        let called = self.0.try_at(instant(now), |optimizer, now| {
            optimizer.gates.call(now, gate, keys, items)
        });
        called.map_err(refused)
    }

    fn gate_waiting(&mut self, gate: u32) -> Answer<u32> {
        self.0.gates.waiting(gate).map_err(refused)
    }

    fn poll_runs(&mut self) -> Answer<Runs> {
        let runs = self.0.gates.poll();
        Ok(Runs {
            gates: runs.iter().map(|run| run.gate).collect(),
            keys: runs.iter().map(|run| run.key).collect(),
            counts: runs.iter().map(|run| run.items.len() as u32).collect(),
            items: runs.into_iter().flat_map(|run| run.items).collect(),
        })
    }

    fn queue_open(&mut self, settings: QueueSettings) -> Answer<u32> {
        self.0.queues.open(queue(settings)).map_err(refused)
    }

    fn queue_configure(&mut self, number: u32, settings: QueueSettings) -> Answer<Vec<u64>> {
        let queues = &mut self.0.queues;
        queues.configure(number, queue(settings)).map_err(refused)
    }

    fn queue_close(&mut self, queue: u32) -> Answer<Vec<u64>> {
        self.0.queues.close(queue).map_err(refused)
    }

    fn queue_push(&mut self, queue: u32, keys: &[u64], items: &[u64]) -> Answer<Gone> {
        let gone = self.0.queues.push(queue, keys, items);
        gone.map(|core::Gone { coalesced, dropped }| Gone { coalesced, dropped })
            .map_err(refused)
    }

    fn queue_take(&mut self, queue: u32, most: u32) -> Answer<Vec<u64>> {
        self.0.queues.take(queue, most).map_err(refused)
    }

    fn queue_pending(&mut self, queue: u32) -> Answer<Vec<u64>> {
        self.0.queues.items(queue).map_err(refused)
    }

    fn queue_totals(&mut self, queue: u32) -> Answer<QueueTotals> {
        let totals = self.0.queues.totals(queue).map_err(refused)?;
        Ok(QueueTotals {
            pushed: totals.pushed,
            coalesced: totals.coalesced,
            dropped: totals.dropped,
            taken: totals.taken,
            pending: totals.pending,
        })
    }
}

fn gate(settings: GateSettings) -> core::GateSettings {
    match settings {
        GateSettings::Debounce(debounce) => core::GateSettings::Debounce(core::DebounceSettings {
            wait_us: debounce.wait,
            max_wait_us: debounce.max_wait,
            leading: debounce.leading,
            trailing: debounce.trailing,
        }),
        GateSettings::Throttle(throttle) => core::GateSettings::Throttle(core::ThrottleSettings {
            rate_per_s: throttle.rate,
        }),
        GateSettings::CallBatch(batch) => core::GateSettings::CallBatch(core::CallBatchSettings {
            size: batch.size,
            wait_us: batch.wait,
        }),
    }
}

fn queue(settings: QueueSettings) -> core::QueueSettings {
    core::QueueSettings {
        capacity: settings.capacity,
        overflow: match settings.overflow {
            Overflow::DropOldest => batch::Overflow::DropOldest,
            Overflow::DropNew => batch::Overflow::DropNew,
        },
    }
}
