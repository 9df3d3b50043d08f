//! Commands that ask an instance running on this machine.

use std::net::{Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::data_folder::{DataFolderArgs, HOME};
use super::exit::{Exit, Failure};
use crate::config::Config;

/// A client that speaks to the instance itself, whatever proxy is set.
pub(super) fn agent(time_limit: Duration) -> ureq::Agent {
    ureq::Agent::config_builder()
        .timeout_global(Some(time_limit))
        .http_status_as_error(false)
        .proxy(None)
        .max_redirects(0)
        .build()
        .new_agent()
}

/// Which instance is asked.
#[derive(Debug, Args)]
pub(super) struct InstanceArgs {
    #[command(flatten)]
    folder: DataFolderArgs,
    /// Its configuration file; weirhouse.toml of the data folder if not given
    #[arg(
        long,
        value_name = "FILE",
        env = "WEIRHOUSE_CONFIG",
        hide_env_values = true
    )]
    config: Option<PathBuf>,
    /// Where it listens, as its configuration says if not given
    #[arg(long, value_name = "ADDRESS", value_parser = super::quantity::listen, env = "WEIRHOUSE_LISTEN", hide_env_values = true)]
    listen: Option<SocketAddr>,
}

impl InstanceArgs {
    /// Its data folder.
    pub(super) fn folder(&self) -> Result<PathBuf, Failure> {
        self.folder.path(HOME)
    }

    /// Where it can be asked.
    ///
    /// A configuration that is wrong was refused by it, or has become so since: what can be read of it counts, for
    /// whether it is well is another question.
    pub(super) fn address(&self) -> SocketAddr {
        let configured = || {
            let files = match self.folder() {
                Ok(folder) => Config::files(self.config.as_deref(), &folder),
                // Where no home is set, as in some containers.
                Err(_) => self.config.iter().cloned().collect(),
            };
            Config::read_what_is_right(&files).api.listen
        };
        reachable(self.listen.unwrap_or_else(configured))
    }
}

/// Where an instance that listens there can be asked: what listens everywhere
/// is asked on loopback.
fn reachable(mut listens: SocketAddr) -> SocketAddr {
    if listens.ip().is_unspecified() {
        listens.set_ip(match listens {
            SocketAddr::V4(_) => [127, 0, 0, 1].into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    listens
}

/// For `map_err`: nobody answered there.
pub(super) fn nobody(address: SocketAddr) -> impl Fn(ureq::Error) -> Failure {
    move |error| {
        Failure::new(
            Exit::Unexpected,
            format!("no answer from {address}: {error}; is `weirhouse serve` running there?"),
        )
    }
}
