//! What a running service takes notice of: changed files, and the signal HUP.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use weirhouse_runner::{Component, Engine};

use super::log;
use super::settings::Sources;
use crate::access::Access;
use crate::clients::Clients;
use crate::config::Config;
use crate::hub::Hub;
use crate::watch::FileWatch;

/// What is read anew, and whom it concerns.
pub(super) struct Reload {
    pub(super) access: Arc<Access>,
    pub(super) hub: Arc<Hub>,
    /// Those of Home Assistant's interface, where there is a Home Assistant.
    pub(super) clients: Option<Arc<Clients>>,
    pub(super) sources: Sources,
    /// The configuration at the start: what is only read then is still in force.
    pub(super) config: Config,
    /// What differs from it and takes effect at the next start.
    pub(super) pending: Vec<&'static str>,
    /// To ask about a new one before it is put in force.
    pub(super) engine: Engine,
    pub(super) core: PathBuf,
}

impl Reload {
    /// Follows files and signal until aborted.
    pub(super) async fn follow(mut self) {
        // Who revokes a token wants it refused from then on.
        let mut tokens = watch("tokens", &self.access.files()).map(FileWatch::at_once);
        let mut files = watch("the configuration", &self.sources.files());
        let mut hangup = match signal(SignalKind::hangup()) {
            Ok(hangup) => Some(hangup),
            Err(error) => {
                tracing::warn!(%error, "the signal HUP is not heard");
                None
            }
        };
        // What happened between the first reading and the watching.
        self.reload_tokens();
        if self.sources.have_changed() {
            self = self.reload_config().await;
        }
        loop {
            let asked = async {
                match &mut hangup {
                    Some(hangup) => hangup.recv().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = asked => {
                    self.reload_tokens();
                    self = self.reload_config().await;
                }
                () = changed(&mut tokens) => self.reload_tokens(),
                // Not for what was written again as it was.
                () = changed(&mut files) => if self.sources.have_changed() {
                    self = self.reload_config().await;
                },
            }
        }
    }

    fn reload_tokens(&self) {
        match self.access.reload() {
            Ok(()) => tracing::debug!("the tokens were read"),
            Err(error) => tracing::error!(%error, "the tokens stay as they were"),
        }
    }

    /// Beside the loop's own threads: it reads files and compiles nothing, but
    /// may take some milliseconds.
    async fn reload_config(self) -> Self {
        let done = tokio::task::spawn_blocking(move || {
            let mut this = self;
            this.reload_config_now();
            this
        });
        match done.await {
            Ok(this) => this,
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        }
    }

    fn reload_config_now(&mut self) {
        match self.read() {
            Ok(config) => {
                self.tell_pending(restart_needed(&self.config, &config));
                self.access.set_limit(config.api.rate_limit);
                log::change(&config.log);
                let rules = config.hub.rules.len();
                tracing::info!(rules, "the configuration was read anew and is in force");
            }
            Err(error) => {
                tracing::error!("the configuration stays as it was: {error:#}");
            }
        }
    }

    /// Tells of what takes effect at the next start only, unless that was told.
    fn tell_pending(&mut self, pending: Vec<&'static str>) {
        for path in pending.iter().filter(|it| !self.pending.contains(it)) {
            tracing::warn!(path, "this has changed and takes effect at the next start");
        }
        for path in self.pending.iter().filter(|it| !pending.contains(it)) {
            tracing::info!(path, "this is as it was at the start again");
        }
        self.pending = pending;
    }

    /// Reads the configuration, has it checked, and tells it to the optimizer.
    fn read(&mut self) -> anyhow::Result<Config> {
        let config = self.sources.read()?;
        let mut core = Component::load(&self.engine, &self.core)?;
        config.verify(&mut core)?;
        self.hub.set_settings(config.hub.clone())?;
        if let Some(plugins) = self.hub.plugins() {
            plugins.configure(&config.plugins);
        }
        if let Some(clients) = &self.clients {
            clients.set_profiles(&config.clients);
        }
        Ok(config)
    }
}

/// What differs that is only read at the start.
fn restart_needed(before: &Config, now: &Config) -> Vec<&'static str> {
    let (one, other) = (&before.api, &now.api);
    let (home, new_home) = (&before.home_assistant, &now.home_assistant);
    [
        ("api.listen", one.listen != other.listen),
        ("api.allow_hosts", one.allow_hosts != other.allow_hosts),
        ("api.cors_origins", one.cors_origins != other.cors_origins),
        (
            "ingress.listen",
            before.ingress.listen != now.ingress.listen,
        ),
        ("ingress.from", before.ingress.from != now.ingress.from),
        ("home_assistant.url", home.url != new_home.url),
        (
            "home_assistant.token_file",
            home.token_file != new_home.token_file,
        ),
        (
            "home_assistant.clients_url",
            home.clients_url != new_home.clients_url,
        ),
        (
            "home_assistant.forward_addresses",
            home.forward_addresses != new_home.forward_addresses,
        ),
        ("mqtt", before.mqtt != now.mqtt),
        ("log.format", before.log.format != now.log.format),
    ]
    .into_iter()
    .filter_map(|(path, differs)| differs.then_some(path))
    .collect()
}

fn watch(what: &str, files: &[PathBuf]) -> Option<FileWatch> {
    FileWatch::new(files)
        .inspect_err(|error| {
            tracing::warn!(%error, "changes of {what} are not noticed: send the signal HUP after one");
        })
        .ok()
}

/// Returns when one of the files has changed; never without a watch.
async fn changed(watch: &mut Option<FileWatch>) {
    if let Some(watching) = watch {
        match watching.changed().await {
            Ok(()) => return,
            Err(error) => {
                tracing::warn!(%error, "changed files are no longer noticed: send the signal HUP after one");
                *watch = None;
            }
        }
    }
    std::future::pending::<()>().await;
}
