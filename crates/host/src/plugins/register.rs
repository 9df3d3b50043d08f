//! What the user said of each plugin: whether it works, what it is granted, its
//! settings and its place among the others; and which are quarantined.
//!
//! One file, changed by commands and by the running instance, each under its
//! lock. What it says is in force at once.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use weirhouse_runner::plugin::Capability;

use super::folder::{Folder, FolderError};
use crate::data_dir::write_atomically;

/// What was said of all plugins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Register {
    /// In the order in which they are asked: of two that claim an entity, the
    /// one that comes first decides.
    #[serde(default)]
    plugins: Vec<Entry>,
    /// How often each was removed: one that was put back since is another, and
    /// takes over nothing.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    removals: BTreeMap<String, u64>,
}

/// What was said of one plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Whether it works.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// What it may import.
    #[serde(default)]
    pub granted: Vec<String>,
    /// Settings that are not their defaults.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// Why it is not asked any more.
    #[serde(default)]
    pub quarantine: Option<Quarantine>,
}

/// Why and since when a plugin is not asked any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantine {
    /// Its last fault, in a sentence.
    pub fault: String,
    /// When, as RFC 3339 text.
    pub since: String,
    /// The component that failed: another one is not bound by this.
    pub sha256: String,
}

fn yes() -> bool {
    true
}

impl Entry {
    /// One about which nothing was said.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            enabled: true,
            granted: Vec::new(),
            settings: BTreeMap::new(),
            quarantine: None,
        }
    }

    /// Switches it on or off. Who does that to one that failed wants it to be
    /// tried again.
    pub fn switch(&mut self, on: bool) {
        self.enabled = on;
        if !on {
            self.quarantine = None;
        }
    }

    /// What it may import; names that there are not are left out.
    pub fn capabilities(&self) -> Vec<Capability> {
        let granted = self.granted.iter();
        granted
            .filter_map(|name| Capability::from_name(name))
            .collect()
    }
}

impl Register {
    /// Reads what was said; nothing if there is no file.
    ///
    /// # Errors
    /// When the file cannot be read, or holds something else.
    pub fn read(folder: &Folder) -> Result<Self, FolderError> {
        let path = folder.register();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(FolderError::at("read", &path)(error)),
        };
        serde_json::from_str(&text).map_err(|error| {
            let kind = io::ErrorKind::InvalidData;
            FolderError::at("understand", &path)(io::Error::new(kind, error))
        })
    }

    /// What was said of a plugin, if anything.
    pub fn get(&self, name: &str) -> Option<&Entry> {
        self.plugins.iter().find(|entry| entry.name == name)
    }

    /// What was said of a plugin, to change it; new ones come last.
    pub fn entry(&mut self, name: &str) -> &mut Entry {
        let known = self.plugins.iter().position(|entry| entry.name == name);
        let place = known.unwrap_or_else(|| {
            self.plugins.push(Entry::new(name));
            self.plugins.len() - 1
        });
        &mut self.plugins[place]
    }

    /// Ends quarantines of all plugins but these.
    pub(super) fn release_all_but(&mut self, kept: &[String]) {
        for entry in &mut self.plugins {
            if !kept.contains(&entry.name) {
                entry.quarantine = None;
            }
        }
    }

    /// A plugin's place among the others; those of which nothing was said
    /// follow.
    pub fn place(&self, name: &str) -> usize {
        let known = self.plugins.iter().position(|entry| entry.name == name);
        known.unwrap_or(self.plugins.len())
    }

    /// Puts a plugin before all others.
    pub fn put_first(&mut self, name: &str) {
        let entry = self.entry(name).clone();
        self.forget(name);
        self.plugins.insert(0, entry);
    }

    /// Forgets what was said of a plugin, and that the one there was learned or
    /// stored anything.
    pub fn remove(&mut self, name: &str) {
        self.forget(name);
        *self.removals.entry(name.to_owned()).or_default() += 1;
    }

    /// How often a plugin of that name was removed.
    pub fn removals(&self, name: &str) -> u64 {
        self.removals.get(name).copied().unwrap_or_default()
    }

    fn forget(&mut self, name: &str) {
        self.plugins.retain(|entry| entry.name != name);
    }
}

/// The register, to change it; nobody else can meanwhile.
pub struct RegisterLock {
    path: PathBuf,
    register: Register,
    _lock: File,
}

impl RegisterLock {
    /// Waits for whoever has it, and reads it.
    pub fn take(folder: &Folder) -> Result<Self, FolderError> {
        folder.make()?;
        let path = folder.register_lock();
        let lock = File::create(&path).map_err(FolderError::at("make", &path))?;
        lock.lock().map_err(FolderError::at("lock", &path))?;
        Ok(Self {
            path: folder.register(),
            register: Register::read(folder)?,
            _lock: lock,
        })
    }

    /// Changes it; durable on return.
    pub fn change<T>(mut self, change: impl FnOnce(&mut Register) -> T) -> Result<T, FolderError> {
        let before = self.register.clone();
        let answer = change(&mut self.register);
        if self.register != before {
            let text = serde_json::to_string_pretty(&self.register)
                .map_err(|error| FolderError::at("write", &self.path)(io::Error::other(error)))?;
            write_atomically(&self.path, text.as_bytes())
                .map_err(FolderError::at("write", &self.path))?;
        }
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_kept_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let folder = Folder::new(folder.path().join("plugins"));
        assert_eq!(Register::read(&folder).unwrap(), Register::default());
        for name in ["one", "two", "three"] {
            let lock = RegisterLock::take(&folder).unwrap();
            lock.change(|it| it.entry(name).granted.push("log".to_owned()))
                .unwrap();
        }
        RegisterLock::take(&folder)
            .unwrap()
            .change(|it| it.put_first("three"))
            .unwrap();
        RegisterLock::take(&folder)
            .unwrap()
            .change(|it| it.remove("one"))
            .unwrap();
        let register = Register::read(&folder).unwrap();
        assert_eq!(
            ["three", "two", "one"].map(|name| register.place(name)),
            [0, 1, 2]
        );
        assert_eq!(["one", "two"].map(|name| register.removals(name)), [1, 0]);
        assert_eq!(
            register.get("three").unwrap().capabilities(),
            [Capability::Log]
        );
    }

    #[test]
    fn a_register_that_is_none_is_named_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let folder = Folder::new(folder.path());
        folder.make().unwrap();
        fs::write(folder.register(), "{\"plugins\": 3}").unwrap();
        let error = RegisterLock::take(&folder)
            .map(|_| ())
            .unwrap_err()
            .to_string();
        assert!(error.contains("register.json"), "{error}");
        assert_eq!(
            fs::read_to_string(folder.register()).unwrap(),
            "{\"plugins\": 3}"
        );
    }
}
