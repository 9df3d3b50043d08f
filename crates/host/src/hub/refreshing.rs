//! Refreshes: how the settings want them, and what those that were asked for
//! have found.
//!
//! When an entity is due the optimizer says. For those whose interval follows
//! what they do it is told of every change, and of every call that found none.

use std::collections::{BTreeMap, HashSet};

use weirhouse_runner::Fault;
use weirhouse_runner::operations::Schedule as _;
use weirhouse_runner::wit::types::Instant;

use super::Hub;
use super::engine::Engine;
use super::entities::Name;
use super::settings::{Refresh, Settings};

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

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;
    use std::sync::Arc;
    use std::time::Duration;

    use weirhouse_hass::{Change, CommandError, CommandOutcome, DisconnectReason, Event, State};
    use weirhouse_runner::operations::{Entities as _, Schedule as _};
    use weirhouse_runner::wit::schedule::{Bounds, Budget};

    use super::super::{Hub, Refresh, Settings, tests};
    use crate::store::MemoryStore;

    const BOUNDS: Bounds = Bounds {
        shortest: 15_000_000,
        longest: 86_400_000_000,
    };

    fn open(settings: Settings) -> (Hub, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let hub = tests::open(folder.path(), Arc::new(MemoryStore::new()), settings);
        (hub, folder)
    }

    fn read(hub: &Hub, entity: &str, text: &str) {
        let json = format!(r#"{{"s":"{text}","a":{{}},"c":"c","lc":1.5}}"#);
        let state: State = serde_json::from_str(&json).unwrap();
        let entity_id = entity.into();
        hub.handle(Event::Changes(vec![Change::Added { entity_id, state }]));
    }

    fn ended(hub: &Hub, call: u64, result: Result<CommandOutcome, CommandError>) {
        hub.handle(Event::CommandResult {
            correlation: call,
            result,
        });
    }

    fn changes_per_day(hub: &Hub, entity: &str) -> Option<f64> {
        let mut engine = hub.lock();
        let handle = engine.entities.state_handle(entity)?;
        engine.core.changes_per_day(handle).unwrap()
    }

    fn interval(hub: &Hub, entity: &str) -> Duration {
        let mut engine = hub.lock();
        let handle = engine.entities.state_handle(entity).unwrap();
        let interval = engine.core.interval_of(handle).unwrap().unwrap();
        Duration::from_micros(interval.unsigned_abs())
    }

    /// What the optimizer makes of a call after which this happened.
    fn learned(after: impl FnOnce(&Hub, u64)) -> Ordering {
        let refresh = vec![("sensor.a".to_owned(), Refresh::Measured(BOUNDS))];
        let (hub, _folder) = open(Settings {
            refresh,
            ..Settings::default()
        });
        for text in ["1", "2", "3"] {
            std::thread::sleep(Duration::from_millis(20));
            read(&hub, "sensor.a", text);
        }
        let call = hub.refreshes_asked(&["sensor.a".to_owned()]);
        let before = changes_per_day(&hub, "sensor.a").unwrap();
        after(&hub, call);
        assert!(before > 0.0, "it has changed twice since the first report");
        changes_per_day(&hub, "sensor.a")
            .unwrap()
            .total_cmp(&before)
    }

    #[test]
    fn a_call_that_finds_nothing_new_slows_down_and_one_that_fails_says_nothing() {
        let nothing_new = |hub: &Hub, call: u64| {
            std::thread::sleep(Duration::from_millis(200));
            ended(hub, call, Ok(CommandOutcome::default()));
            ended(hub, call, Ok(CommandOutcome::default()));
        };
        assert_eq!(learned(nothing_new), Ordering::Less);
        let failed = learned(|hub, call| ended(hub, call, Err(CommandError::NotConnected)));
        assert_eq!(failed, Ordering::Equal);
        let never_sent = learned(|hub, call| {
            hub.refreshes_not_asked(call);
            ended(hub, call, Ok(CommandOutcome::default()));
        });
        assert_eq!(never_sent, Ordering::Equal);
        // What it found was told when it came.
        let found = learned(|hub, call| {
            read(hub, "sensor.a", "4");
            let told = changes_per_day(hub, "sensor.a");
            ended(hub, call, Ok(CommandOutcome::default()));
            assert_eq!(changes_per_day(hub, "sensor.a"), told);
        });
        assert_eq!(found, Ordering::Greater);
    }

    #[test]
    fn what_was_due_while_nobody_could_be_asked_is_asked_for_once() {
        let (hub, _folder) = open(Settings {
            refresh: vec![("sensor.a".into(), Refresh::Every(Duration::from_hours(1)))],
            ..Settings::default()
        });
        let now = hub.clock.now();
        {
            let core = &mut hub.lock().core;
            core.set_shortest_interval(1).unwrap();
            let handle = core.all_handles().unwrap()[0];
            core.register(now, handle, 20_000).unwrap();
        }
        let pass = || {
            std::thread::sleep(Duration::from_millis(50));
            hub.tick().refresh
        };
        assert!(
            pass().is_empty() && pass().is_empty(),
            "there is no connection"
        );
        let due = hub.handle(Event::Connected { ha_version: None }).refresh;
        assert_eq!(due, ["sensor.a"]);
        assert_eq!(pass(), ["sensor.a"], "from here on it goes on");
        hub.handle(Event::Disconnected {
            reason: DisconnectReason::Refused {
                address: "home:8123".into(),
            },
            retry_in: Duration::from_secs(1),
        });
        assert!(pass().is_empty());
        assert_eq!(hub.stats().unwrap().schedule.refreshes, 2);
    }

    #[test]
    fn what_changes_often_is_asked_often() {
        let refresh = vec![("sensor.a".to_owned(), Refresh::Measured(BOUNDS))];
        let (hub, _folder) = open(Settings {
            refresh,
            ..Settings::default()
        });
        read(&hub, "sensor.a", "0");
        assert!(interval(&hub, "sensor.a") > Duration::from_mins(10));
        for value in 1..30 {
            read(&hub, "sensor.a", &value.to_string());
        }
        assert_eq!(interval(&hub, "sensor.a"), Duration::from_secs(15));
    }

    #[test]
    fn budgets_come_and_go_with_the_settings_and_stay_spent() {
        let budget = |per_day| Budget {
            per_minute: None,
            per_day: Some(per_day),
            reserve: 0.0,
            reset_minute: 0,
            night: None,
        };
        let settings = |budgets: &[(&str, u32)], refresh: &[(&str, &str)]| Settings {
            budgets: budgets
                .iter()
                .map(|(name, per_day)| ((*name).to_owned(), budget(*per_day)))
                .collect(),
            refresh: refresh
                .iter()
                .map(|(entity, budget)| {
                    let planned = Refresh::Planned {
                        budget: (*budget).to_owned(),
                        bounds: BOUNDS,
                        weight: 1.0,
                    };
                    ((*entity).to_owned(), planned)
                })
                .collect(),
            ..Settings::default()
        };
        let members = |hub: &Hub| {
            let budgets = hub.stats().unwrap().schedule.budgets;
            let members = budgets.into_iter().map(|(name, it)| (name, it.members));
            members.collect::<Vec<_>>()
        };
        let (hub, _folder) = open(settings(
            &[("cloud", 10)],
            &[("sensor.a", "cloud"), ("sensor.b", "cloud")],
        ));
        assert_eq!(members(&hub), [("cloud".to_owned(), 2)]);
        let left = || hub.stats().unwrap().schedule.budgets["cloud"].left_today;
        assert_eq!(left(), Some(10));
        let handle = hub.lock().entities.state_handle("sensor.a").unwrap();
        let now = hub.clock.now();
        let asked = hub.lock().core.ask(now, handle, true).unwrap();
        assert_eq!((asked, left()), (None, Some(9)));

        // A plugin does not spend what is not its own.
        let before = interval(&hub, "sensor.a");
        hub.take_intervals(&[("sensor.a".into(), 15_000)]);
        assert_eq!(interval(&hub, "sensor.a"), before);

        hub.set_settings(settings(
            &[("cloud", 20), ("other", 5)],
            &[("sensor.a", "cloud"), ("sensor.b", "other")],
        ))
        .unwrap();
        let one_each = [("cloud".to_owned(), 1), ("other".to_owned(), 1)];
        assert_eq!((members(&hub), left()), (one_each.to_vec(), Some(19)));
        let refused = settings(&[("cloud", 20)], &[("sensor.a", "nowhere")]);
        assert!(hub.set_settings(refused).is_err());
        assert_eq!((members(&hub), left()), (one_each.to_vec(), Some(19)));

        hub.set_settings(settings(&[], &[])).unwrap();
        assert_eq!(members(&hub), []);
        assert_eq!(hub.deadline(), None);
        hub.set_settings(settings(&[("cloud", 10)], &[("sensor.a", "cloud")]))
            .unwrap();
        assert_eq!(left(), Some(9), "closing it gives nothing back");
    }
}
