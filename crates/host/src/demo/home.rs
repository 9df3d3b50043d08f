//! Devices and the times at which they report, in virtual time.
//!
//! No clock: the caller says how much time has passed. Equal settings and
//! equal steps give equal readings.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use fastrand::Rng;
use serde_json::{Map, Value, json};
use weirhouse_hass::{Change, Registry, Snapshot, Timestamp};

use super::device::{Device, Reading};
use super::{Settings, registries};

/// The simulated home.
pub struct Home {
    devices: Vec<Device>,
    /// When each device reports next, by index.
    due: BinaryHeap<Reverse<(Duration, usize)>>,
    random: Rng,
    /// Wall time at virtual time zero.
    epoch: Timestamp,
    now: Duration,
    /// Factor on the natural intervals of all devices.
    pace: f64,
    /// Changes so far: each gets a context of its own.
    changes: u64,
}

impl Home {
    /// A home at virtual time zero, which is `epoch` in wall time.
    pub fn new(settings: Settings, epoch: Timestamp) -> Self {
        let mut random = Rng::with_seed(settings.seed);
        let devices: Vec<Device> = (0..settings.entities.max(1))
            .map(|index| Device::new(index, &mut random))
            .collect();
        let natural_hz: f64 = devices
            .iter()
            .map(|device| device.interval.as_secs_f64().recip())
            .sum();
        let pace = natural_hz / settings.rate_hz;
        let mut home = Self {
            devices,
            due: BinaryHeap::new(),
            random,
            epoch,
            now: Duration::ZERO,
            pace,
            changes: 0,
        };
        for index in 0..home.devices.len() {
            // Anywhere in the first interval, so that devices are not in step.
            let share = home.random.f64();
            home.schedule(index, share);
        }
        home
    }

    /// All states now.
    pub fn snapshot(&self) -> Snapshot {
        let at = self.seconds(self.now);
        self.devices
            .iter()
            .filter_map(|device| {
                let state = json!({
                    "s": device.state(), "a": device.attributes(), "c": context(0), "lc": at,
                });
                let state = serde_json::from_str(&state.to_string()).ok()?;
                Some((device.entity_id.clone(), state))
            })
            .collect()
    }

    /// Where everything stands.
    pub fn registries(&self) -> Vec<Registry> {
        registries::all(self.devices.iter().map(|device| device.entity_id.as_str()))
    }

    /// The virtual time of the next reading.
    pub fn next_due(&self) -> Duration {
        self.due
            .peek()
            .map_or(Duration::MAX, |Reverse((due, _))| *due)
    }

    /// Takes the readings due until `now`, at most `most`, and lists those
    /// that changed something.
    pub fn advance(&mut self, now: Duration, most: usize) -> Vec<Change> {
        let mut changes = Vec::new();
        while changes.len() < most {
            match self.due.peek() {
                Some(Reverse((due, _))) if *due <= now => {}
                _ => break,
            }
            let Some(Reverse((due, index))) = self.due.pop() else {
                break;
            };
            self.now = due;
            changes.extend(self.read(index));
            // Between half and one and a half intervals: devices drift apart.
            let share = 0.5 + self.random.f64();
            self.schedule(index, share);
        }
        changes
    }

    /// Lets one device report.
    fn read(&mut self, index: usize) -> Option<Change> {
        let at = self.seconds(self.now);
        let device = self.devices.get_mut(index)?;
        let Reading {
            state_changed,
            attributes,
        } = device.read(&mut self.random)?;
        self.changes += 1;
        let mut parts = Map::new();
        if state_changed {
            parts.insert("s".to_owned(), device.state().into());
            parts.insert("lc".to_owned(), at.into());
        } else {
            parts.insert("lu".to_owned(), at.into());
        }
        if !attributes.is_empty() {
            parts.insert("a".to_owned(), Value::Object(attributes));
        }
        parts.insert("c".to_owned(), context(self.changes).into());
        Some(Change::Updated {
            entity_id: device.entity_id.clone(),
            diff: serde_json::from_str(&json!({ "+": parts }).to_string()).ok()?,
        })
    }

    fn schedule(&mut self, index: usize, share: f64) {
        let Some(device) = self.devices.get(index) else {
            return;
        };
        let wait = device.interval.as_secs_f64() * self.pace * share;
        // Never zero, or one advance would not end.
        let wait = Duration::try_from_secs_f64(wait)
            .unwrap_or(Duration::MAX)
            .max(Duration::from_micros(1));
        self.due
            .push(Reverse((self.now.saturating_add(wait), index)));
    }

    /// Wall time in seconds since the Unix epoch.
    fn seconds(&self, at: Duration) -> f64 {
        self.epoch.as_micros() as f64 / 1e6 + at.as_secs_f64()
    }
}

/// Something of the length of Home Assistant's context ids.
fn context(number: u64) -> String {
    format!("{number:026X}")
}

#[cfg(test)]
mod tests {
    use weirhouse_hass::Mirror;

    use super::*;

    const EPOCH: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

    /// All changes of `span`, in steps of `step`, as text.
    fn script(settings: Settings, span: Duration, step: Duration) -> Vec<String> {
        let mut home = Home::new(settings, EPOCH);
        let mut script = Vec::new();
        let mut now = Duration::ZERO;
        while now < span {
            now += step;
            script.extend(
                home.advance(now, usize::MAX)
                    .iter()
                    .map(|change| format!("{change:?}")),
            );
        }
        script
    }

    #[test]
    fn equal_seeds_give_equal_readings_whatever_the_steps() {
        let settings = Settings::default();
        let span = Duration::from_mins(2);
        let one = script(settings, span, Duration::from_secs(1));
        assert!(one.len() > 500, "{}", one.len());
        assert_eq!(one, script(settings, span, span));
        let other = Settings {
            seed: 2,
            ..settings
        };
        assert_ne!(one, script(other, span, Duration::from_secs(1)));
    }

    #[test]
    fn readings_come_at_the_rate_asked_for() {
        let settings = Settings {
            rate_hz: 200.0,
            ..Settings::default()
        };
        let changes = script(settings, Duration::from_mins(1), Duration::from_secs(1)).len();
        // Equal readings are no changes: fewer than 12,000, but not by far.
        assert!((6_000..=12_600).contains(&changes), "{changes}");
    }

    #[test]
    fn every_entity_is_in_the_snapshot_once_and_every_change_applies() {
        for entities in [1, 4, 60, 500] {
            let settings = Settings {
                entities,
                rate_hz: 500.0,
                seed: 3,
            };
            let mut home = Home::new(settings, EPOCH);
            let mut mirror = Mirror::new();
            mirror.replace(home.snapshot(), Duration::ZERO);
            for second in 1..=10 {
                let now = Duration::from_secs(second);
                for change in home.advance(now, usize::MAX) {
                    let seen = mirror.apply(change, now).expect("a known entity");
                    assert!(
                        seen.state_changed || !seen.attributes_changed.is_empty(),
                        "{seen:?}"
                    );
                }
            }
            for device in &home.devices {
                let state = mirror.get(&device.entity_id).expect("in the snapshot");
                assert_eq!(state.state, device.state(), "{}", device.entity_id);
            }
            assert_eq!(mirror.len(), entities);
        }
    }

    #[test]
    fn a_home_has_outages_and_recoveries() {
        let script = script(
            Settings {
                rate_hz: 100.0,
                ..Settings::default()
            },
            Duration::from_mins(10),
            Duration::from_mins(1),
        );
        assert!(script.iter().any(|line| line.contains("unavailable")));
    }
}
