//! All plugins of a folder: which work, and what happens when a file or the
//! register changes.

mod files;
mod staff;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::watch;
use weirhouse_runner::Engine;

use super::compile::Compiler;
use super::folder::{Folder, FolderError};
use super::obstacle::{described, obstacle, unusable};
use super::register::{Entry, Register, RegisterLock};
use super::settings::wrong_settings;
use super::status::{PluginState, PluginStatus};
use crate::hub::Hub;
use files::{Files, Look, Usable};
use staff::{Staff, Wanted};

/// The folder is looked at this often.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// The plugins of a folder, at work for a hub.
pub struct Plugins {
    folder: Folder,
    compiler: Compiler,
    engine: Engine,
    hub: Weak<Hub>,
    known: Mutex<Known>,
    /// What the configuration says; stronger than the register.
    configured: Mutex<Vec<Entry>>,
    /// Whether it was the end: nothing starts any more.
    stopped: AtomicBool,
}

#[derive(Default)]
struct Known {
    /// Those at work.
    staff: Staff,
    /// Those that are not, each with the reason.
    idle: Vec<PluginStatus>,
    /// Files that were looked at, so that one that did not change is not read
    /// again.
    files: Files,
    /// What the folder looked like when it was last gone through.
    seen: Vec<(PathBuf, Look)>,
    /// In the order in which they are asked.
    order: Vec<String>,
}

impl Plugins {
    /// The plugins of that folder; none works before [`Plugins::reconcile`].
    pub fn new(folder: Folder, engine: Engine, hub: &Arc<Hub>) -> Self {
        Self {
            compiler: Compiler::of_this_program(folder.clone()),
            folder,
            engine,
            hub: Arc::downgrade(hub),
            known: Mutex::default(),
            configured: Mutex::default(),
            stopped: AtomicBool::new(false),
        }
    }

    /// Follows the folder until `stop` becomes true.
    pub async fn follow(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        loop {
            let this = Arc::clone(&self);
            let looked = tokio::task::spawn_blocking(move || this.reconcile_if_changed()).await;
            match looked {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(%error, "plugins stay as they are"),
                Err(_) => return,
            }
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    fn reconcile_if_changed(&self) -> Result<(), FolderError> {
        let components = self.folder.components()?;
        let seen: Vec<(PathBuf, Look)> = components
            .into_iter()
            .chain([self.folder.register()])
            .map(|path| {
                let look = Look::at(&path);
                (path, look)
            })
            .collect();
        // Noted first: what is configured meanwhile asks for another look.
        if std::mem::replace(&mut self.known().seen, seen.clone()) == seen {
            return Ok(());
        }
        self.reconcile().inspect_err(|_| self.known().seen.clear())
    }

    /// Takes what the configuration says, from the next look at the folder on.
    pub fn configure(&self, entries: &[Entry]) {
        lock(&self.configured).clone_from(&entries.to_vec());
        self.known().seen.clear();
    }

    /// What is said of a plugin; of what the configuration names only the
    /// quarantine is the register's.
    fn entry(&self, register: &Register, name: &str) -> Entry {
        let noted = register.get(name);
        let configured = lock(&self.configured);
        let mut entry = match configured.iter().find(|it| it.name == name) {
            Some(entry) => entry.clone(),
            None => noted.cloned().unwrap_or_else(|| Entry::new(name)),
        };
        entry.quarantine = noted.and_then(|it| it.quarantine.clone());
        entry
    }

    /// Brings what works in line with the folder and the register. Blocks while
    /// something new is compiled.
    ///
    /// # Errors
    /// When the folder or the register cannot be read; then all stays as it is.
    pub fn reconcile(&self) -> Result<(), FolderError> {
        let before = self.known().files.clone();
        let files = Files::look(&self.folder, &self.compiler, &self.engine, &before)?;
        let register = self.register(&files)?;
        let Some(hub) = self.hub.upgrade() else {
            return Ok(());
        };
        let mut known = self.known();
        if self.stopped.load(Ordering::Relaxed) {
            return Ok(());
        }
        let (mut wanted, mut idle) = self.sort(&files, &register);
        wanted.sort_by_key(|it| (register.place(&it.name), it.name.clone()));
        let left = known
            .staff
            .take_off(&wanted, &files, &register, &mut idle, &self.folder);
        let policies = known.staff.employ(&wanted, &self.folder, &self.hub);
        known.order = policies.iter().map(|it| it.name.to_string()).collect();
        hub.set_policies(policies, &left);
        known.idle = idle;
        let hashes = files.hashes();
        known.files = files;
        self.compiler.tidy(&hashes);
        Ok(())
    }

    /// What the user said, without quarantines of plugins that are switched off
    /// or not in the folder any more: who switches one on again, or puts it
    /// back, wants to try it again.
    fn register(&self, files: &Files) -> Result<Register, FolderError> {
        let mut present = files.names();
        let mut register = Register::read(&self.folder)?;
        present.retain(|name| self.entry(&register, name).enabled);
        let before = register.clone();
        register.release_all_but(&present);
        if register != before {
            RegisterLock::take(&self.folder)?.change(|it| it.release_all_but(&present))?;
        }
        Ok(register)
    }

    /// Which files are to work, and why the others are not. What worked goes on
    /// if the file in its place is of no use.
    fn sort(&self, files: &Files, register: &Register) -> (Vec<Wanted>, Vec<PluginStatus>) {
        let (mut wanted, mut idle) = (Vec::<Wanted>::new(), Vec::new());
        for (path, file) in files.iter() {
            let trouble = file.trouble.as_ref();
            let trouble = trouble.map(|reason| format!("{}: {reason}", path.display()));
            let Some(Usable { package, sha256 }) = &file.usable else {
                let message = trouble.unwrap_or_default();
                idle.push(unusable(path, &file.sha256, message));
                continue;
            };
            let name = package.description().name.clone();
            let entry = self.entry(register, &name);
            let taken = wanted.iter().any(|it| it.name == name);
            let Some((state, message)) = obstacle(package, &entry, sha256, taken) else {
                wanted.push(Wanted {
                    removals: register.removals(&name),
                    name,
                    package: package.clone(),
                    sha256: sha256.clone(),
                    wrong: wrong_settings(package, &entry.settings),
                    entry,
                    trouble,
                });
                continue;
            };
            if state == PluginState::NeedsGrants {
                let needs = message.as_deref().unwrap_or_default();
                tracing::warn!(plugin = name, needs, "a plugin waits for what it needs");
            }
            let mut status = described(package, sha256);
            status.granted.clone_from(&entry.granted);
            status.state = state;
            let said: Vec<String> = message.into_iter().chain(trouble).collect();
            status.message = (!said.is_empty()).then(|| said.join("; "));
            idle.push(status);
        }
        (wanted, idle)
    }

    /// How all plugins are, in the order in which they are asked; then those
    /// that are not.
    pub fn list(&self) -> Vec<PluginStatus> {
        let counts = self
            .hub
            .upgrade()
            .map(|hub| hub.claimed())
            .unwrap_or_default();
        let known = self.known();
        let working = known.order.iter().enumerate().filter_map(|(place, name)| {
            let mut status = known.staff.status(name)?;
            if let Some((entities, yielded)) = counts.get(place) {
                (status.entities, status.yielded) = (*entities, *yielded);
            }
            Some(status)
        });
        working.chain(known.idle.iter().cloned()).collect()
    }

    /// What is wrong, in a sentence for the health of the whole.
    pub fn trouble(&self) -> Option<String> {
        let troubled = self
            .list()
            .into_iter()
            .filter(|it| matches!(it.state, PluginState::Quarantined | PluginState::Refused));
        let texts: Vec<String> = troubled
            .map(|it| match it.state {
                PluginState::Quarantined => format!("the plugin {} is quarantined", it.name),
                _ => format!("the plugin {} cannot be used", it.name),
            })
            .collect();
        (!texts.is_empty()).then(|| format!("{}; see `weirhouse plugin list`", texts.join(", ")))
    }

    /// What is wrong with settings for a plugin, as far as it is known what it
    /// has.
    pub fn wrong_settings(&self, name: &str, written: &BTreeMap<String, String>) -> Option<String> {
        let known = self.known();
        wrong_settings(known.files.package(name)?, written)
    }

    /// Changes what is said of plugins, and brings what works in line with it.
    ///
    /// # Errors
    /// When the register cannot be read or written; then nothing changed.
    pub fn change(&self, change: impl FnOnce(&mut Register)) -> Result<(), FolderError> {
        RegisterLock::take(&self.folder)?.change(change)?;
        self.reconcile()
    }

    /// Ends all, each when it has given on what waits and written what it
    /// learned.
    pub fn stop(&self) {
        let mut known = self.known();
        self.stopped.store(true, Ordering::Relaxed);
        let staff = std::mem::take(&mut known.staff);
        drop(known);
        let left = staff.stop();
        if let Some(hub) = self.hub.upgrade() {
            hub.set_policies(Vec::new(), &left);
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        lock(&self.known)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
