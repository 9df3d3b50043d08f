//! Refreshes: how the settings want them, and what those that were asked for
//! have found.
//!
//! When an entity is due the optimizer says. For those whose interval follows
//! what they do it is told of every change, and of every call that found none.

mod listed;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};

use weirhouse_runner::Fault;
use weirhouse_runner::operations::Schedule as _;
use weirhouse_runner::wit::types::Instant;

use super::Hub;
use super::engine::Engine;
use super::entities::Name;
use super::settings::{Refresh, Settings};

pub use listed::{RefreshPace, RefreshedEntity, Refreshes};

/// Calls whose end was not told yet.
#[derive(Debug, Default)]
pub(super) struct Refreshing {
    latest: u64,
    /// By number of the call, the entities that have not changed since.
    unchanged: BTreeMap<u64, HashSet<Box<str>>>,
}

impl Refreshing {
    /// What a call would have found will not be known.
    pub(super) fn give_up(&mut self, call: u64) {
        self.unchanged.remove(&call);
    }
}

impl Refresh {
    /// Whether what it finds has a say in when it is due next.
    fn follows(&self) -> bool {
        matches!(self, Self::Measured(_) | Self::Planned { .. })
    }
}

impl Hub {
    /// Notes that Home Assistant is asked to refresh these; gives a number for
    /// the call, which its end is told by.
    pub fn refreshes_asked(&self, entities: &[String]) -> u64 {
        let mut engine = self.lock();
        let followed = entities.iter().filter(|it| engine.settings.follows(it));
        let followed = followed.map(|it| it.as_str().into()).collect();
        let refreshing = &mut engine.refreshing;
        refreshing.latest += 1;
        refreshing.unchanged.insert(refreshing.latest, followed);
        refreshing.latest
    }

    /// A call could not be sent.
    pub fn refreshes_not_asked(&self, call: u64) {
        self.lock().refreshing.give_up(call);
    }
}

impl Settings {
    fn follows(&self, entity: &str) -> bool {
        let named = self.refresh.iter().find(|(it, _)| it == entity);
        named.is_some_and(|(_, refresh)| refresh.follows())
    }

    /// Whether the refreshes of an entity come out of a budget.
    pub(super) fn budgets_for(&self, entity: &str) -> bool {
        let named = self.refresh.iter().find(|(it, _)| it == entity);
        matches!(named, Some((_, Refresh::Planned { .. })))
    }
}

impl Engine {
    /// An entity has changed, whoever was the cause.
    pub(super) fn note_changed(&mut self, now: Instant, entity_id: &str) {
        if !self.settings.follows(entity_id) {
            return;
        }
        for unchanged in self.refreshing.unchanged.values_mut() {
            unchanged.remove(entity_id);
        }
        self.tell_outcome(now, &[entity_id.into()], true);
    }

    /// A call has ended well: what has not changed since is as it was.
    pub(super) fn note_refreshed(&mut self, now: Instant, call: u64) {
        if let Some(unchanged) = self.refreshing.unchanged.remove(&call) {
            let mut unchanged: Vec<Box<str>> = unchanged.into_iter().collect();
            unchanged.sort_unstable();
            self.tell_outcome(now, &unchanged, false);
        }
    }

    fn tell_outcome(&mut self, now: Instant, entities: &[Box<str>], changed: bool) {
        let handles = entities.iter();
        let handles: Vec<u32> = handles
            .filter_map(|it| self.entities.state_handle(it))
            .filter(|&it| matches!(self.core.interval_of(it), Ok(Some(_))))
            .collect();
        if handles.is_empty() {
            return;
        }
        let changed = vec![changed; handles.len()];
        let told = self.call(now, |core| core.report(now, &handles, &changed));
        if let Err(error) = told {
            tracing::warn!(%error, "what refreshes found is not learned from");
        }
    }

    /// Tells which budgets there are.
    pub(super) fn tell_budgets(&mut self, now: Instant) -> Result<(), Fault> {
        for (name, budget) in &self.settings.budgets {
            self.core.set_group(now, name, *budget)?;
        }
        Ok(())
    }

    /// Asks for the refreshes of an entity, if the settings name it.
    pub(super) fn schedule(
        &mut self,
        now: Instant,
        handle: u32,
        entity_id: &str,
    ) -> Result<(), Fault> {
        let named = self.settings.refresh.iter();
        for (_, refresh) in named.filter(|(entity, _)| entity == entity_id) {
            match refresh {
                Refresh::Every(interval) => {
                    self.core
                        .register(now, handle, interval.as_micros() as i64)?;
                }
                Refresh::Class(class, volatility) => {
                    self.core.register_class(now, handle, *class, *volatility)?;
                }
                Refresh::Measured(bounds) => {
                    self.core.register_measured(now, handle, *bounds)?;
                }
                Refresh::Planned {
                    budget,
                    bounds,
                    weight,
                } => {
                    self.core
                        .register_planned(now, handle, budget, *bounds, *weight)?;
                }
            }
        }
        Ok(())
    }

    /// Takes entities off the schedule that `before` had and the settings no
    /// longer have, and puts the others on it.
    pub(super) fn tell_refreshes(&mut self, now: Instant, before: &Settings) -> Result<(), Fault> {
        let name = |entity: &str| Name {
            entity: entity.into(),
            attribute: None,
        };
        for (entity, _) in &before.refresh {
            // One that is refreshed in another way keeps what was learned of it.
            let stays = self.settings.refresh.iter().any(|(it, _)| it == entity);
            if !stays && let Some(handle) = self.entities.handle(&name(entity)) {
                self.core.unregister(handle)?;
            }
        }
        for entry in self.settings.refresh.clone() {
            if !before.refresh.contains(&entry) {
                let handle = self.intern(now, &name(&entry.0))?;
                self.schedule(now, handle, &entry.0)?;
            }
        }
        for (name, _) in &before.budgets {
            // Only now: it would take its entities off the schedule.
            if !self.settings.budgets.iter().any(|(it, _)| it == name) {
                self.core.remove_group(name)?;
            }
        }
        Ok(())
    }
}
