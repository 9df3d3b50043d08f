//! The optimizer with everything it must be told again after a trap.
//!
//! A trap costs the instance. The runner replaces it and restores the last
//! checkpoint; here settings, handles and readings are told again, and the one
//! input that caused it is set aside, so that no reading but that one is lost.

use std::collections::HashMap;
use std::time::Duration;

use weirhouse_hass::Mirror;
use weirhouse_runner::operations::{Entities as _, Schedule as _, State as _, Updates as _};
use weirhouse_runner::wit::types::Instant;
use weirhouse_runner::{Component, Fault, Optimizer};

use super::breaking::Breakers;
use super::entities::{Entities, Name};
use super::error::HubError;
use super::history::Counters;
use super::link::Link;
use super::media_types::MediaTypes;
use super::operations::Operations;
use super::policies::Policies;
use super::refreshing::Refreshing;
use super::removals::Removing;
use super::reporting::Reported;
use super::settings::Settings;
use super::shaping::Shaped;
use super::waiting::Waiting;

/// Traps in a row after which the optimizer is left alone until the next
/// event: each costs an instance, and more would only heat the machine.
pub(super) const MOST_TRAPS: usize = 64;

/// After this long on one connection, entities that Home Assistant does not
/// have are forgotten. Long enough for its slowest integrations to start.
const SETTLED_AFTER: Duration = Duration::from_mins(10);

/// Home Assistant's coordinators merge requests that are closer together than
/// 10 s, and drift just above it.
pub const SHORTEST_REFRESH: Duration = Duration::from_secs(15);

/// What the hub's lock guards.
pub(super) struct Engine {
    pub(super) core: Component,
    pub(super) mirror: Mirror,
    /// What programs report beside it.
    pub(super) reported: Reported,
    pub(super) entities: Entities,
    pub(super) settings: Settings,
    pub(super) media_types: MediaTypes,
    pub(super) link: Link,
    pub(super) operations: Operations,
    pub(super) counters: Counters,
    /// Values that trapped the optimizer, by series; skipped until the series
    /// has another.
    pub(super) set_aside: HashMap<Name, String>,
    /// Refreshes whose outcome is not known.
    pub(super) refreshing: Refreshing,
    /// Removals that are not acknowledged.
    pub(super) removing: Removing,
    /// The generation of the instance that knows the settings.
    told: u64,
    /// When the mirror last became fresh, until it was pruned for that.
    fresh_since: Option<u64>,
    /// Writes of states that were told so far.
    pub(super) written: u64,
    /// Of calls that other programs make.
    pub(super) breakers: Breakers,
    /// Those who wait for values that others fetch.
    pub(super) waiting: Waiting,
    /// Entities that are gone, for the next updates.
    pub(super) removed: Vec<String>,
    /// Entities that readers must be shown anew; some of them twice.
    pub(super) touched: Vec<Box<str>>,
    /// What clients of streams are owed.
    pub(super) shaped: Shaped,
    /// What is asked before the optimizer.
    pub(super) policies: Policies,
    pub(super) batches: u64,
    pub(super) refreshes: u64,
    /// The number of the next section that lines are chosen for.
    pub(super) next_section: u32,
}

impl Engine {
    pub(super) fn new(core: Component, settings: Settings) -> Self {
        Self {
            told: core.generation(),
            core,
            mirror: Mirror::new(),
            reported: Reported::default(),
            entities: Entities::default(),
            settings,
            media_types: MediaTypes::default(),
            link: Link::default(),
            operations: Operations::default(),
            counters: Counters::default(),
            set_aside: HashMap::new(),
            refreshing: Refreshing::default(),
            removing: Removing::default(),
            fresh_since: None,
            written: 0,
            breakers: Breakers::default(),
            waiting: Waiting::default(),
            removed: Vec::new(),
            touched: Vec::new(),
            shaped: Shaped::default(),
            policies: Policies::default(),
            batches: 0,
            refreshes: 0,
            next_section: 0,
        }
    }

    /// Restores what was learned and tells the settings.
    pub(super) fn start(&mut self, now: Instant, snapshot: Option<&[u8]>) -> Result<(), HubError> {
        if let Some(bytes) = snapshot {
            match self.core.restore(now, bytes) {
                Ok(restored) => tracing::info!(series = restored.series, "learning continues"),
                Err(error) => {
                    tracing::warn!(%error, "what was learned before cannot be used; learning starts anew");
                }
            }
        }
        self.install(now)?;
        self.checkpoint(now)?;
        Ok(())
    }

    /// Tells a fresh instance the settings and what the entities are, and
    /// learns its handles.
    fn install(&mut self, now: Instant) -> Result<(), Fault> {
        self.told = self.core.generation();
        self.entities.forget_handles();
        self.shaped.forget_clients();
        self.breakers.forget();
        let handles = self.core.all_handles()?;
        for (handle, series) in handles.iter().zip(self.core.names(&handles)?) {
            let name = Name::from(series);
            if name.attribute.is_none() {
                self.describe(*handle, &name.entity)?;
            }
            self.entities.adopt(*handle, name);
        }
        self.tell_settings(now)?;
        self.tell_rules(&self.entities.handles())?;
        self.core
            .set_shortest_interval(SHORTEST_REFRESH.as_micros() as i64)?;
        self.tell_budgets(now)?;
        let refreshed = self.settings.refresh.iter();
        let refreshed: Vec<Box<str>> = refreshed
            .map(|(entity, _)| entity.as_str().into())
            .collect();
        for entity in refreshed {
            let name = Name {
                entity,
                attribute: None,
            };
            match self.entities.handle(&name) {
                Some(handle) => self.schedule(now, handle, &name.entity)?,
                None => {
                    self.intern(now, &name)?;
                }
            }
        }
        Ok(())
    }

    /// The handle of a series, new or old. An entity that is new is described
    /// and put on its schedule: integrations that reload take their entities
    /// away for a moment, and with them all that the optimizer was told.
    pub(super) fn intern(&mut self, now: Instant, name: &Name) -> Result<u32, Fault> {
        if let Some(handle) = self.entities.handle(name) {
            return Ok(handle);
        }
        let handle = self
            .core
            .intern(&[name.series()])?
            .first()
            .copied()
            .unwrap_or_default();
        self.entities.adopt(handle, name.clone());
        if name.attribute.is_none() {
            self.describe(handle, &name.entity)?;
            self.schedule(now, handle, &name.entity)?;
        }
        if !self.settings.rules.is_empty() {
            self.tell_rules(&[(handle, name.clone())])?;
        }
        Ok(handle)
    }

    /// Runs one call that is not a reading. If it traps, the instance is
    /// brought up to date and the caller is told.
    pub(super) fn call<T>(
        &mut self,
        now: Instant,
        call: impl FnOnce(&mut dyn Optimizer) -> Result<T, Fault>,
    ) -> Result<T, HubError> {
        let outcome = call(&mut self.core);
        if let Err(fault @ Fault::Trapped { .. }) = &outcome {
            tracing::error!(%fault, "this call is given up");
        }
        self.recover(now);
        Ok(outcome?)
    }

    /// Brings a replaced instance up to date; does nothing otherwise.
    pub(super) fn recover(&mut self, now: Instant) {
        let first = self.core.generation();
        while self.core.generation() - first <= MOST_TRAPS as u64 {
            if self.told == self.core.generation() {
                return;
            }
            match self.install(now) {
                Ok(()) => {
                    self.retell(now);
                    self.mark_waiting(now);
                }
                Err(Fault::Trapped { .. }) => {}
                Err(fault) => {
                    tracing::error!(%fault, "the optimizer was started anew and refuses its settings");
                    return;
                }
            }
        }
        tracing::error!(
            traps = MOST_TRAPS,
            "the optimizer keeps trapping; readings pass it by until the next event"
        );
    }

    /// Puts back into the batcher what waited there: the checkpoint counts it
    /// as published, and nobody was told.
    fn mark_waiting(&mut self, now: Instant) {
        let waiting = self.entities.waiting();
        if let Err(fault) = self.core.mark_dirty(now, &waiting) {
            tracing::warn!(%fault, entities = waiting.len(), "updates that waited come later");
        }
    }

    /// Tells settings only, in the middle of finding the input that trapped.
    pub(super) fn reinstall(&mut self, now: Instant) -> Result<(), Fault> {
        self.install(now)?;
        // The readings since the checkpoint are still owed: see `recover`.
        self.told = self.told.wrapping_sub(1);
        Ok(())
    }

    /// Notes what was learned, for the runner and for the caller.
    pub(super) fn checkpoint(&mut self, now: Instant) -> Result<Vec<u8>, HubError> {
        self.prune(now);
        let outcome = self.core.checkpoint(now);
        self.recover(now);
        Ok(outcome?)
    }

    /// Makes all that waits due.
    pub(super) fn flush(&mut self, now: Instant) {
        if let Err(error) = self.call(now, |core| core.flush(now)) {
            tracing::warn!(%error, "updates that waited were not sent");
        }
    }

    /// The mirror was replaced by a snapshot.
    pub(super) fn became_fresh(&mut self, now: Instant) {
        self.fresh_since = Some(now.mono);
    }

    /// Forgets what an earlier run knew and Home Assistant no longer has.
    fn prune(&mut self, now: Instant) {
        let settled =
            |since: u64| now.mono.saturating_sub(since) > SETTLED_AFTER.as_micros() as u64;
        if self.mirror.is_stale() || !self.fresh_since.is_some_and(settled) {
            return;
        }
        self.fresh_since = None;
        let gone: Vec<Box<str>> = self
            .entities
            .names()
            .filter(|name| self.state(name).is_none())
            .map(Into::into)
            .collect();
        let gone: Vec<u32> = gone.iter().filter_map(|name| self.forget(name)).collect();
        if let Err(error) = self.call(now, |core| core.release(&gone)) {
            tracing::warn!(%error, "entities that are gone could not be forgotten");
        }
    }

    /// Forgets what the hub knows of an entity; gives the handle of its state,
    /// which the optimizer still has to release.
    pub(super) fn forget(&mut self, entity_id: &str) -> Option<u32> {
        self.set_aside.retain(|name, _| *name.entity != *entity_id);
        self.policies.forget(entity_id);
        self.entities.remove(entity_id)
    }
}
