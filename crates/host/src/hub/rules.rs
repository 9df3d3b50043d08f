//! Which rule is for which series, and changing settings while at work.
//!
//! Only the choice by name and device class is made here; globs are matched and
//! rules applied by the optimizer.

use weirhouse_runner::Fault;
use weirhouse_runner::operations::{Cache as _, Filter as _, Schedule as _, Updates as _};
use weirhouse_runner::wit::filter::{Mode, Rules as Globs};
use weirhouse_runner::wit::types::Instant;
use weirhouse_runner::wit::updates::{Publishing, Rule};

use super::engine::Engine;
use super::entities::Name;
use super::{Hub, HubError, Settings};

/// A rule and the series it is for: those that fit everything that is given.
#[derive(Debug, Clone, Default)]
pub struct RuleFor {
    /// Globs over entity ids; one is enough. Empty for all.
    pub entities: Vec<String>,
    /// Domains; one is enough. Empty for all.
    pub domains: Vec<String>,
    /// Device classes; one is enough. Empty for all.
    pub device_classes: Vec<String>,
    /// An attribute by name; `None` for the state.
    pub attribute: Option<String>,
    /// The rule.
    pub rule: Rule,
}

impl RuleFor {
    /// Whether it names no entities in any way.
    pub fn is_for_everything(&self) -> bool {
        self.entities.is_empty() && self.domains.is_empty() && self.device_classes.is_empty()
    }

    /// The globs in the optimizer's words; `None` where there are none.
    pub fn globs(&self) -> Option<Globs> {
        (!self.entities.is_empty()).then(|| Globs {
            mode: Mode::Include,
            patterns: self.entities.clone(),
            exceptions: Vec::new(),
        })
    }

    /// Whether it is for the series, as far as that does not depend on globs.
    fn fits(&self, name: &Name, device_class: Option<&str>) -> bool {
        let domain = name.entity.split_once('.').map_or("", |(domain, _)| domain);
        self.attribute.as_deref() == name.attribute.as_deref()
            && (self.domains.is_empty() || self.domains.iter().any(|it| it == domain))
            && (self.device_classes.is_empty()
                || self
                    .device_classes
                    .iter()
                    .any(|it| Some(it.as_str()) == device_class))
    }
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
    pub(super) fn tell_settings(&mut self) -> Result<(), Fault> {
        self.core.set_default_rule(&self.settings.default_rule)?;
        self.core.use_presets(self.settings.presets)?;
        if let Some(batching) = self.settings.batching {
            self.core.set_batching(batching)?;
        }
        if let Some(cache) = self.settings.cache {
            self.core.cache_configure(None, cache)?;
        }
        if let Some(bounds) = self.settings.disk_bounds {
            self.core.cache_set_disk_bounds(bounds)?;
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
        let mut left: Vec<&(u32, Name)> = series.iter().collect();
        for (number, rule) in (0..).zip(rules) {
            let (fitting, others): (Vec<_>, Vec<_>) = left.into_iter().partition(|(_, name)| {
                let state = self.mirror.get(&name.entity);
                let class = state.and_then(|state| state.attributes.text("device_class"));
                rule.fits(name, class.as_deref())
            });
            left = others;
            let kept = match rule.globs() {
                Some(globs) if !fitting.is_empty() => {
                    let names: Vec<String> = fitting
                        .iter()
                        .map(|(_, name)| name.entity.to_string())
                        .collect();
                    self.core.filter_kept(&globs, &names)?
                }
                _ => vec![1; fitting.len()],
            };
            let mut handles = Vec::with_capacity(fitting.len());
            for (one, kept) in fitting.into_iter().zip(kept) {
                if kept == 1 {
                    handles.push(one.0);
                    self.entities.note_rule(&one.1, Some(number));
                } else {
                    left.push(one);
                }
            }
            if !handles.is_empty() {
                self.core.set_rule(&handles, Some(&rule.rule))?;
            }
        }
        for (_, name) in &left {
            self.entities.note_rule(name, None);
        }
        let left: Vec<u32> = left.into_iter().map(|(handle, _)| *handle).collect();
        if left.is_empty() {
            return Ok(());
        }
        self.core.set_rule(&left, None)
    }

    /// Takes entities off the schedule that `before` had and the settings no
    /// longer have, and puts the others on it.
    fn tell_refreshes(&mut self, now: Instant, before: &Settings) -> Result<(), Fault> {
        let name = |entity: &str| Name {
            entity: entity.into(),
            attribute: None,
        };
        for entry in &before.refresh {
            if !self.settings.refresh.contains(entry)
                && let Some(handle) = self.entities.handle(&name(&entry.0))
            {
                self.core.unregister(handle)?;
            }
        }
        for entry in self.settings.refresh.clone() {
            if !before.refresh.contains(&entry) {
                let handle = self.intern(now, &name(&entry.0))?;
                self.schedule(now, handle, &entry.0)?;
            }
        }
        Ok(())
    }

    fn tell_change(&mut self, now: Instant, before: &Settings) -> Result<(), Fault> {
        self.policies.forget_claims();
        self.tell_settings()?;
        let all = self.entities.handles();
        self.tell_rules(&all)?;
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
