//! All plugins of a folder: which work, and what happens when a file or the
//! register changes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use weirhouse_runner::Engine;
use weirhouse_runner::plugin::{Function, Package};

use super::actor::{Actor, Assignment, Order};
use super::claims::Claims;
use super::compile::Compiler;
use super::folder::{Folder, FolderError, Installed};
use super::mailbox::Mailbox;
use super::obstacle::{described, obstacle, unusable};
use super::register::{Entry, Register, RegisterLock};
use super::status::{PluginState, PluginStatus};
use crate::hub::{Hub, Policy};

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
    /// Those at work, by name.
    working: BTreeMap<String, Working>,
    /// Those that are not, each with the reason.
    idle: Vec<PluginStatus>,
    /// Files that were looked at, so that one that did not change is not read
    /// again.
    files: BTreeMap<PathBuf, File>,
    /// What the folder looked like when it was last gone through.
    seen: Vec<(PathBuf, Option<SystemTime>, u64)>,
    /// In the order in which they are asked.
    order: Vec<String>,
}

struct Working {
    actor: Actor,
    sha256: String,
    entry: Entry,
}

#[derive(Clone)]
struct File {
    modified: Option<SystemTime>,
    sha256: String,
    /// What it is, or why it is of no use.
    package: Result<Package, String>,
}

/// A plugin that is to work.
struct Wanted {
    name: String,
    package: Package,
    sha256: String,
    entry: Entry,
}

impl Known {
    /// What works goes on if the file in its place is of no use, with that
    /// noted.
    fn goes_on(&self, path: &Path, message: &str) -> Option<Wanted> {
        let stem = path.file_stem()?.to_string_lossy();
        let working = self.working.get(&*stem)?;
        let package = self.files.get(path)?.package.as_ref().ok()?;
        let mut status = lock(&working.actor.status);
        status.message = Some(format!("{message}; version {} goes on", status.version));
        Some(Wanted {
            name: stem.into_owned(),
            package: package.clone(),
            sha256: working.sha256.clone(),
            entry: working.entry.clone(),
        })
    }
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
        let mut seen = Vec::new();
        for path in self
            .folder
            .components()?
            .into_iter()
            .chain([self.folder.register()])
        {
            let about = std::fs::metadata(&path).ok();
            let length = about.as_ref().map_or(0, std::fs::Metadata::len);
            seen.push((path, about.and_then(|it| it.modified().ok()), length));
        }
        if self.known().seen == seen {
            return Ok(());
        }
        self.reconcile()?;
        self.known().seen = seen;
        Ok(())
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
        let files = self.files()?;
        let register = self.register(&files)?;
        let Some(hub) = self.hub.upgrade() else {
            return Ok(());
        };
        let mut known = self.known();
        if self.stopped.load(Ordering::Relaxed) {
            return Ok(());
        }
        let (mut wanted, mut idle) = self.sort(&known, &files, &register);
        wanted.sort_by_key(|it| (register.place(&it.name), it.name.clone()));
        let left = self.take_off(&mut known, &wanted, &files, &mut idle);
        let policies = self.employ(&mut known, wanted);
        known.order = policies.iter().map(|it| it.name.to_string()).collect();
        hub.set_policies(policies, &left);
        known.idle = idle;
        let hashes: Vec<String> = files.values().map(|it| it.sha256.clone()).collect();
        // One that was refused must not take the place of what it was to replace.
        for (path, file) in files {
            if file.package.is_ok() || !known.files.contains_key(&path) {
                known.files.insert(path, file);
            }
        }
        self.compiler.tidy(&hashes);
        Ok(())
    }

    /// What the user said, without quarantines of plugins that are switched off
    /// or not in the folder any more: who switches one on again, or puts it
    /// back, wants to try it again.
    fn register(&self, files: &BTreeMap<PathBuf, File>) -> Result<Register, FolderError> {
        let packages = files.values().filter_map(|file| file.package.as_ref().ok());
        let mut present: Vec<String> = packages
            .map(|package| package.description().name.clone())
            .collect();
        // One whose file cannot be used is there all the same.
        let stems = files.keys().filter_map(|path| path.file_stem());
        present.extend(stems.map(|stem| stem.to_string_lossy().into_owned()));
        let mut register = Register::read(&self.folder)?;
        present.retain(|name| self.entry(&register, name).enabled);
        let before = register.clone();
        register.release_all_but(&present);
        if register != before {
            RegisterLock::take(&self.folder)?.change(|it| it.release_all_but(&present))?;
        }
        Ok(register)
    }

    /// Which files are to work, and why the others are not.
    fn sort(
        &self,
        known: &Known,
        files: &BTreeMap<PathBuf, File>,
        register: &Register,
    ) -> (Vec<Wanted>, Vec<PluginStatus>) {
        let (mut wanted, mut idle) = (Vec::<Wanted>::new(), Vec::new());
        for (path, file) in files {
            let package = match &file.package {
                Ok(package) => package,
                Err(reason) => {
                    let message = format!("{}: {reason}", path.display());
                    match known.goes_on(path, &message) {
                        Some(before) => wanted.push(before),
                        None => idle.push(unusable(path, &file.sha256, message)),
                    }
                    continue;
                }
            };
            let name = package.description().name.clone();
            let entry = self.entry(register, &name);
            let taken = wanted.iter().any(|it| it.name == name);
            let Some((state, message)) = obstacle(package, &entry, &file.sha256, taken) else {
                wanted.push(Wanted {
                    name,
                    package: package.clone(),
                    sha256: file.sha256.clone(),
                    entry,
                });
                continue;
            };
            if state == PluginState::NeedsGrants {
                let needs = message.as_deref().unwrap_or_default();
                tracing::warn!(plugin = name, needs, "a plugin waits for what it needs");
            }
            let mut status = described(package, &file.sha256);
            status.granted.clone_from(&entry.granted);
            (status.state, status.message) = (state, message);
            idle.push(status);
        }
        (wanted, idle)
    }

    /// Ends those that are not wanted any more; gives the mailboxes that they
    /// leave.
    fn take_off(
        &self,
        known: &mut Known,
        wanted: &[Wanted],
        files: &BTreeMap<PathBuf, File>,
        idle: &mut [PluginStatus],
    ) -> Vec<Arc<Mailbox>> {
        let names = known.working.keys();
        let gone: Vec<String> = names
            .filter(|name| !wanted.iter().any(|it| it.name == **name))
            .cloned()
            .collect();
        let mut left = Vec::new();
        for name in gone {
            let Some(working) = known.working.remove(&name) else {
                continue;
            };
            left.push(Arc::clone(&working.actor.mailbox));
            let status = Arc::clone(&working.actor.status);
            working.actor.stop();
            // What it did is of interest still, most of all how it failed.
            if let Some(idle) = idle.iter_mut().find(|it| it.name == name) {
                let past = lock(&status).clone();
                idle.remember(past);
            }
            let is_it = |file: &File| {
                let package = file.package.as_ref();
                package.is_ok_and(|it| it.description().name == name)
            };
            if !files.values().any(is_it) {
                self.folder.forget(&name);
            }
            tracing::info!(plugin = name, "a plugin was taken off");
        }
        left
    }

    /// Has the wanted ones work; gives what the hub has to know.
    fn employ(&self, known: &mut Known, wanted: Vec<Wanted>) -> Vec<Policy> {
        let mut policies = Vec::with_capacity(wanted.len());
        for wanted in wanted {
            let changed = match known.working.get(&wanted.name) {
                Some(working) => working.sha256 != wanted.sha256 || working.entry != wanted.entry,
                None => true,
            };
            if changed && !self.assign(known, &wanted) {
                continue;
            }
            let package = &wanted.package;
            if let Some(working) = known.working.get(&wanted.name) {
                policies.push(Policy {
                    name: wanted.name.as_str().into(),
                    claims: Claims::of(package.description()),
                    mailbox: Arc::clone(&working.actor.mailbox),
                    decides: [
                        Function::Judge,
                        Function::JudgeNumbers,
                        Function::Transform,
                        Function::Interval,
                        Function::Ttl,
                    ]
                    .into_iter()
                    .filter(|function| package.decides(*function))
                    .collect(),
                });
            }
        }
        policies
    }

    /// Gives a plugin something to work with, starting its thread if it has
    /// none; says whether it works.
    fn assign(&self, known: &mut Known, wanted: &Wanted) -> bool {
        let Wanted {
            name,
            package,
            sha256,
            entry,
        } = wanted;
        let assignment = Assignment {
            package: package.clone(),
            sha256: sha256.clone(),
            granted: entry.capabilities(),
            written: entry.settings.clone(),
        };
        if let Some(working) = known.working.get_mut(name) {
            let order = Order::Take(Box::new(assignment));
            working.actor.mailbox.order(order);
            working.sha256.clone_from(sha256);
            working.entry.clone_from(entry);
            tracing::info!(plugin = name, "a plugin changed");
            return true;
        }
        let folder = self.folder.clone();
        match Actor::start(name, folder, self.hub.clone(), assignment) {
            Ok(actor) => {
                let working = Working {
                    actor,
                    sha256: sha256.clone(),
                    entry: entry.clone(),
                };
                known.working.insert(name.clone(), working);
                let version = &package.description().version;
                tracing::info!(plugin = name, version, "a plugin works");
                true
            }
            Err(error) => {
                tracing::error!(plugin = name, %error, "a plugin got no thread");
                false
            }
        }
    }

    /// What the files of the folder are.
    fn files(&self) -> Result<BTreeMap<PathBuf, File>, FolderError> {
        let mut files = BTreeMap::new();
        for path in self.folder.components()? {
            let modified = std::fs::metadata(&path).and_then(|it| it.modified()).ok();
            let before = self.known().files.get(&path).cloned();
            if let Some(before) = before.filter(|it| it.modified == modified && modified.is_some())
            {
                files.insert(path, before);
                continue;
            }
            let installed = Installed::at(&path)?;
            let made = self.compiler.load(&self.engine, &path);
            let package = made.map(|it| it.package).map_err(|error| error.to_string());
            if let Err(error) = &package {
                tracing::warn!(path = %path.display(), error, "this file is no plugin that can be used");
            }
            let file = File {
                modified,
                sha256: installed.sha256,
                package,
            };
            files.insert(path, file);
        }
        Ok(files)
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
            let mut status = lock(&known.working.get(name)?.actor.status).clone();
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
        let working = std::mem::take(&mut known.working);
        drop(known);
        // All at once: they need not wait for one another.
        for working in working.values() {
            working.actor.mailbox.order(Order::Stop);
        }
        let mut left = Vec::new();
        for (_, working) in working {
            left.push(Arc::clone(&working.actor.mailbox));
            working.actor.stop();
        }
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
