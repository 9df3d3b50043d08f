//! Call batching: calls are collected and run together, when there are enough
//! of them or the first has waited long enough.

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use super::keyed::{Call, Due, MOST_WAITING, Passed, Policy};
use crate::Error;
use crate::time::length;

/// When collected calls run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallBatchSettings {
    /// As soon as this many wait, 1 to 100,000.
    pub size: u32,
    /// This long after the first of them, in microseconds.
    pub wait_us: i64,
}

/// The settings, checked.
#[derive(Debug, Clone)]
pub(super) struct CallBatch {
    size: usize,
    wait_us: u64,
}

impl CallBatch {
    pub(super) fn check(settings: CallBatchSettings) -> Result<Self, Error> {
        let size = settings.size as usize;
        if !(1..=MOST_WAITING).contains(&size) {
            return Err(Error::InvalidArgument(format!(
                "size must be 1 to {MOST_WAITING}, not {size}"
            )));
        }
        Ok(Self {
            size,
            wait_us: length("wait", settings.wait_us, false)?,
        })
    }
}

/// The calls of a key that run together; never none.
#[derive(Debug, Clone)]
pub(super) struct Collected {
    closes_us: u64,
    calls: Vec<Call>,
}

impl Policy for CallBatch {
    type State = Collected;

    fn call(
        &self,
        collected: Option<Collected>,
        now_us: u64,
        call: Call,
        now: &mut Passed,
    ) -> Option<Collected> {
        let mut collected = collected.unwrap_or(Collected {
            closes_us: now_us + self.wait_us,
            calls: vec![],
        });
        collected.calls.push(call);
        if collected.calls.len() < self.size {
            return Some(collected);
        }
        now.runs.push(collected.calls);
        None
    }

    fn tick(&self, collected: Collected, _now_us: u64, now: &mut Passed) -> Option<Collected> {
        now.runs.push(collected.calls);
        None
    }

    /// Nothing to do: a key is remembered only while calls of it wait.
    fn retime(&self, _collected: &mut Collected) {}

    fn due(collected: &Collected) -> Due {
        Due {
            at_us: collected.closes_us,
            order: collected.calls.first().map_or(0, |call| call.order),
        }
    }

    fn waiting(collected: Collected) -> Vec<Vec<Call>> {
        vec![collected.calls]
    }

    fn count(collected: &Collected) -> usize {
        collected.calls.len()
    }
}
