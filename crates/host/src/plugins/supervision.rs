//! All plugins of a folder: which work, and what happens when a file or the
//! register changes.

use std::collections::BTreeMap;
use std::path::PathBuf;
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
        let register = Register::read(&self.folder)?;
        let files = self.files()?;
        let Some(hub) = self.hub.upgrade() else {
            return Ok(());
        };
        let mut known = self.known();
        if self.stopped.load(Ordering::Relaxed) {
            return Ok(());
        }
        let mut idle = Vec::new();
        let mut wanted: Vec<(String, Package, String, Entry)> = Vec::new();
        for (path, file) in &files {
            let package = match &file.package {
                Ok(package) => package,
                Err(reason) => {
                    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
                    let message = format!("{}: {reason}", path.display());
                    if let Some(working) = known.working.get(&*stem) {
                        let mut status = lock(&working.actor.status);
                        status.message =
                            Some(format!("{message}; version {} goes on", status.version));
                        let (sha256, entry) = (working.sha256.clone(), working.entry.clone());
                        drop(status);
                        if let Some(before) = known.files.get(path)
                            && let Ok(package) = &before.package
                        {
                            wanted.push((stem.into_owned(), package.clone(), sha256, entry));
                        }
                        continue;
                    }
                    let mut status = PluginStatus::unknown(&stem, &file.sha256);
                    status.message = Some(message);
                    idle.push(status);
                    continue;
                }
            };
            let name = package.description().name.clone();
            let entry = self.entry(&register, &name);
            match self.obstacle(package, &entry, &file.sha256, &wanted) {
                None => wanted.push((name, package.clone(), file.sha256.clone(), entry)),
                Some((state, message)) => {
                    if state == PluginState::NeedsGrants {
                        let needs = message.as_deref().unwrap_or_default();
                        tracing::warn!(plugin = name, needs, "a plugin waits for what it needs");
                    }
                    let mut status = described(package, &file.sha256);
                    status.granted.clone_from(&entry.granted);
                    (status.state, status.message) = (state, message);
                    idle.push(status);
                }
            }
        }
        wanted.sort_by_key(|(name, ..)| (register.place(name), name.clone()));

        let gone: Vec<String> = known
            .working
            .keys()
            .filter(|name| !wanted.iter().any(|it| it.0 == **name))
            .cloned()
            .collect();
        let mut left = Vec::new();
        for name in gone {
            if let Some(working) = known.working.remove(&name) {
                left.push(Arc::clone(&working.actor.mailbox));
                working.actor.stop();
                let installed = files.values().any(|it| {
                    it.package
                        .as_ref()
                        .is_ok_and(|it| it.description().name == name)
                });
                if !installed {
                    self.folder.forget(&name);
                }
                tracing::info!(plugin = name, "a plugin was taken off");
            }
        }
        let mut policies = Vec::new();
        for (name, package, sha256, entry) in wanted {
            let changed = match known.working.get(&name) {
                Some(working) => working.sha256 != sha256 || working.entry != entry,
                None => true,
            };
            if changed && !self.assign(&mut known, &name, &package, &sha256, &entry) {
                continue;
            }
            if let Some(working) = known.working.get(&name) {
                policies.push(Policy {
                    name: name.as_str().into(),
                    claims: Claims::of(package.description()),
                    mailbox: Arc::clone(&working.actor.mailbox),
                    judges: package.decides(Function::Judge),
                    transforms: package.decides(Function::Transform),
                    paces: package.decides(Function::Interval),
                    keeps: package.decides(Function::Ttl),
                });
            }
        }
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

    /// Why a plugin does not work, if it does not.
    fn obstacle(
        &self,
        package: &Package,
        entry: &Entry,
        sha256: &str,
        others: &[(String, Package, String, Entry)],
    ) -> Option<(PluginState, Option<String>)> {
        let name = &package.description().name;
        if !is_name(name) {
            let message = format!(
                "it calls itself {name:?}; a name has lower-case letters, digits and hyphens, at most 40"
            );
            return Some((PluginState::Refused, Some(message)));
        }
        if others.iter().any(|it| it.0 == *name) {
            let message = "another file is a plugin of the same name".to_owned();
            return Some((PluginState::Refused, Some(message)));
        }
        if !entry.enabled {
            return Some((PluginState::Disabled, None));
        }
        let needs = match package.needs() {
            Ok(needs) => needs,
            Err(unknown) => {
                let message = format!("it needs {}, which there is not", unknown.join(", "));
                return Some((PluginState::Refused, Some(message)));
            }
        };
        let granted = entry.capabilities();
        let lacking: Vec<String> = needs
            .iter()
            .filter(|it| !granted.contains(it))
            .map(ToString::to_string)
            .collect();
        if !lacking.is_empty() {
            let list = lacking.join(",");
            let message = format!("grant it what it needs: weirhouse plugin grant {name} {list}");
            return Some((PluginState::NeedsGrants, Some(message)));
        }
        let quarantine = entry.quarantine.as_ref().filter(|it| it.sha256 == sha256)?;
        let message = format!("since {}: {}", quarantine.since, quarantine.fault);
        Some((PluginState::Quarantined, Some(message)))
    }

    /// Gives a plugin something to work with, starting its thread if it has
    /// none; says whether it works.
    fn assign(
        &self,
        known: &mut Known,
        name: &str,
        package: &Package,
        sha256: &str,
        entry: &Entry,
    ) -> bool {
        let assignment = Assignment {
            package: package.clone(),
            sha256: sha256.to_owned(),
            granted: entry.capabilities(),
            written: entry.settings.clone(),
        };
        let (sha256, entry) = (sha256.to_owned(), entry.clone());
        if let Some(working) = known.working.get_mut(name) {
            working
                .actor
                .mailbox
                .order(Order::Take(Box::new(assignment)));
            working.sha256 = sha256;
            working.entry = entry;
            tracing::info!(plugin = name, "a plugin changed");
            return true;
        }
        let folder = self.folder.clone();
        match Actor::start(name, folder, self.hub.clone(), assignment) {
            Ok(actor) => {
                let working = Working {
                    actor,
                    sha256,
                    entry,
                };
                known.working.insert(name.to_owned(), working);
                tracing::info!(
                    plugin = name,
                    version = package.description().version,
                    "a plugin works"
                );
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

fn described(package: &Package, sha256: &str) -> PluginStatus {
    let description = package.description();
    let needs = package.needs().unwrap_or_default();
    PluginStatus {
        version: description.version.clone(),
        summary: description.summary.clone(),
        author: description.author.clone(),
        licence: description.licence.clone(),
        functions: description.functions.clone(),
        needs: needs.iter().map(ToString::to_string).collect(),
        ..PluginStatus::unknown(&description.name, sha256)
    }
}

/// Whether a plugin may be called that: it becomes the name of files.
pub fn is_name(name: &str) -> bool {
    let fine = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '-';
    !name.is_empty() && name.len() <= 40 && name.chars().all(fine)
}
