//! What only the optimizer knows to be wrong: it is asked, setting by setting,
//! in an instance of its own.

use weirhouse_runner::wit::entities::Series;
use weirhouse_runner::wit::types::Instant;
use weirhouse_runner::{Fault as Refusal, Optimizer};

use super::{Config, Faults};
use crate::hub::{Namespace, Refresh, SHORTEST_REFRESH};

impl Config {
    /// Tells the settings to an optimizer that is used for nothing else.
    ///
    /// # Errors
    /// Everything it refuses, with where that was written.
    pub fn verify(&self, core: &mut dyn Optimizer) -> Result<(), Faults> {
        let mut faults = Vec::new();
        let mut note = |path: &str, told: Result<(), Refusal>| {
            if let Err(refused) = told {
                faults.push(self.fault(path, refused));
            }
        };
        note(
            "default_rule",
            core.set_default_rule(&self.hub.default_rule),
        );
        for (index, rule) in self.hub.rules.iter().enumerate() {
            let path = format!("rule[{}]", index + 1);
            note(&path, core.set_default_rule(&rule.rule));
            let path = format!("{path}.entity");
            let asked = core.selection_first(std::slice::from_ref(&rule.conditions), &[]);
            note(&path, asked.map(drop));
        }
        if let Some(batching) = self.hub.batching {
            note("batching", core.set_batching(batching));
        }
        if let Some(cache) = self.hub.cache {
            note("cache", core.cache_configure(0, cache));
        }
        if let Some(fetch) = self.hub.fetch {
            note("cache", core.fetch_set_policy(fetch));
        }
        for (index, namespace) in self.hub.namespaces.iter().enumerate() {
            let path = format!("namespace[{}]", index + 1);
            let Namespace {
                name,
                kept,
                fetched,
            } = namespace;
            let told = core.cache_configure_own(0, name, *kept);
            note(
                &path,
                told.and_then(|()| core.fetch_set_own_policy(name, *fetched)),
            );
        }
        if let Some(bounds) = self.hub.disk_bounds {
            note("cache.disk_bytes", core.cache_set_disk_bounds(bounds));
        }
        let mut refused = Vec::new();
        for (index, (name, budget)) in self.hub.budgets.iter().enumerate() {
            let path = format!("budget[{}]", index + 1);
            let told = core.set_group(START, name, *budget);
            if told.is_err() {
                refused.push(name);
            }
            note(&path, told);
        }
        for (index, (entity, refresh)) in self.hub.refresh.iter().enumerate() {
            // What comes out of a budget that is refused is not wrong itself.
            if matches!(refresh, Refresh::Planned { budget, .. } if refused.contains(&budget)) {
                continue;
            }
            let path = format!("refresh[{}]", index + 1);
            note(&path, register(core, entity, refresh));
        }
        if faults.is_empty() {
            Ok(())
        } else {
            Err(Faults(faults))
        }
    }
}

/// A moment: which one is no matter here.
const START: Instant = Instant { mono: 0, wall: 0 };

fn register(core: &mut dyn Optimizer, entity: &str, refresh: &Refresh) -> Result<(), Refusal> {
    core.set_shortest_interval(SHORTEST_REFRESH.as_micros() as i64)?;
    let series = Series {
        entity: entity.to_owned(),
        attribute: None,
    };
    let handle = core.intern(&[series])?.first().copied().unwrap_or_default();
    match refresh {
        Refresh::Every(every) => core.register(START, handle, every.as_micros() as i64),
        Refresh::Class(class, volatility) => core
            .register_class(START, handle, *class, *volatility)
            .map(drop),
        Refresh::Measured(bounds) => core.register_measured(START, handle, *bounds).map(drop),
        Refresh::Planned {
            budget,
            bounds,
            weight,
        } => core.register_planned(START, handle, budget, *bounds, *weight),
    }
}
