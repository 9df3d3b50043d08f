//! Commands on the folder of plugins. A running instance takes notice by itself.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use weirhouse_runner::plugin::Capability;

use super::super::exit::{Exit, Failure};
use super::super::output::note;
use super::trial::setting;
use super::{Tried, WhereArgs};
use crate::data_dir::write_atomically;
use crate::plugins::{Entry, Folder, Register, RegisterLock};

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
        if !crate::plugins::is_name(&about.name) {
            return Err(Failure::new(
                Exit::Usage,
                format!(
                    "it calls itself {:?}; a name has lower-case letters, digits and hyphens, at most 40",
                    about.name
                ),
            ));
        }
        let needs = tried.made.package.needs().map_err(|unknown| {
            let message = format!("it needs {}, which there is not", unknown.join(", "));
            Failure::new(Exit::Usage, message)
        })?;
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
        let granted = register
            .get(&about.name)
            .map(Entry::capabilities)
            .unwrap_or_default();
        let lacking: Vec<String> = needs
            .iter()
            .filter(|it| !granted.contains(it))
            .map(ToString::to_string)
            .collect();
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
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    place: WhereArgs,
}

impl NameArgs {
    /// The folder, if the plugin is in it.
    fn folder(&self) -> Result<Folder, Failure> {
        let folder = self.place.folder()?;
        let register = Register::read(&folder).map_err(Failure::of(Exit::DataFolder))?;
        if register.get(&self.name).is_none() && !folder.place(&self.name).exists() {
            return Err(Failure::new(
                Exit::Usage,
                format!(
                    "there is no plugin `{}` in {}; `weirhouse plugin list` names those there are",
                    self.name,
                    folder.path().display()
                ),
            ));
        }
        Ok(folder)
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
        let folder = self.name.folder()?;
        let tried = Tried::load(&folder.place(&self.name.name))?;
        let listed = &tried.made.package.description().settings;
        for (name, value) in &self.settings {
            let Some(known) = listed.iter().find(|it| it.name == *name) else {
                let names: Vec<&str> = listed.iter().map(|it| it.name.as_str()).collect();
                return Err(Failure::new(
                    Exit::Usage,
                    format!("it has no setting `{name}`; it has: {}", names.join(", ")),
                ));
            };
            let fine = value.is_empty()
                || match known.kind.as_str() {
                    "number" => value.parse().is_ok_and(f64::is_finite),
                    "flag" => ["true", "false"].contains(&value.as_str()),
                    _ => true,
                };
            if !fine {
                return Err(Failure::new(
                    Exit::Usage,
                    format!("`{name}` is a {}, and `{value}` is none", known.kind),
                ));
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
            register.entry(&self.name.name).enabled = true;
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
        self.name
            .change("is disabled", |entry| entry.enabled = false)
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
        let folder = self.name.folder()?;
        let place = folder.place(&self.name.name);
        match std::fs::remove_file(&place) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                return Err(Failure::new(
                    Exit::DataFolder,
                    format!("cannot remove {}: {error}", place.display()),
                ));
            }
        }
        folder.forget(&self.name.name);
        change(&folder, |register| register.forget(&self.name.name))?;
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
