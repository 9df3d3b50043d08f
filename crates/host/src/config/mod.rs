//! The configuration: what it says, where each value came from, and what is
//! wrong with it.
//!
//! Later ones of these replace earlier ones, value by value:
//!
//! 1. the defaults,
//! 2. the file `weirhouse.toml`,
//! 3. `options.json` in the data folder, which the Supervisor writes for an app,
//! 4. environment variables,
//! 5. options of the command line.
//!
//! Lists (`[[rule]]`, `[[namespace]]`, `[[budget]]`, `[[refresh]]`, `[[client]]`,
//! `[[plugin]]`) are replaced as a whole. Reading decides nothing about readings and caches: rules are handed to the optimizer, which
//! also has the last word on whether they make sense.

mod cache;
mod clients;
mod document;
mod fields;
mod log;
mod plugins;
mod refreshes;
mod rules;
mod sections;
mod show;
#[cfg(test)]
mod tests;
mod verify;

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use crate::access::RateLimit;
use crate::clients::ClientProfile;
use crate::hub::Settings;
use crate::mqtt::MqttConfig;
use crate::plugins::Entry;
use document::Document;

pub(crate) use rules::is_entity_id;

pub use log::{Levels, LogConfig, LogFormat, LogLevel, MODULES};

/// Name of the file in the data folder.
pub const FILE: &str = "weirhouse.toml";

/// Name of the Supervisor's file in the data folder.
pub const OPTIONS: &str = "options.json";

/// Where the API listens unless told otherwise.
pub const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8098);

/// Everything that can be configured.
#[derive(Debug, Clone)]
pub struct Config {
    /// The local API.
    pub api: ApiConfig,
    /// Home Assistant's way to the page.
    pub ingress: IngressConfig,
    /// The Home Assistant to work for.
    pub home_assistant: HomeAssistantConfig,
    /// Profiles of clients of Home Assistant's interface.
    pub clients: Vec<ClientProfile>,
    /// What is said of plugins here, and not by commands.
    pub plugins: Vec<Entry>,
    /// The figures as entities of Home Assistant.
    pub mqtt: MqttConfig,
    /// The log.
    pub log: LogConfig,
    /// What the optimizer is told.
    pub hub: Settings,
    /// Where each value that is not the default came from, by its path.
    origins: BTreeMap<String, Origin>,
}

/// The local API.
#[derive(Debug, Clone)]
pub struct ApiConfig {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Host names it answers to, besides loopback and its address.
    pub allow_hosts: Vec<String>,
    /// Origins of web pages that may call it.
    pub cors_origins: Vec<String>,
    /// How often each token may ask.
    pub rate_limit: RateLimit,
}

/// Home Assistant's way to the page.
#[derive(Debug, Clone)]
pub struct IngressConfig {
    /// Where it is listened for; nowhere unless this says so.
    pub listen: Option<SocketAddr>,
    /// The only address it is served to.
    pub from: IpAddr,
}

/// Where the Supervisor's ingress comes from.
const SUPERVISOR: IpAddr = IpAddr::V4(Ipv4Addr::new(172, 30, 32, 2));

/// The Home Assistant to work for.
#[derive(Debug, Clone, Default)]
pub struct HomeAssistantConfig {
    /// Its address.
    pub url: Option<String>,
    /// A file that holds a token for it.
    pub token_file: Option<PathBuf>,
    /// Its address for clients with tokens of their own, if that is another.
    pub clients_url: Option<String>,
    /// Whether it is told where such a client is.
    pub forward_addresses: bool,
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A line of a file, or the file where lines are not known.
    File(PathBuf, Option<usize>),
    /// A variable.
    Environment(&'static str),
    /// An option.
    Flag(&'static str),
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    file: PathBuf,
    line: Option<usize>,
    message: String,
}

/// All that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults(Vec<Fault>);

impl Default for Config {
    fn default() -> Self {
        Self {
            api: ApiConfig {
                listen: DEFAULT_LISTEN,
                allow_hosts: Vec::new(),
                cors_origins: Vec::new(),
                rate_limit: RateLimit::default(),
            },
            ingress: IngressConfig {
                listen: None,
                from: SUPERVISOR,
            },
            home_assistant: HomeAssistantConfig::default(),
            clients: Vec::new(),
            plugins: Vec::new(),
            mqtt: MqttConfig::default(),
            log: LogConfig::default(),
            hub: sections::default_settings(),
            origins: BTreeMap::new(),
        }
    }
}

impl Config {
    /// The defaults with what these files say, in this order; JSON where the
    /// name ends so, else TOML.
    ///
    /// # Errors
    /// Everything that is wrong in any of them.
    pub fn read(files: &[PathBuf]) -> Result<Self, Faults> {
        let (config, mut faults) = Self::read_all(files);
        if faults.is_empty() {
            Ok(config)
        } else {
            faults.sort_by_key(|fault| fault.line);
            Err(Faults(faults))
        }
    }

    /// The same without what is wrong: no configuration to run with, but to find an instance that runs.
    pub fn read_what_is_right(files: &[PathBuf]) -> Self {
        Self::read_all(files).0
    }

    fn read_all(files: &[PathBuf]) -> (Self, Vec<Fault>) {
        let mut config = Self::default();
        let mut faults = Vec::new();
        for path in files {
            match Document::read(path) {
                Ok(document) => sections::apply(&mut config, &document, &mut faults),
                Err(fault) => faults.push(fault),
            }
        }
        refreshes::check_budgets(&config, &mut faults);
        (config, faults)
    }

    /// The files that are there of those a data folder may have, readable or
    /// not; `named` in place of its own TOML file.
    pub fn files(named: Option<&Path>, folder: &Path) -> Vec<PathBuf> {
        let own = folder.join(FILE);
        let toml = match named {
            // A named file must be there, which reading it will tell.
            Some(named) => Some(named.to_owned()),
            None => is_there(&own).then_some(own),
        };
        let options = folder.join(OPTIONS);
        let options = is_there(&options).then_some(options);
        toml.into_iter().chain(options).collect()
    }

    /// Notes where the value at `path` came from.
    pub fn note(&mut self, path: &str, origin: Origin) {
        self.origins.insert(path.to_owned(), origin);
    }

    /// Where the value at `path` came from; `None` for a default.
    pub fn origin(&self, path: &str) -> Option<&Origin> {
        self.origins.get(path)
    }

    /// That the value at `path` cannot be used.
    pub fn refuse(&self, path: &str, message: impl fmt::Display) -> Faults {
        Faults(vec![self.fault(path, message)])
    }

    /// A fault with the value at `path`, where it was written; of a table that
    /// is where its first value was.
    pub fn fault(&self, path: &str, message: impl fmt::Display) -> Fault {
        let within = format!("{path}.");
        let parts = self.origins.range(within.clone()..);
        let mut parts = parts.take_while(|(part, _)| part.starts_with(&within));
        let origin = self.origin(path).or_else(|| Some(parts.next()?.1));
        let (file, line) = match origin {
            Some(Origin::File(file, line)) => (file.clone(), *line),
            Some(origin) => (PathBuf::from(origin.to_string()), None),
            None => (PathBuf::from("the defaults"), None),
        };
        Fault {
            file,
            line,
            message: format!("`{path}`: {message}"),
        }
    }
}

/// Whether there is anything of this name. What cannot be read, or is a link
/// to nothing, is not taken for a file that was never written.
fn is_there(path: &Path) -> bool {
    match fs::symlink_metadata(path) {
        Ok(_) => true,
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, Some(line)) => write!(f, "{}:{line}", path.display()),
            Self::File(path, None) => write!(f, "{}", path.display()),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag(name) => write!(f, "option {name}"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file.display(), self.message),
            None => write!(f, "{}: {}", self.file.display(), self.message),
        }
    }
}

impl Faults {
    /// These and others.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            let before = if index == 0 { "" } else { "\n" };
            write!(f, "{before}{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}
