//! The rules that were written, and changing settings while at work. Which rule
//! is for which series, the optimizer says.

use std::collections::BTreeMap;

use weirhouse_runner::Fault;
use weirhouse_runner::operations::{Cache as _, Fetch as _, Selection as _, Updates as _};
use weirhouse_runner::wit::cache::OwnSettings;
use weirhouse_runner::wit::fetch::OwnPolicy;
use weirhouse_runner::wit::selection::{Candidate, Conditions};
use weirhouse_runner::wit::types::Instant;
use weirhouse_runner::wit::updates::{Publishing, Rule};

use super::engine::Engine;
use super::entities::Name;
use super::{Hub, HubError, Namespace, Settings};

/// Series that are asked about in one call: what crosses at once stays part of
/// the optimizer's memory.
const ASKED_AT_ONCE: usize = 256;

/// A rule, and the series it is for.
#[derive(Debug, Clone, Default)]
pub struct RuleFor {
    /// What a series must be.
    pub conditions: Conditions,
    /// The rule.
    pub rule: Rule,
}

impl Settings {
    /// Whether a rule may publish other numbers than were read.
    pub(super) fn may_choose_numbers(&self) -> bool {
        let others = self.rules.iter().map(|it| &it.rule);
        std::iter::once(&self.default_rule)
            .chain(others)
            .any(|rule| rule.publishing == Publishing::Centred)
    }
}

impl Engine {
    /// Tells the optimizer what holds for all series and the whole cache.
    pub(super) fn tell_settings(&mut self, now: Instant) -> Result<(), Fault> {
        self.core.set_default_rule(&self.settings.default_rule)?;
        self.core.use_presets(self.settings.presets)?;
        if let Some(batching) = self.settings.batching {
            self.core.set_batching(batching)?;
        }
        if let Some(cache) = self.settings.cache {
            self.core.cache_configure(now.mono, cache)?;
        }
        if let Some(policy) = self.settings.fetch {
            self.core.fetch_set_policy(policy)?;
        }
        for namespace in &self.settings.namespaces {
            let name = &namespace.name;
            let kept = namespace.kept;
            self.core.cache_configure_own(now.mono, name, kept)?;
            self.core.fetch_set_own_policy(name, namespace.fetched)?;
        }
        if let Some(bounds) = self.settings.disk_bounds {
            self.core.cache_set_disk_bounds(bounds)?;
        }
        Ok(())
    }

    /// What had something of its own has nothing any more.
    fn forget_namespaces(&mut self, now: Instant, before: &Settings) -> Result<(), Fault> {
        for Namespace { name, .. } in &before.namespaces {
            let mut namespaces = self.settings.namespaces.iter();
            if namespaces.any(|namespace| namespace.name == *name) {
                continue;
            }
            let kept = OwnSettings::default();
            self.core.cache_configure_own(now.mono, name, kept)?;
            let fetched = OwnPolicy::default();
            self.core.fetch_set_own_policy(name, fetched)?;
        }
        Ok(())
    }

    /// Gives each of these series the first rule that is for it, or none.
    pub(super) fn tell_rules(&mut self, series: &[(u32, Name)]) -> Result<(), Fault> {
        let rules = std::mem::take(&mut self.settings.rules);
        let told = self.tell_each(&rules, series);
        self.settings.rules = rules;
        told
    }

    fn tell_each(&mut self, rules: &[RuleFor], series: &[(u32, Name)]) -> Result<(), Fault> {
        let conditions: Vec<_> = rules.iter().map(|it| it.conditions.clone()).collect();
        let mut handles: BTreeMap<Option<u32>, Vec<u32>> = BTreeMap::new();
        for series in series.chunks(ASKED_AT_ONCE) {
            let chosen = if rules.is_empty() {
                vec![None; series.len()]
            } else {
                let candidates = series.iter().map(|(_, name)| self.candidate(name));
                let candidates: Vec<Candidate> = candidates.collect();
                self.core.selection_first(&conditions, &candidates)?
            };
            for ((handle, name), rule) in series.iter().zip(chosen) {
                self.entities.note_rule(name, rule);
                handles.entry(rule).or_default().push(*handle);
            }
        }
        for (rule, handles) in handles {
            let rule = rule.and_then(|place| rules.get(place as usize));
            self.core.set_rule(&handles, rule.map(|it| &it.rule))?;
        }
        Ok(())
    }

    fn candidate(&self, name: &Name) -> Candidate {
        let state = self.state(&name.entity);
        Candidate {
            series: name.series(),
            device_class: state.and_then(|state| state.attributes.text("device_class")),
        }
    }

    fn tell_change(&mut self, now: Instant, before: &Settings) -> Result<(), Fault> {
        self.policies.forget_claims();
        self.forget_namespaces(now, before)?;
        self.tell_settings(now)?;
        let all = self.entities.handles();
        self.tell_rules(&all)?;
        self.tell_budgets(now)?;
        self.tell_refreshes(now, before)
    }
}

impl Hub {
    /// Puts other settings in force, for the next reading on. What was learned,
    /// published and cached stays.
    ///
    /// # Errors
    /// When the optimizer refuses one; then all stay as they were.
    pub fn set_settings(&self, settings: Settings) -> Result<(), HubError> {
        let now = self.clock.now();
        let mut engine = self.lock();
        let before = std::mem::replace(&mut engine.settings, settings);
        let outcome = engine.tell_change(now, &before);
        if outcome.is_err() {
            let refused = std::mem::replace(&mut engine.settings, before);
            if let Err(fault) = engine.tell_change(now, &refused) {
                tracing::error!(%fault, "the settings of before could not be put back");
            }
        }
        engine.recover(now);
        drop(engine);
        // A shorter window or another refresh may be due earlier.
        self.deadline_moved.notify_one();
        Ok(outcome?)
    }
}
