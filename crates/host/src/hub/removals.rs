//! Removals on their way into the store, and back to the optimizer once they
//! are durable there.
//!
//! The optimizer decides what is removed and keeps it out until it is told that
//! the store has made that durable. A removal the store could not perform stays
//! in line.

use std::collections::VecDeque;

use weirhouse_hass::Registry;
use weirhouse_runner::wit::removals::Removal;
use weirhouse_runner::wit::types::Instant;

use super::engine::Engine;
use super::{Hub, HubError, Ticket};
use crate::store::{Judge, Located, perform};

/// Removals taken from the optimizer at once.
const AT_ONCE: u32 = 256;

/// Where removals stand.
#[derive(Debug, Default)]
pub(super) struct Removing {
    /// The generation of the instance that handed them out.
    generation: u64,
    /// Not performed yet, in their order.
    waiting: VecDeque<Removal>,
    /// Performed, with the ticket after which they are durable.
    performed: VecDeque<(u64, Ticket)>,
}

impl Hub {
    /// Performs in the store what was removed; lists what that was.
    pub(super) fn perform_removals(
        &self,
        engine: &mut Engine,
        now: Instant,
    ) -> Result<Vec<Located>, HubError> {
        forget_those_of_a_lost_instance(engine);
        loop {
            let polled = engine.call(now, |core| core.removals_poll(AT_ONCE))?;
            if polled.is_empty() {
                break;
            }
            engine.removing.waiting.extend(polled);
        }
        let mut gone = Vec::new();
        while let Some(removal) = engine.removing.waiting.pop_front() {
            let mut judge = Asking { engine, now };
            match perform(&*self.store, &removal, &mut judge) {
                Ok(removed) => gone.extend(removed),
                Err(error) => {
                    engine.removing.waiting.push_front(removal);
                    return Err(error);
                }
            }
            let done = (removal.sequence, self.store.latest());
            engine.removing.performed.push_back(done);
        }
        Ok(gone)
    }

    /// Tells the optimizer which removals are durable by now.
    pub(super) fn acknowledge_removals(
        &self,
        engine: &mut Engine,
        now: Instant,
    ) -> Result<(), HubError> {
        forget_those_of_a_lost_instance(engine);
        let durable = *self.store.durable().borrow();
        let mut last = None;
        while let Some((sequence, _)) = engine
            .removing
            .performed
            .pop_front_if(|(_, ticket)| *ticket <= durable)
        {
            last = Some(sequence);
        }
        if let Some(sequence) = last {
            engine.call(now, |core| core.removals_acknowledge(sequence))?;
        }
        Ok(())
    }

    /// Drops what a change of a registry or of the services makes outdated.
    pub(super) fn drop_outdated(&self, engine: &mut Engine, now: Instant, registry: &Registry) {
        let event = match registry {
            Registry::Areas(_) => "area_registry_updated",
            Registry::Devices(_) => "device_registry_updated",
            Registry::Entities(_) => "entity_registry_updated",
            Registry::Services(_) => "service_registered",
            _ => return,
        };
        let cleared = engine
            .call(now, |core| core.removals_clear_affected(now, event))
            .and_then(|_| {
                engine.waiting.settle_all();
                self.perform_removals(engine, now)
            });
        if let Err(error) = cleared {
            tracing::warn!(%error, event, "what this outdates leaves the disk later");
        }
    }
}

/// A new instance hands out again what was not acknowledged.
fn forget_those_of_a_lost_instance(engine: &mut Engine) {
    let generation = engine.core.generation();
    if engine.removing.generation != generation {
        engine.removing = Removing {
            generation,
            ..Removing::default()
        };
    }
}

/// Asks the optimizer on the store's behalf.
struct Asking<'a> {
    engine: &'a mut Engine,
    now: Instant,
}

impl Judge for Asking<'_> {
    type Error = HubError;

    fn matching(&mut self, pattern: &str, keys: &[String]) -> Result<Vec<u8>, HubError> {
        self.engine
            .call(self.now, |core| core.cache_matching(pattern, keys))
    }

    fn removed(&mut self, before: i64, put_at: &[i64]) -> Result<Vec<u8>, HubError> {
        let now = self.now;
        self.engine
            .call(now, |core| core.removals_removed(now, before, put_at))
    }
}
