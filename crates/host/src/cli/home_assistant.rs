//! Which Home Assistant to talk to, and with which token.

use std::path::PathBuf;

use clap::Args;
use weirhouse_hass::ClientConfig;

use super::exit::{Exit, Failure};

/// The Supervisor's proxy to its Home Assistant, for apps.
const SUPERVISOR_URL: &str = "ws://supervisor/core/websocket";

/// Set by the Supervisor for apps that may use Home Assistant's API.
const SUPERVISOR_TOKEN: &str = "SUPERVISOR_TOKEN";

#[derive(Debug, Args)]
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
        hide_env_values = true,
        requires = "ha_token_file"
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
        hide_env_values = true,
        requires = "ha_url"
    )]
    ha_token_file: Option<PathBuf>,
}

impl HomeAssistantArgs {
    /// The settings of a client.
    pub(super) fn client_config(&self) -> Result<ClientConfig, Failure> {
        if let (Some(url), Some(path)) = (&self.ha_url, &self.ha_token_file) {
            let text = std::fs::read_to_string(path).map_err(|error| {
                Failure::new(
                    Exit::Usage,
                    format!(
                        "cannot read the Home Assistant token from {}: {error}; name a file that holds a long-lived access token with --ha-token-file",
                        path.display()
                    ),
                )
            })?;
            let token = text.trim();
            if token.is_empty() || token.contains(char::is_whitespace) {
                return Err(Failure::new(
                    Exit::Usage,
                    format!(
                        "{} does not hold one token; put a long-lived access token there and nothing else",
                        path.display()
                    ),
                ));
            }
            // A URL that is none is told before anything is opened or printed.
            let config = ClientConfig::new(url, token);
            config.check().map_err(Failure::of(Exit::Usage))?;
            return Ok(config);
        }
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
