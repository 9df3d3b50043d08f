//! Faults of a plugin: a rest after each, quarantine after three.

use weirhouse_hass::Timestamp;
use weirhouse_runner::plugin::Standing;

use super::{Work, now_ms};
use crate::plugins::register::{Quarantine, Register, RegisterLock};
use crate::plugins::status::PluginState;

impl Work {
    pub(super) fn strike(&mut self, cause: &'static str, fault: &str) {
        let now = self.started.elapsed();
        let standing = self.strikes.strike(now);
        let count = self.strikes.count(now);
        self.status().count_fault(cause, fault.to_owned());
        match standing {
            Standing::RestsUntil(until) => {
                self.rests_until = until;
                tracing::warn!(
                    plugin = self.name,
                    strike = count,
                    fault,
                    "a plugin failed; it rests, and the built-in policy decides"
                );
            }
            Standing::Quarantined => self.quarantine(fault),
        }
    }

    fn quarantine(&mut self, fault: &str) {
        self.quarantined = true;
        self.live = None;
        tracing::error!(
            plugin = self.name,
            fault,
            "a plugin failed three times in ten minutes and is quarantined; `weirhouse plugin quarantine release` ends that"
        );
        let sha256 = self.assignment.as_ref().map(|it| it.sha256.clone());
        let quarantine = Quarantine {
            fault: fault.to_owned(),
            since: Timestamp::from_unix_seconds(now_ms() as f64 / 1000.0).to_string(),
            sha256: sha256.unwrap_or_default(),
        };
        let mut status = self.status();
        status.state = PluginState::Quarantined;
        status.message = Some(format!("since {}: {fault}", quarantine.since));
        drop(status);
        let note = |register: &mut Register| {
            register.entry(&self.name).quarantine = Some(quarantine);
        };
        let noted = RegisterLock::take(&self.folder).and_then(|lock| lock.change(note));
        if let Err(error) = noted {
            tracing::warn!(%error, "the quarantine ends with this run");
        }
    }
}
