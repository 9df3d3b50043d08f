//! The figures of this instance as entities of Home Assistant, through an MQTT
//! broker and Home Assistant's discovery.
//!
//! They are sent seldom: an app that keeps a database calm must not fill it
//! with its own counters. Only trouble is told at once.

mod broker;
mod device;
mod figures;
mod installation;

use std::sync::Arc;
use std::time::Duration;

use rumqttc::{
    AsyncClient, ClientError, ConnectionError, Event, EventLoop, LastWill, MqttOptions, Packet, QoS,
};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval_at, sleep, timeout};

pub use broker::{Broker, BrokerFrom};
pub use installation::Installation;

use crate::hub::Hub;
use device::Topics;
use figures::Figures;

/// Whether and where the figures are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MqttConfig {
    /// Whether they are.
    pub enabled: bool,
    /// The broker; `None` for the Supervisor's, where there is one.
    pub host: Option<String>,
    /// Its port.
    pub port: u16,
    /// Who to log in as.
    pub username: Option<String>,
    /// A file that holds the password.
    pub password_file: Option<std::path::PathBuf>,
    /// What Home Assistant's discovery topics begin with.
    pub discovery_prefix: String,
    /// How often the figures are sent.
    pub every: Duration,
}

impl Default for MqttConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            host: None,
            port: 1883,
            username: None,
            password_file: None,
            discovery_prefix: "homeassistant".to_owned(),
            every: Duration::from_mins(5),
        }
    }
}

/// How often trouble is looked for.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Waits between attempts to reach the broker, doubling from the first to the last.
const RETRY_FIRST: Duration = Duration::from_secs(5);
const RETRY_LAST: Duration = Duration::from_mins(5);

/// Longest that the end waits for the broker.
const FAREWELL: Duration = Duration::from_secs(2);

/// A broker that is silent for this long is taken for gone.
const KEEP_ALIVE: Duration = Duration::from_mins(1);

/// Messages that wait for the broker.
const QUEUE: usize = 16;

/// Shows the figures of `hub` until `stop` becomes true, or takes back what an
/// earlier run showed where that is turned off.
pub async fn run(
    hub: Arc<Hub>,
    config: MqttConfig,
    source: BrokerFrom,
    mut installation: Installation,
    mut stop: watch::Receiver<bool>,
) {
    if !config.enabled && !installation.is_shown() {
        return;
    }
    let mut wait = RETRY_FIRST;
    let mut told = false;
    loop {
        let outcome = tokio::select! {
            outcome = attempt(&hub, &config, &source, &mut installation, stop.clone()) => outcome,
            () = stopped(&mut stop) => return,
        };
        match outcome {
            Ok(Outcome::Withdrawn) => return,
            // One may be installed later.
            Ok(Outcome::NoBroker) => wait = RETRY_LAST,
            Ok(Outcome::Ended) if *stop.borrow() => return,
            Ok(Outcome::Ended) => wait = RETRY_FIRST,
            Err(error) => {
                // Once for an outage.
                if !told {
                    tracing::warn!(%error, "no MQTT broker: figures are not shown in Home Assistant until there is one; it is tried again");
                }
                told = true;
            }
        }
        tokio::select! {
            () = sleep(wait) => {}
            () = stopped(&mut stop) => return,
        }
        wait = (wait * 2).min(RETRY_LAST);
    }
}

/// How an attempt ended.
enum Outcome {
    /// There is nothing to attempt.
    NoBroker,
    /// What was shown has been taken back.
    Withdrawn,
    /// It was connected.
    Ended,
}

/// Why an attempt failed.
#[derive(Debug, thiserror::Error)]
enum MqttError {
    #[error("{0}")]
    Broker(#[from] broker::BrokerError),
    #[error("{broker}: {error}")]
    Connection {
        broker: String,
        error: Box<ConnectionError>,
    },
}

async fn attempt(
    hub: &Hub,
    config: &MqttConfig,
    source: &BrokerFrom,
    installation: &mut Installation,
    stop: watch::Receiver<bool>,
) -> Result<Outcome, MqttError> {
    let Some(broker) = source.find(config).await? else {
        return Ok(Outcome::NoBroker);
    };
    let topics = Topics::new(&config.discovery_prefix, installation.id());
    let mut options = MqttOptions::new(topics.client(), &broker.host, broker.port);
    options.set_keep_alive(KEEP_ALIVE);
    if let Some(username) = &broker.username {
        options.set_credentials(username, broker.password.clone().unwrap_or_default());
    }
    options.set_last_will(LastWill::new(
        &topics.availability,
        device::OFFLINE,
        QoS::AtLeastOnce,
        true,
    ));
    let (client, mut events) = AsyncClient::new(options, QUEUE);
    let connection = |error| MqttError::Connection {
        broker: format!("{}:{}", broker.host, broker.port),
        error: Box::new(error),
    };
    while !matches!(
        events.poll().await.map_err(connection)?,
        Event::Incoming(Packet::ConnAck(_))
    ) {}
    if !config.enabled {
        let _ = client
            .publish(&topics.discovery, QoS::AtLeastOnce, true, Vec::new())
            .await;
        say_farewell(&client, &mut events).await;
        installation.set_shown(false);
        tracing::info!("the figures are no longer shown in Home Assistant");
        return Ok(Outcome::Withdrawn);
    }
    tracing::info!(broker = %format_args!("{}:{}", broker.host, broker.port), "the figures are shown in Home Assistant");
    installation.set_shown(true);
    let ended = show(hub, config, &topics, &client, &mut events, stop).await;
    ended.map(|()| Outcome::Ended).map_err(connection)
}

/// Sends figures until the connection ends or `stop` becomes true.
async fn show(
    hub: &Hub,
    config: &MqttConfig,
    topics: &Topics,
    client: &AsyncClient,
    events: &mut EventLoop,
    mut stop: watch::Receiver<bool>,
) -> Result<(), ConnectionError> {
    // Not at once: a link that is just being made is no trouble.
    let period = LOOK_EVERY.min(config.every);
    let mut look = interval_at(tokio::time::Instant::now() + period, period);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut sent: Option<(tokio::time::Instant, bool)> = None;
    // What cannot be queued is behind a connection whose end is told by its events.
    let _ = announce(topics, client).await;
    loop {
        tokio::select! {
            event = events.poll() => {
                event?;
            }
            _ = look.tick() => {
                let figures = match Figures::of(hub) {
                    Ok(figures) => figures,
                    Err(error) => {
                        tracing::warn!(%error, "figures are missing this time");
                        continue;
                    }
                };
                let due = sent.is_none_or(|(at, trouble)| {
                    trouble != figures.trouble || at.elapsed() >= config.every
                });
                // The queue is emptied by polling, which waits for this.
                if due && client.try_publish(&topics.state, QoS::AtMostOnce, true, figures.json()).is_ok() {
                    sent = Some((tokio::time::Instant::now(), figures.trouble));
                }
            }
            () = stopped(&mut stop) => {
                let _ = client.try_publish(&topics.availability, QoS::AtLeastOnce, true, device::OFFLINE);
                say_farewell(client, events).await;
                return Ok(());
            }
        }
    }
}

/// Tells Home Assistant what there is to show.
async fn announce(topics: &Topics, client: &AsyncClient) -> Result<(), ClientError> {
    let description = topics.description().to_string();
    client
        .publish(&topics.discovery, QoS::AtLeastOnce, true, description)
        .await?;
    client
        .publish(&topics.availability, QoS::AtLeastOnce, true, device::ONLINE)
        .await
}

/// Leaves properly, as far as the broker goes along.
async fn say_farewell(client: &AsyncClient, events: &mut EventLoop) {
    let _ = client.try_disconnect();
    let _ = timeout(FAREWELL, async { while events.poll().await.is_ok() {} }).await;
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // A sender that is gone stops it, too.
    let _ = stop.wait_for(|stop| *stop).await;
}
