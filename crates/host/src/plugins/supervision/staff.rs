//! The plugins at work: who begins, who changes, who leaves.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use weirhouse_runner::plugin::{Function, Package};

use super::super::actor::{Actor, Assignment, Order};
use super::super::claims::Claims;
use super::super::folder::Folder;
use super::super::mailbox::Mailbox;
use super::super::register::{Entry, Register};
use super::super::status::PluginStatus;
use super::files::Files;
use super::lock;
use crate::hub::{Hub, Policy};

/// Those at work, by name.
#[derive(Default)]
pub(super) struct Staff(BTreeMap<String, Working>);

struct Working {
    actor: Actor,
    sha256: String,
    entry: Entry,
    removals: u64,
    trouble: Option<String>,
    wrong: Option<String>,
}

/// A plugin that is to work.
pub(super) struct Wanted {
    pub(super) name: String,
    pub(super) package: Package,
    pub(super) sha256: String,
    pub(super) entry: Entry,
    /// How often one of its name was removed before.
    pub(super) removals: u64,
    /// What is wrong with the file in its place, if it is not of that one.
    pub(super) trouble: Option<String>,
    /// What is wrong with its settings.
    pub(super) wrong: Option<String>,
}

impl Staff {
    /// How one of them is.
    pub(super) fn status(&self, name: &str) -> Option<PluginStatus> {
        let working = self.0.get(name)?;
        let mut status = lock(&working.actor.status).clone();
        let trouble = working.trouble.as_ref();
        let trouble = trouble.map(|it| format!("{it}; version {} goes on", status.version));
        let of_itself = status.message.take();
        let said = trouble.into_iter().chain(working.wrong.clone());
        let said: Vec<String> = said.chain(of_itself).collect();
        status.message = (!said.is_empty()).then(|| said.join("; "));
        Some(status)
    }

    /// Ends those that are not wanted any more, and forgets what they learned
    /// if their file is gone or was removed since; gives the mailboxes that they leave.
    pub(super) fn take_off(
        &mut self,
        wanted: &[Wanted],
        files: &Files,
        register: &Register,
        idle: &mut [PluginStatus],
        folder: &Folder,
    ) -> Vec<Arc<Mailbox>> {
        let is_removed =
            |name: &str, working: &Working| register.removals(name) != working.removals;
        let gone = self.0.extract_if(.., |name, working| {
            is_removed(name, working) || !wanted.iter().any(|it| it.name == *name)
        });
        let mut left = Vec::new();
        for (name, working) in gone {
            let is_removed = is_removed(&name, &working);
            left.push(Arc::clone(&working.actor.mailbox));
            let status = Arc::clone(&working.actor.status);
            working.actor.stop();
            // What it did is of interest still, most of all how it failed.
            let successor = idle.iter_mut().find(|it| it.name == name);
            if let Some(idle) = successor.filter(|_| !is_removed) {
                let past = lock(&status).clone();
                idle.remember(past);
            }
            if is_removed || files.package(&name).is_none() {
                folder.forget(&name);
            }
            tracing::info!(plugin = name, "a plugin was taken off");
        }
        left
    }

    /// Has the wanted ones work; gives what the hub has to know.
    pub(super) fn employ(
        &mut self,
        wanted: &[Wanted],
        folder: &Folder,
        hub: &Weak<Hub>,
    ) -> Vec<Policy> {
        let mut policies = Vec::with_capacity(wanted.len());
        for wanted in wanted {
            self.assign(wanted, folder, hub);
            if let Some(working) = self.0.get_mut(&wanted.name) {
                working.trouble.clone_from(&wanted.trouble);
                if working.wrong != wanted.wrong {
                    working.wrong.clone_from(&wanted.wrong);
                    working.warn(&wanted.name);
                }
                policies.push(working.policy(wanted));
            }
        }
        policies
    }

    /// Gives a plugin what is new, starting its thread if it has none.
    fn assign(&mut self, wanted: &Wanted, folder: &Folder, hub: &Weak<Hub>) {
        let Wanted {
            name,
            package,
            sha256,
            entry,
            ..
        } = wanted;
        let assignment = || Assignment {
            package: package.clone(),
            sha256: sha256.clone(),
            granted: entry.capabilities(),
            written: entry.settings.clone(),
        };
        if let Some(working) = self.0.get_mut(name) {
            if working.sha256 != *sha256 || working.entry != *entry {
                let order = Order::Take(Box::new(assignment()));
                working.actor.mailbox.order(order);
                working.sha256.clone_from(sha256);
                working.entry.clone_from(entry);
                tracing::info!(plugin = name, "a plugin changed");
            }
            return;
        }
        match Actor::start(name, folder.clone(), hub.clone(), assignment()) {
            Ok(actor) => {
                let working = Working {
                    actor,
                    sha256: sha256.clone(),
                    entry: entry.clone(),
                    removals: wanted.removals,
                    trouble: None,
                    wrong: None,
                };
                self.0.insert(name.clone(), working);
                let version = &package.description().version;
                tracing::info!(plugin = name, version, "a plugin works");
            }
            Err(error) => tracing::error!(plugin = name, %error, "a plugin got no thread"),
        }
    }

    /// Ends all, each when it has given on what waits and written what it
    /// learned; gives the mailboxes that they leave.
    pub(super) fn stop(self) -> Vec<Arc<Mailbox>> {
        // All at once: they need not wait for one another.
        for working in self.0.values() {
            working.actor.mailbox.order(Order::Stop);
        }
        let mut left = Vec::new();
        for working in self.0.into_values() {
            left.push(Arc::clone(&working.actor.mailbox));
            working.actor.stop();
        }
        left
    }
}

impl Working {
    /// Puts what is wrong with its settings into the log.
    fn warn(&self, plugin: &str) {
        if let Some(wrong) = &self.wrong {
            tracing::warn!(plugin, wrong, "these settings are not what a plugin takes");
        }
    }

    /// What the hub has to know.
    fn policy(&self, wanted: &Wanted) -> Policy {
        let package = &wanted.package;
        let functions = [
            Function::Judge,
            Function::JudgeNumbers,
            Function::Transform,
            Function::Interval,
            Function::Ttl,
        ];
        Policy {
            name: wanted.name.as_str().into(),
            claims: Claims::of(package.description()),
            mailbox: Arc::clone(&self.actor.mailbox),
            decides: functions
                .into_iter()
                .filter(|function| package.decides(*function))
                .collect(),
        }
    }
}
