//! What `serve` and `demo` have in common: their arguments, and the life of
//! the service from the first check to the clean stop.

use std::io::IsTerminal as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use clap::{ArgMatches, Args};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use weirhouse_hass::{Client, ClientConfig, Dialer, Event};
use weirhouse_runner::Component;

use super::data_folder::{DataFolderArgs, PluginFolderArgs};
use super::exit::{Exit, Failure};
use super::home_assistant::HomeAssistantArgs;
use super::log::{self, LogArgs};
use super::optimizer::OptimizerArgs;
use super::output::tell;
use super::reload::Reload;
use super::settings::{SettingsArgs, Sources};
use super::{home_assistant, memory, status, stop};
use crate::access::Access;
use crate::api::{self, Admits, Api, own_name};
use crate::clients::{Clients, Upstream};
use crate::companion::{self, Announcement};
use crate::config::Config;
use crate::data_dir::{DataDir, Token};
use crate::demo;
use crate::hub::Hub;
use crate::mqtt::{self, BrokerFrom, Installation, MqttConfig};
use crate::plugins::Plugins;
use crate::run::{self, Ended};
use crate::store::{Blobs, RedbOptions, RedbStore};
use crate::supervisor::Supervisor;

#[derive(Debug, Args)]
#[command(next_help_heading = "Service")]
pub(super) struct ServiceArgs {
    #[command(flatten)]
    folder: DataFolderArgs,
    #[command(flatten)]
    plugins: PluginFolderArgs,
    #[command(flatten)]
    settings: SettingsArgs,
    #[command(flatten)]
    optimizer: OptimizerArgs,
}

/// Where states come from.
pub(super) enum Source {
    /// A Home Assistant.
    HomeAssistant {
        /// The link that feeds the mirror.
        link: Box<ClientConfig>,
        /// Opens the connections of clients that take this for Home Assistant.
        dialer: Box<Dialer>,
    },
    /// The simulated home.
    Simulated(demo::Settings),
}

/// A link, what opens further connections, and what happens at home.
type Connected = (Option<(Client, Dialer)>, mpsc::Receiver<Event>);

impl Source {
    fn describe(&self) -> String {
        match self {
            Self::HomeAssistant { link, .. } => format!("Home Assistant at {}", link.url),
            Self::Simulated(home) => format!(
                "a simulated home of {} entities, {} readings per second",
                home.entities, home.rate_hz
            ),
        }
    }

    /// Starts the link; the client and the dialer are there for a Home Assistant only.
    fn connect(self, stop: watch::Receiver<bool>) -> Result<Connected, Failure> {
        match self {
            Self::HomeAssistant { link, dialer } => {
                let (client, events) = Client::connect(*link).map_err(Failure::of(Exit::Usage))?;
                Ok((Some((client, *dialer)), events))
            }
            Self::Simulated(settings) => Ok((None, demo::start(settings, stop))),
        }
    }
}

impl ServiceArgs {
    /// Where the configuration comes from; `folder` names the data folder that
    /// is used unless another is given.
    pub(super) fn sources(
        &self,
        folder: &str,
        home_assistant: Option<&HomeAssistantArgs>,
        log: &LogArgs,
        given: &ArgMatches,
    ) -> Result<Sources, Failure> {
        Ok(Sources {
            settings: self.settings.clone(),
            home_assistant: home_assistant.cloned(),
            log: log.clone(),
            matches: given.clone(),
            folder: self.folder.path(folder)?,
            noted: None,
        })
    }

    /// Runs the service until it is stopped.
    pub(super) fn run(
        &self,
        source: Source,
        sources: Sources,
        config: Config,
    ) -> Result<(), Failure> {
        log::start(&config.log);
        // What can fail at once does so before anything is started, each with
        // its own exit status.
        memory::check()?;
        let (engine, component) = self.optimizer.load()?;
        let folder = DataDir::open(&sources.folder).map_err(Failure::of(Exit::DataFolder))?;
        let token = folder.token().map_err(Failure::of(Exit::DataFolder))?;
        let access = Access::open(folder.path(), &token, config.api.rate_limit)
            .map(Arc::new)
            .map_err(Failure::of(Exit::DataFolder))?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(Failure::of(Exit::Unexpected))?;
        let outcome = runtime.block_on(async {
            let listener = bind(config.api.listen).await?;
            let ingress = match config.ingress.listen {
                Some(address) => Some(bind(address).await?),
                None => None,
            };
            let hub = open_hub(&folder, component, &config)?;
            let plugins = self.plugins.folder(folder.path());
            let plugins = Plugins::new(plugins, engine.clone(), &hub);
            plugins.configure(&config.plugins);
            hub.employ(Arc::new(plugins));
            let reload = Reload {
                access,
                hub,
                clients: None,
                sources,
                config,
                pending: Vec::new(),
                engine,
                core: self.optimizer.path(),
            };
            serve(source, &folder, &token, listener, ingress, reload).await
        });
        runtime.shutdown_background();
        outcome
    }
}

/// Serves until stopped; what `service` holds is in force from the start.
async fn serve(
    source: Source,
    folder: &DataDir,
    token: &Token,
    listener: TcpListener,
    ingress: Option<TcpListener>,
    mut service: Reload,
) -> Result<(), Failure> {
    let listening = listener
        .local_addr()
        .map_err(Failure::of(Exit::Unexpected))?;
    let stop = stop::on_signal()?;
    let hub = Arc::clone(&service.hub);

    let in_home_assistant = service.config.ingress.listen.is_some();
    greet(&source, folder, listening, token, in_home_assistant);
    let companion = tell_companion(&hub, &source, listening, token, stop.clone());
    let (link, events) = source.connect(stop.clone())?;
    // The API outlives the loop for a moment: its own stop comes after.
    let (api_stop, api_stopped) = watch::channel(false);
    let (client, dialer) = link.unzip();
    let clients = client
        .as_ref()
        .zip(dialer)
        .map(|(client, dialer)| accept_clients(client, dialer, &service, api_stopped.clone()));
    service.clients.clone_from(&clients);
    let served = Api::new(
        Arc::clone(&hub),
        clients.clone(),
        Arc::clone(&service.access),
        &service.config.api,
        api_stopped.clone(),
    );
    let visitors = ingress.map(|listener| {
        let admits = Admits::Only(service.config.ingress.from);
        tokio::spawn(api::serve(
            listener,
            served.for_visitors(),
            admits,
            api_stopped.clone(),
        ))
    });
    let api = tokio::spawn(api::serve(listener, served, Admits::Everyone, api_stopped));
    let figures = service.config.mqtt.clone();
    let reload = tokio::spawn(service.follow());
    let plugins = hub.plugins().cloned();
    let plugins = plugins.map(|plugins| tokio::spawn(plugins.follow(stop.clone())));
    let status = tokio::spawn(status::tell_regularly(Arc::clone(&hub)));
    let mqtt = show_figures(&hub, folder.path(), &figures, stop.clone());

    let mut asked = stop.clone();
    let stopping = tokio::spawn(async move {
        if asked.wait_for(|stop| *stop).await.is_ok() {
            tell("stopping: what waits is sent, what was learned is written");
        }
    });
    let ended = run::run(Arc::clone(&hub), events, client.as_ref(), stop).await;

    for told in [mqtt, companion].into_iter().flatten() {
        let _ = told.await;
    }
    // Stopped with the hub; a refused token ends the service without a signal.
    if let Some(plugins) = plugins {
        plugins.abort();
    }
    status.abort();
    reload.abort();
    stopping.abort();
    if let Some(client) = client {
        client.shutdown().await;
    }
    api_stop.send_replace(true);
    let _ = api.await;
    if let Some(visitors) = visitors {
        let _ = visitors.await;
    }
    if let Some(clients) = clients {
        clients.ended().await;
    }
    match ended {
        Ok(Ended::Stopped) => {
            tell("stopped");
            Ok(())
        }
        Ok(Ended::Rejected(message)) => Err(home_assistant::refused(&message)),
        Err(error) => Err(Failure::new(
            Exit::DataFolder,
            format!("stopped, but not everything could be saved: {error}"),
        )),
    }
}

/// Tells the companion integration where the API is, in an app.
fn tell_companion(
    hub: &Arc<Hub>,
    source: &Source,
    listening: SocketAddr,
    token: &Token,
    stop: watch::Receiver<bool>,
) -> Option<JoinHandle<()>> {
    let Source::HomeAssistant { link, .. } = source else {
        return None;
    };
    let supervisor = Supervisor::of_this_app()?;
    let announcement = Announcement {
        host: own_name()?,
        port: listening.port(),
        token: token.clone(),
    };
    let home = ClientConfig::clone(link);
    let telling = companion::run(Arc::clone(hub), home, supervisor, announcement, stop);
    Some(tokio::spawn(telling))
}

/// Shows the figures in Home Assistant, where that is wanted. The simulated
/// home has no Home Assistant, unless a broker is named.
fn show_figures(
    hub: &Arc<Hub>,
    folder: &Path,
    config: &MqttConfig,
    stop: watch::Receiver<bool>,
) -> Option<JoinHandle<()>> {
    let source = match Supervisor::of_this_app() {
        Some(supervisor) => BrokerFrom::Supervisor(supervisor),
        None if config.host.is_some() => BrokerFrom::Nobody,
        None => return None,
    };
    match Installation::open(folder) {
        Ok(installation) => {
            let figures = mqtt::run(Arc::clone(hub), config.clone(), source, installation, stop);
            Some(tokio::spawn(figures))
        }
        Err(error) => {
            tracing::warn!(%error, "figures are not shown in Home Assistant");
            None
        }
    }
}

/// Those who take this for Home Assistant.
fn accept_clients(
    link: &Client,
    dialer: Dialer,
    service: &Reload,
    stop: watch::Receiver<bool>,
) -> Arc<Clients> {
    let upstream = Upstream {
        dialer,
        marker: link.marker(),
        forwards_addresses: service.config.home_assistant.forward_addresses,
        profiles: service.config.clients.clone(),
    };
    Arc::new(Clients::new(Arc::clone(&service.hub), upstream, stop))
}

async fn bind(address: SocketAddr) -> Result<TcpListener, Failure> {
    api::bind(address).await.map_err(Failure::of(Exit::Address))
}

fn open_hub(folder: &DataDir, component: Component, config: &Config) -> Result<Arc<Hub>, Failure> {
    let opened = RedbStore::open(&folder.l2_path(), RedbOptions::default())
        .map_err(Failure::of(Exit::DataFolder))?;
    if let Some(set_aside) = &opened.set_aside {
        tracing::warn!("{set_aside}");
    }
    let blobs = Blobs::new(folder.path());
    Hub::open(component, Arc::new(opened.store), blobs, config.hub.clone())
        .map(Arc::new)
        .map_err(|error| match error.code() {
            // Only settings are refused.
            "invalid-argument" | "unsupported" => Failure::new(
                Exit::Usage,
                format!(
                    "the configuration cannot be used: {error}; `weirhouse config check` says more"
                ),
            ),
            _ => Failure::new(Exit::Optimizer, error),
        })
}

/// The first lines: what runs, where, and how to look at it.
fn greet(
    source: &Source,
    folder: &DataDir,
    listening: SocketAddr,
    token: &Token,
    in_home_assistant: bool,
) {
    let address = page_address(listening);
    tell(&format!(
        "Weirhouse {} works for {}",
        env!("CARGO_PKG_VERSION"),
        source.describe()
    ));
    tell(&format!("data folder  {}", folder.path().display()));
    if in_home_assistant {
        tell("page         in Home Assistant; reached by the Supervisor only");
        tell(&format!(
            "API          on port {} of this app's host name, with a token",
            listening.port()
        ));
        return;
    }
    // In a service's journal the token would outlive the session.
    if std::io::stdout().is_terminal() || matches!(source, Source::Simulated(_)) {
        tell(&format!(
            "open         http://{address}/#token={}",
            token.expose()
        ));
    } else {
        tell(&format!(
            "open         http://{address}/ with the token in {}",
            folder.token_path().display()
        ));
    }
    if !listening.ip().is_loopback() {
        tell(&format!(
            "warning      {listening} can be reached from other machines, and what is sent there is not encrypted"
        ));
    }
    tell("stop         Ctrl-C");
}

/// The address to open in a browser.
fn page_address(listening: SocketAddr) -> String {
    if listening.ip().is_unspecified() {
        SocketAddr::from((Ipv4Addr::LOCALHOST, listening.port())).to_string()
    } else {
        listening.to_string()
    }
}
