//! Everything that a service can be told: by files, variables and options, in
//! that order of strength.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::{fs, io};

use clap::{ArgMatches, Args};

use super::exit::{Exit, Failure};
use super::home_assistant::HomeAssistantArgs;
use super::log::LogArgs;
use super::refresh::RefreshArgs;
use super::rule::{PresetArgs, RuleArgs};
use super::sources::{Setting, origin};
use crate::config::{Config, FILE, Faults, OPTIONS};
use crate::hub::Refresh;

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Service")]
pub(super) struct SettingsArgs {
    /// The configuration file; weirhouse.toml of the data folder if not given
    ///
    /// What it says is weaker than options.json of the data folder, which is
    /// weaker than environment variables, which are weaker than options.
    #[arg(
        long,
        value_name = "FILE",
        env = "WEIRHOUSE_CONFIG",
        hide_env_values = true
    )]
    config: Option<PathBuf>,
    /// Where the API and the page listen, 127.0.0.1:8098 if not given
    #[arg(long, value_name = "ADDRESS", value_parser = super::quantity::listen, env = "WEIRHOUSE_LISTEN", hide_env_values = true)]
    listen: Option<SocketAddr>,
    /// Where Home Assistant's ingress is served the page; nowhere if not given
    ///
    /// It is served to the Supervisor's address only, or to `ingress.from` of
    /// the configuration, and without a token.
    #[arg(long, value_name = "ADDRESS", value_parser = super::quantity::listen, env = "WEIRHOUSE_INGRESS_LISTEN", hide_env_values = true)]
    ingress_listen: Option<SocketAddr>,
    /// Answer requests for this host name, too
    ///
    /// Loopback and the address of --listen always are. Others are refused,
    /// so that no web page can reach the API through a name of its own.
    #[arg(long = "allow-host", value_name = "NAME", value_parser = super::quantity::host)]
    allow_hosts: Vec<String>,
    #[command(flatten)]
    rule: RuleArgs,
    #[command(flatten)]
    presets: PresetArgs,
    #[command(flatten)]
    refresh: RefreshArgs,
    /// What is refreshed where nothing says otherwise.
    #[arg(skip)]
    refreshed: Option<(String, Refresh)>,
}

impl SettingsArgs {
    /// Refreshes this entity where neither files nor options name any.
    pub(super) fn refresh_by_default(&mut self, entity: &str, refresh: Refresh) {
        self.refreshed = Some((entity.to_owned(), refresh));
    }
}

const LISTEN: Setting = Setting::new("listen", "api.listen", "--listen", "WEIRHOUSE_LISTEN");
const INGRESS_LISTEN: Setting = Setting::new(
    "ingress_listen",
    "ingress.listen",
    "--ingress-listen",
    "WEIRHOUSE_INGRESS_LISTEN",
);
const ALLOW_HOSTS: Setting = Setting::new("allow_hosts", "api.allow_hosts", "--allow-host", "");

/// All arguments that end up in a configuration, kept to read it again.
#[derive(Debug, Clone)]
pub(super) struct Sources {
    pub(super) settings: SettingsArgs,
    pub(super) home_assistant: Option<HomeAssistantArgs>,
    pub(super) log: LogArgs,
    pub(super) matches: ArgMatches,
    /// The data folder.
    pub(super) folder: PathBuf,
    /// What the files said when they were last read; `None` before, and where
    /// that was refused.
    pub(super) noted: Option<Texts>,
}

/// What files say, of those that are there; of what stands in place of one, why
/// it says nothing.
pub(super) type Texts = Vec<Option<Result<Vec<u8>, io::ErrorKind>>>;

impl Sources {
    /// Reads the files, and puts variables and options over what they say.
    pub(super) fn read(&mut self) -> Result<Config, Faults> {
        // Before they are read: what changes meanwhile differs from it.
        let texts = self.texts();
        self.noted = None;
        let config = self.put_together()?;
        self.noted = Some(texts);
        Ok(config)
    }

    /// Whether the files say something else than when they were last read.
    pub(super) fn have_changed(&self) -> bool {
        self.noted.as_ref() != Some(&self.texts())
    }

    fn texts(&self) -> Texts {
        let text = |path: PathBuf| {
            let stands = fs::symlink_metadata(&path).map_err(|error| error.kind());
            if stands.is_err_and(|kind| kind == io::ErrorKind::NotFound) {
                return None;
            }
            // To read a pipe could take for ever.
            let read = match fs::metadata(&path) {
                Ok(about) if !about.is_file() => Err(io::ErrorKind::InvalidInput),
                _ => fs::read(&path).map_err(|error| error.kind()),
            };
            Some(read)
        };
        self.files().into_iter().map(text).collect()
    }

    fn put_together(&self) -> Result<Config, Faults> {
        let (settings, matches) = (&self.settings, &self.matches);
        let files = Config::files(settings.config.as_deref(), &self.folder);
        let mut config = Config::read(&files)?;
        if let Some(listen) = settings.listen {
            config.api.listen = listen;
            origin(matches, &LISTEN, &mut config);
        }
        if settings.ingress_listen.is_some() {
            config.ingress.listen = settings.ingress_listen;
            origin(matches, &INGRESS_LISTEN, &mut config);
        }
        if !settings.allow_hosts.is_empty() {
            config.api.allow_hosts.clone_from(&settings.allow_hosts);
            origin(matches, &ALLOW_HOSTS, &mut config);
        }
        settings.rule.apply(matches, &mut config);
        settings.presets.apply(matches, &mut config);
        settings.refresh.apply(&mut config);
        if config.hub.refresh.is_empty() {
            config.hub.refresh.extend(settings.refreshed.clone());
        }
        if let Some(home_assistant) = &self.home_assistant {
            home_assistant.apply(matches, &mut config);
        }
        self.log.apply(matches, &mut config);
        Ok(config)
    }

    /// The files that may say something, whether they are there or not.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let own = || self.folder.join(FILE);
        let toml = self.settings.config.clone().unwrap_or_else(own);
        vec![toml, self.folder.join(OPTIONS)]
    }
}

/// How faults of a configuration end a command.
pub(super) fn refused(faults: &Faults) -> Failure {
    Failure::new(
        Exit::Usage,
        format!("the configuration cannot be used:\n{faults}"),
    )
}

/// The configuration of `path` alone.
pub(super) fn read_alone(path: &Path) -> Result<Config, Failure> {
    Config::read(&[path.to_owned()]).map_err(|faults| refused(&faults))
}
