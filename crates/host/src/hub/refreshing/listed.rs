//! Which entities are refreshed, and how often by now.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;
use weirhouse_runner::wit::types::Instant;

use crate::hub::engine::Engine;
use crate::hub::{BudgetStats, Hub, HubError, Refresh};

/// What `GET /v1/refreshes` answers.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Refreshes {
    /// In the order in which they are configured.
    pub refreshes: Vec<RefreshedEntity>,
    /// Budgets by name.
    pub budgets: BTreeMap<String, BudgetStats>,
}

/// How an entity is refreshed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RefreshedEntity {
    /// Which.
    pub entity_id: String,
    /// What its interval follows from, unless a plugin wants another.
    pub pace: RefreshPace,
    /// The budget its refreshes come out of.
    pub budget: Option<String>,
    /// The interval by now, in seconds.
    pub interval_s: Option<f64>,
    /// Until it is due, in seconds; out of a budget, until it is at the earliest.
    pub next_in_s: Option<f64>,
    /// How often it changes, as far as that was learned.
    pub changes_per_day: Option<f64>,
}

/// What an interval follows from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RefreshPace {
    /// It was given.
    Fixed,
    /// Class and volatility.
    Class,
    /// How often it changes.
    Measured,
    /// What a budget is best spent on.
    Planned,
}

impl Hub {
    /// Which entities are refreshed, and how often by now.
    ///
    /// # Errors
    /// When the optimizer does not answer.
    pub fn refreshes(&self) -> Result<Refreshes, HubError> {
        self.with_engine(|engine| engine.refreshes(self.clock.now()))
    }
}

impl Engine {
    fn refreshes(&mut self, now: Instant) -> Result<Refreshes, HubError> {
        let configured = self.settings.refresh.clone();
        let mut refreshes = Vec::with_capacity(configured.len());
        for (entity_id, refresh) in configured {
            let handle = self.entities.state_handle(&entity_id);
            let (interval, next, changes_per_day) = match handle {
                None => (None, None, None),
                Some(handle) => self.call(now, |core| {
                    Ok((
                        core.interval_of(handle)?,
                        core.next_of(handle)?,
                        core.changes_per_day(handle)?,
                    ))
                })?,
            };
            let (pace, budget) = match refresh {
                Refresh::Every(_) => (RefreshPace::Fixed, None),
                Refresh::Class(..) => (RefreshPace::Class, None),
                Refresh::Measured(_) => (RefreshPace::Measured, None),
                Refresh::Planned { budget, .. } => (RefreshPace::Planned, Some(budget)),
            };
            let seconds = |us: u64| Duration::from_micros(us).as_secs_f64();
            refreshes.push(RefreshedEntity {
                entity_id,
                pace,
                budget,
                interval_s: interval.map(|us| seconds(us.unsigned_abs())),
                next_in_s: next.map(|at_us| seconds(at_us.saturating_sub(now.mono))),
                changes_per_day,
            });
        }
        Ok(Refreshes {
            refreshes,
            budgets: self.budget_stats(now)?,
        })
    }
}
