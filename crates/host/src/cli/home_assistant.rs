//! Which Home Assistant to talk to, and with which token.

use std::path::{Path, PathBuf};

use clap::{ArgMatches, Args};
use weirhouse_hass::{ClientConfig, Dialer};

use super::exit::{Exit, Failure};
use super::sources::{Setting, origin};
use crate::config::{Config, Faults, HomeAssistantConfig};

/// The Supervisor's proxy to its Home Assistant, for apps.
const SUPERVISOR_URL: &str = "ws://supervisor/core/websocket";

/// Where an app finds its Home Assistant itself: the Supervisor's proxy takes no tokens but the app's.
const SUPERVISED_URL: &str = "http://homeassistant:8123";

/// Set by the Supervisor for apps that may use Home Assistant's API.
const SUPERVISOR_TOKEN: &str = "SUPERVISOR_TOKEN";

#[derive(Debug, Clone, Args)]
#[expect(
    clippy::doc_markdown,
    reason = "the documentation is what --help prints"
)]
#[command(next_help_heading = "Home Assistant")]
pub(super) struct HomeAssistantArgs {
    /// Its address, such as http://homeassistant.local:8123
    ///
    /// Not needed in an app that the Supervisor runs.
    #[arg(
        long,
        value_name = "URL",
        env = "WEIRHOUSE_HA_URL",
        hide_env_values = true
    )]
    ha_url: Option<String>,
    /// A file that holds a long-lived access token
    ///
    /// Make one in Home Assistant under your profile, Security. The token is
    /// read from a file so that it appears in no process list or shell history.
    #[arg(
        long,
        value_name = "FILE",
        env = "WEIRHOUSE_HA_TOKEN_FILE",
        hide_env_values = true
    )]
    ha_token_file: Option<PathBuf>,
}

const URL: Setting = Setting::new(
    "ha_url",
    "home_assistant.url",
    "--ha-url",
    "WEIRHOUSE_HA_URL",
);
const TOKEN_FILE: Setting = Setting::new(
    "ha_token_file",
    "home_assistant.token_file",
    "--ha-token-file",
    "WEIRHOUSE_HA_TOKEN_FILE",
);

impl HomeAssistantArgs {
    /// Puts what was given in place of what the configuration says.
    pub(super) fn apply(&self, matches: &ArgMatches, config: &mut Config) {
        if self.ha_url.is_some() {
            config.home_assistant.url.clone_from(&self.ha_url);
            origin(matches, &URL, config);
        }
        if self.ha_token_file.is_some() {
            let file = &mut config.home_assistant.token_file;
            file.clone_from(&self.ha_token_file);
            origin(matches, &TOKEN_FILE, config);
        }
    }

    /// The settings of a client, by options and variables alone.
    pub(super) fn client_config(&self) -> Result<ClientConfig, Failure> {
        client_config(&HomeAssistantConfig {
            url: self.ha_url.clone(),
            token_file: self.ha_token_file.clone(),
            ..HomeAssistantConfig::default()
        })
    }
}

/// The settings of a client.
pub(super) fn client_config(home: &HomeAssistantConfig) -> Result<ClientConfig, Failure> {
    let (url, path) = match (&home.url, &home.token_file) {
        (Some(url), Some(path)) => (url, path),
        (None, None) => return supervised(),
        (Some(_), None) => return Err(Failure::new(Exit::Usage, NO_TOKEN)),
        (None, Some(_)) => return Err(Failure::new(Exit::Usage, NO_ADDRESS)),
    };
    let token = read_token(path).map_err(Failure::of(Exit::Usage))?;
    // A URL that is none is told before anything is opened or printed.
    let config = ClientConfig::new(url, token);
    config.check().map_err(Failure::of(Exit::Usage))?;
    Ok(config)
}

const NO_TOKEN: &str = "the Home Assistant has an address, but no token: give --ha-token-file, or `token_file` beside its `url`";

const NO_ADDRESS: &str = "there is a token for Home Assistant, but no address: give --ha-url, or `url` beside its `token_file`";

/// The one token in a file.
fn read_token(path: &Path) -> Result<String, String> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        format!(
            "cannot read the Home Assistant token from {}: {error}; name a file that holds a long-lived access token with --ha-token-file",
            path.display()
        )
    })?;
    let token = text.trim();
    if token.is_empty() || token.contains(char::is_whitespace) {
        return Err(format!(
            "{} does not hold one token; put a long-lived access token there and nothing else",
            path.display()
        ));
    }
    Ok(token.to_owned())
}

/// What a start would refuse of the Home Assistant that a configuration names. Where there is none, there may be a
/// simulated home; and `whole` says whether options and variables have had their part in it.
pub(super) fn check(config: &Config, whole: bool) -> Result<(), Faults> {
    let home = &config.home_assistant;
    let refused = |key: &str, message: String| Err(config.refuse(key, message));
    if let Some(url) = &home.url
        && let Err(error) = Dialer::new(url)
    {
        return refused("home_assistant.url", error.to_string());
    }
    match (&home.url, &home.token_file) {
        (Some(_), None) if whole => refused("home_assistant.url", NO_TOKEN.to_owned()),
        (None, Some(_)) if whole => refused("home_assistant.token_file", NO_ADDRESS.to_owned()),
        (_, Some(path)) => match read_token(path) {
            Ok(_) => Ok(()),
            Err(message) => refused("home_assistant.token_file", message),
        },
        _ => Ok(()),
    }
}

/// What opens connections for clients with tokens of their own.
pub(super) fn dialer(home: &HomeAssistantConfig) -> Result<Dialer, Failure> {
    let url = home.clients_url.as_ref().or(home.url.as_ref());
    Dialer::new(url.map_or(SUPERVISED_URL, String::as_str)).map_err(Failure::of(Exit::Usage))
}

/// The Supervisor's Home Assistant, in an app.
fn supervised() -> Result<ClientConfig, Failure> {
    match std::env::var(SUPERVISOR_TOKEN) {
        Ok(token) if !token.trim().is_empty() => {
            Ok(ClientConfig::new(SUPERVISOR_URL, token.trim()))
        }
        _ => Err(Failure::new(
            Exit::Usage,
            "no Home Assistant is named: give --ha-url and --ha-token-file, or try `weirhouse demo`, which needs none",
        )),
    }
}

/// The end of a link whose token was refused.
pub(super) fn refused(message: &str) -> Failure {
    Failure::new(
        Exit::HomeAssistant,
        format!(
            "Home Assistant refused the token ({message}); make a new long-lived access token under your profile, Security"
        ),
    )
}
