//! What `serve` and `demo` have in common: their arguments, and the life of
//! the service from the first check to the clean stop.

use std::io::IsTerminal as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use clap::Args;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use weirhouse_hass::{Client, ClientConfig, Event};
use weirhouse_runner::Component;
use weirhouse_runner::wit::schedule::{Class, Volatility};

use super::data_folder::{DataFolderArgs, HOME};
use super::exit::{Exit, Failure};
use super::optimizer::OptimizerArgs;
use super::output::tell;
use super::refresh::RefreshArgs;
use super::rule::{PresetArgs, RuleArgs};
use super::{home_assistant, reload, status, stop};
use crate::access::{Access, RateLimit};
use crate::api::{self, AllowedHosts};
use crate::data_dir::{DataDir, Token};
use crate::demo;
use crate::hub::{Hub, Refresh, Settings};
use crate::run::{self, Ended};
use crate::store::{Blobs, RedbOptions, RedbStore};

/// Where the API listens unless told otherwise.
pub(super) const DEFAULT_LISTEN: &str = "127.0.0.1:8098";

#[derive(Debug, Args)]
#[command(next_help_heading = "Service")]
pub(super) struct ServiceArgs {
    #[command(flatten)]
    folder: DataFolderArgs,
    /// Where the API and the page listen
    #[arg(long, value_name = "ADDRESS", value_parser = super::quantity::listen, default_value = DEFAULT_LISTEN, env = "WEIRHOUSE_LISTEN", hide_env_values = true)]
    listen: SocketAddr,
    /// Answer requests for this host name, too
    ///
    /// Loopback and the address of --listen always are. Others are refused,
    /// so that no web page can reach the API through a name of its own.
    #[arg(long = "allow-host", value_name = "NAME")]
    allow_hosts: Vec<String>,
    #[command(flatten)]
    optimizer: OptimizerArgs,
    #[command(flatten)]
    rule: RuleArgs,
    #[command(flatten)]
    presets: PresetArgs,
    #[command(flatten)]
    refresh: RefreshArgs,
}

/// Where states come from.
pub(super) enum Source {
    /// A Home Assistant.
    HomeAssistant(Box<ClientConfig>),
    /// The simulated home.
    Simulated(demo::Settings),
}

impl Source {
    fn describe(&self) -> String {
        match self {
            Self::HomeAssistant(config) => format!("Home Assistant at {}", config.url),
            Self::Simulated(home) => format!(
                "a simulated home of {} entities, {} readings per second",
                home.entities, home.rate_hz
            ),
        }
    }

    /// What is refreshed unless the command line says otherwise: in the
    /// simulated home the position of the phone, to be seen doing so.
    fn refresh(&self) -> Vec<(String, Refresh)> {
        match self {
            Self::HomeAssistant(_) => Vec::new(),
            Self::Simulated(_) => vec![(
                "device_tracker.phone".to_owned(),
                Refresh::Class(Class::Gps, Volatility::High),
            )],
        }
    }

    /// The default data folder's name: a simulation must not mix with a home.
    fn folder_name(&self) -> &'static str {
        match self {
            Self::HomeAssistant(_) => HOME,
            Self::Simulated(_) => "weirhouse-demo",
        }
    }

    /// Starts the link; the client is there for a Home Assistant only.
    fn connect(
        self,
        stop: watch::Receiver<bool>,
    ) -> Result<(Option<Client>, mpsc::Receiver<Event>), Failure> {
        match self {
            Self::HomeAssistant(config) => {
                let (client, events) =
                    Client::connect(*config).map_err(Failure::of(Exit::Usage))?;
                Ok((Some(client), events))
            }
            Self::Simulated(settings) => Ok((None, demo::start(settings, stop))),
        }
    }
}

impl ServiceArgs {
    /// Runs the service until it is stopped.
    pub(super) fn run(&self, source: Source) -> Result<(), Failure> {
        // What can fail at once does so before anything is started, each with
        // its own exit status.
        let (_engine, component) = self.optimizer.load()?;
        let path = self.folder.path(source.folder_name())?;
        let folder = DataDir::open(&path).map_err(Failure::of(Exit::DataFolder))?;
        let token = folder.token().map_err(Failure::of(Exit::DataFolder))?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(Failure::of(Exit::Unexpected))?;
        let outcome = runtime.block_on(self.serve(source, &folder, token, component));
        runtime.shutdown_background();
        outcome
    }

    async fn serve(
        &self,
        source: Source,
        folder: &DataDir,
        token: Token,
        component: Component,
    ) -> Result<(), Failure> {
        let listener = api::bind(self.listen)
            .await
            .map_err(Failure::of(Exit::Address))?;
        let listening = listener
            .local_addr()
            .map_err(Failure::of(Exit::Unexpected))?;
        let stop = stop::on_signal()?;
        let access = Access::open(folder.path(), &token, RateLimit::default())
            .map(Arc::new)
            .map_err(Failure::of(Exit::DataFolder))?;
        let hub = self.open_hub(&source, folder, component)?;

        greet(&source, folder, listening, &token);
        let (client, events) = source.connect(stop.clone())?;
        // The API outlives the loop for a moment: its own stop comes after.
        let (api_stop, api_stopped) = watch::channel(false);
        let reload = tokio::spawn(reload::follow(Arc::clone(&access)));
        let api = tokio::spawn(self.answer(listener, &hub, access, api_stopped));
        let status = tokio::spawn(status::tell_regularly(Arc::clone(&hub)));

        let mut asked = stop.clone();
        let stopping = tokio::spawn(async move {
            if asked.wait_for(|stop| *stop).await.is_ok() {
                tell("stopping: what waits is sent, what was learned is written");
            }
        });
        let ended = run::run(Arc::clone(&hub), events, client.as_ref(), stop).await;

        status.abort();
        reload.abort();
        stopping.abort();
        if let Some(client) = client {
            client.shutdown().await;
        }
        api_stop.send_replace(true);
        let _ = api.await;
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

    fn open_hub(
        &self,
        source: &Source,
        folder: &DataDir,
        component: Component,
    ) -> Result<Arc<Hub>, Failure> {
        let opened = RedbStore::open(&folder.l2_path(), RedbOptions::default())
            .map_err(Failure::of(Exit::DataFolder))?;
        if let Some(set_aside) = &opened.set_aside {
            tracing::warn!("{set_aside}");
        }
        let settings = Settings {
            default_rule: self.rule.rule(),
            presets: self.presets.enabled(),
            refresh: self.refresh.entities().unwrap_or_else(|| source.refresh()),
            ..Settings::default()
        };
        let blobs = Blobs::new(folder.path());
        Hub::open(component, Arc::new(opened.store), blobs, settings)
            .map(Arc::new)
            .map_err(|error| {
                // Only settings are refused, and those come from the command line.
                let exit = match error.code() {
                    "invalid-argument" | "unsupported" => Exit::Usage,
                    _ => Exit::Optimizer,
                };
                Failure::new(exit, error)
            })
    }

    fn answer(
        &self,
        listener: TcpListener,
        hub: &Arc<Hub>,
        access: Arc<Access>,
        stop: watch::Receiver<bool>,
    ) -> impl Future<Output = ()> + use<> {
        let hosts = AllowedHosts::new(self.listen.ip(), self.allow_hosts.clone());
        let router = api::router(Arc::clone(hub), access, hosts, stop.clone());
        api::serve(listener, router, stop)
    }
}

/// The first lines: what runs, where, and how to look at it.
fn greet(source: &Source, folder: &DataDir, listening: SocketAddr, token: &Token) {
    let address = page_address(listening);
    tell(&format!(
        "Weirhouse {} works for {}",
        env!("CARGO_PKG_VERSION"),
        source.describe()
    ));
    tell(&format!("data folder  {}", folder.path().display()));
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
