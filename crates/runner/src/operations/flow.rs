//! Gates and queues.

use super::operations;
use crate::wit::flow::{GateSettings, Gone, QueueSettings, QueueTotals, Runs};
use crate::wit::types::Instant;

operations! {
    /// The interface `flow`.
    trait Flow;

    fallible gate_open(settings: GateSettings) -> u32 = weirhouse_core_flow.call_open_gate;
    fallible gate_configure(gate: u32, settings: GateSettings) -> () = weirhouse_core_flow.call_configure_gate;
    fallible gate_close(gate: u32) -> Vec<u64> = weirhouse_core_flow.call_close_gate;
    fallible gate_call(now: Instant, gate: u32, keys: &[u64], items: &[u64]) -> Vec<u64> = weirhouse_core_flow.call_call;
    fallible gate_waiting(gate: u32) -> u32 = weirhouse_core_flow.call_waiting;
    plain poll_runs() -> Runs = weirhouse_core_flow.call_poll_runs;

    fallible queue_open(settings: QueueSettings) -> u32 = weirhouse_core_flow.call_open_queue;
    fallible queue_configure(queue: u32, settings: QueueSettings) -> Vec<u64> = weirhouse_core_flow.call_configure_queue;
    fallible queue_close(queue: u32) -> Vec<u64> = weirhouse_core_flow.call_close_queue;
    fallible queue_push(queue: u32, keys: &[u64], items: &[u64]) -> Gone = weirhouse_core_flow.call_push;
    fallible queue_take(queue: u32, most: u32) -> Vec<u64> = weirhouse_core_flow.call_take;
    fallible queue_pending(queue: u32) -> Vec<u64> = weirhouse_core_flow.call_pending;
    fallible queue_totals(queue: u32) -> QueueTotals = weirhouse_core_flow.call_queue_statistics;
}
