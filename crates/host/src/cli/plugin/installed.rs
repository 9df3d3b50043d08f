//! Commands on the folder of plugins. A running instance takes notice by itself.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use weirhouse_runner::plugin::Capability;

use super::super::exit::{Exit, Failure};
use super::super::output::note;
use super::shelf::{Shelved, shelved};
use super::trial::setting;
use super::{Tried, WhereArgs};
use crate::data_dir::write_atomically;
use crate::plugins::{Entry, Folder, Register, RegisterLock, is_name, lacking, wrong_setting};

/// Put it into the folder of plugins
#[derive(Debug, Args)]
pub(super) struct Install {
    /// A component, or the core module of one
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What it may import, separated by commas
    #[arg(long, value_name = "CAPABILITY", value_delimiter = ',', value_parser = capability)]
    grant: Vec<Capability>,
    #[command(flatten)]
    place: WhereArgs,
}

fn capability(text: &str) -> Result<Capability, String> {
    Capability::from_name(text)
        .ok_or_else(|| "there are log, settings, entities and store".to_owned())
}

impl Install {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let folder = self.place.folder()?;
        let tried = Tried::load(&self.file)?;
        let about = tried.made.package.description();
        if !is_name(&about.name) {
            return Err(Failure::new(
                Exit::Usage,
                format!(
                    "it calls itself {:?}; a name has lower-case letters, digits and hyphens, at most 40",
                    about.name
                ),
            ));
        }
        if let Err(unknown) = tried.made.package.needs() {
            let message = format!("it needs {}, which there is not", unknown.join(", "));
            return Err(Failure::new(Exit::Usage, message));
        }
        folder.make().map_err(Failure::of(Exit::DataFolder))?;
        // Granted before the file is there: an instance that looks meanwhile
        // finds nothing half said.
        change(&folder, |register| {
            let entry = register.entry(&about.name);
            grant(entry, &self.grant);
        })?;
        let place = folder.place(&about.name);
        write_atomically(&place, &tried.made.component).map_err(|error| {
            Failure::new(
                Exit::DataFolder,
                format!("cannot write {}: {error}", place.display()),
            )
        })?;
        note(&format!(
            "{} {} is installed as {}",
            about.name,
            about.version,
            place.display()
        ));
        let register = Register::read(&folder).map_err(Failure::of(Exit::DataFolder))?;
        let entry = register.get(&about.name).cloned();
        let entry = entry.unwrap_or_else(|| Entry::new(&about.name));
        let lacking = lacking(&tried.made.package, &entry);
        if !lacking.is_empty() {
            note(&format!(
                "it waits for what it needs: weirhouse plugin grant {} {}",
                about.name,
                lacking.join(",")
            ));
        }
        Ok(())
    }
}

fn grant(entry: &mut Entry, capabilities: &[Capability]) {
    for capability in capabilities {
        let name = capability.to_string();
        if !entry.granted.contains(&name) {
            entry.granted.push(name);
        }
    }
}

fn change<T>(folder: &Folder, change: impl FnOnce(&mut Register) -> T) -> Result<T, Failure> {
    let lock = RegisterLock::take(folder).map_err(Failure::of(Exit::DataFolder))?;
    lock.change(change).map_err(Failure::of(Exit::DataFolder))
}

/// A plugin of the folder.
#[derive(Debug, Args)]
struct NameArgs {
    /// Its name
    #[arg(value_name = "NAME", value_parser = name)]
    name: String,
    #[command(flatten)]
    place: WhereArgs,
}

/// A plugin's name: whatever else becomes part of a path leads somewhere else.
fn name(text: &str) -> Result<String, String> {
    if is_name(text) {
        return Ok(text.to_owned());
    }
    Err(match text.strip_suffix(".wasm") {
        Some(stem) if is_name(stem) => {
            format!("that is a file; a plugin is named without `.wasm`, such as `{stem}`")
        }
        _ => "no plugin can be called that: a name has lower-case letters, digits and hyphens, at most 40; `weirhouse plugin list` names those there are".to_owned(),
    })
}

impl NameArgs {
    /// The folder, if the plugin is in it or something was said of it.
    fn folder(&self) -> Result<Folder, Failure> {
        let folder = self.place.folder()?;
        if !self.is_registered(&folder)? && self.files(&folder)?.is_empty() {
            return Err(self.unknown(&folder));
        }
        Ok(folder)
    }

    fn is_registered(&self, folder: &Folder) -> Result<bool, Failure> {
        let register = Register::read(folder).map_err(Failure::of(Exit::DataFolder))?;
        Ok(register.get(&self.name).is_some())
    }

    /// Its files, whatever they are called.
    fn files(&self, folder: &Folder) -> Result<Vec<Shelved>, Failure> {
        let mut files = shelved(folder)?;
        files.retain(|file| file.name() == self.name);
        Ok(files)
    }

    fn unknown(&self, folder: &Folder) -> Failure {
        Failure::new(
            Exit::Usage,
            format!(
                "there is no plugin `{}` in {}; `weirhouse plugin list` names those there are",
                self.name,
                folder.path().display()
            ),
        )
    }

    fn change(&self, said: &str, changing: impl FnOnce(&mut Entry)) -> Result<(), Failure> {
        let folder = self.folder()?;
        change(&folder, |register| changing(register.entry(&self.name)))?;
        note(&format!("{} {said}", self.name));
        Ok(())
    }
}

/// Allow a plugin to import something
#[derive(Debug, Args)]
pub(super) struct Grant {
    #[command(flatten)]
    name: NameArgs,
    /// What it may import, separated by commas: log, settings, entities, store
    #[arg(value_name = "CAPABILITY", required = true, value_delimiter = ',', value_parser = capability)]
    capabilities: Vec<Capability>,
    /// Take it back instead
    #[arg(long)]
    revoke: bool,
}

impl Grant {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let said = if self.revoke { "lost that" } else { "has that" };
        self.name.change(said, |entry| {
            if self.revoke {
                entry
                    .granted
                    .retain(|name| !self.capabilities.iter().any(|it| it.name() == name));
            } else {
                grant(entry, &self.capabilities);
            }
        })
    }
}

/// Change a setting of a plugin
#[derive(Debug, Args)]
pub(super) struct Set {
    #[command(flatten)]
    name: NameArgs,
    /// NAME=VALUE; NAME= takes the default
    #[arg(value_name = "NAME=VALUE", required = true, value_parser = setting)]
    settings: Vec<(String, String)>,
}

impl Set {
    pub(super) fn run(&self) -> Result<(), Failure> {
        self.check()?;
        self.name.change("is set", |entry| {
            for (name, value) in &self.settings {
                if value.is_empty() {
                    entry.settings.remove(name);
                } else {
                    entry.settings.insert(name.clone(), value.clone());
                }
            }
        })
    }

    /// Refuses what the plugin does not have, or not as such a value.
    fn check(&self) -> Result<(), Failure> {
        let folder = self.name.place.folder()?;
        let files = self.name.files(&folder)?;
        let Some(package) = files.iter().find_map(|it| it.package.as_ref().ok()) else {
            let trouble = files.iter().find_map(Shelved::trouble);
            return Err(trouble.map_or_else(
                || self.name.unknown(&folder),
                |trouble| Failure::new(Exit::Usage, trouble),
            ));
        };
        for (name, value) in &self.settings {
            // Without a value, it takes its default.
            let value = Some(value.as_str()).filter(|it| !it.is_empty());
            if let Some(wrong) = wrong_setting(package, name, value) {
                return Err(Failure::new(Exit::Usage, wrong));
            }
        }
        Ok(())
    }
}

/// Let a plugin work again
#[derive(Debug, Args)]
pub(super) struct Enable {
    #[command(flatten)]
    name: NameArgs,
    /// Ask it before all others
    #[arg(long)]
    first: bool,
}

impl Enable {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let folder = self.name.folder()?;
        change(&folder, |register| {
            register.entry(&self.name.name).switch(true);
            if self.first {
                register.put_first(&self.name.name);
            }
        })?;
        note(&format!("{} is enabled", self.name.name));
        Ok(())
    }
}

/// Let a plugin rest
#[derive(Debug, Args)]
pub(super) struct Disable {
    #[command(flatten)]
    name: NameArgs,
}

impl Disable {
    pub(super) fn run(&self) -> Result<(), Failure> {
        self.name.change("is disabled", |entry| entry.switch(false))
    }
}

/// Take a plugin and all that it keeps out of the folder
#[derive(Debug, Args)]
pub(super) struct Remove {
    #[command(flatten)]
    name: NameArgs,
}

impl Remove {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let folder = self.name.place.folder()?;
        let files = self.name.files(&folder)?;
        if files.is_empty() && !self.name.is_registered(&folder)? {
            return Err(self.name.unknown(&folder));
        }
        for Shelved { path, .. } in files {
            match std::fs::remove_file(&path) {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => {
                    return Err(Failure::new(
                        Exit::DataFolder,
                        format!("cannot remove {}: {error}", path.display()),
                    ));
                }
            }
        }
        folder.forget(&self.name.name);
        change(&folder, |register| register.remove(&self.name.name))?;
        note(&format!(
            "{} is removed, with its grants and all that it kept",
            self.name.name
        ));
        Ok(())
    }
}

/// Plugins that failed too often
#[derive(Debug, Args)]
pub(super) struct QuarantineArgs {
    #[command(subcommand)]
    action: QuarantineAction,
}

#[derive(Debug, Subcommand)]
enum QuarantineAction {
    /// Let a plugin work again that was quarantined
    Release {
        #[command(flatten)]
        name: NameArgs,
    },
}

impl QuarantineArgs {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let QuarantineAction::Release { name } = &self.action;
        name.change("is released", |entry| entry.quarantine = None)
    }
}
