//! The tokio shell around [`Session`](crate::Session): a handle for the host and a background task.
//!
//! The task connects, reconnects with growing delays and delivers events in order. It keeps no states.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::{Event, ServiceCall, SessionConfig};

mod ask;
mod backoff;
mod dial;
mod endpoint;
mod link;
mod reader;

pub use ask::{AskError, has_integration};
pub use dial::{Dialer, Socket};
pub use endpoint::ConfigError;
use endpoint::Endpoint;

/// Calls that may wait to be sent. A host that has more on its way than this should batch them.
const CALL_QUEUE: usize = 256;

/// Settings of a [`Client`].
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// Where Home Assistant is: `http://host:8123`, `https://host`, or a WebSocket URL whose path is kept, such as
    /// `ws://supervisor/core/websocket`. An HTTP URL may have a path before which the proxy puts Home Assistant.
    pub url: String,
    /// Token, filter and time limits of each connection.
    pub session: SessionConfig,
    /// Limit for name resolution, TCP, TLS and the WebSocket handshake together. Default 10 s.
    pub connect_timeout: Duration,
    /// Delay before the first reconnect; it doubles with each failure. Default 1 s.
    pub backoff_min: Duration,
    /// Longest delay between attempts, and how long a connection must last for the delay to start over. Default 60 s.
    pub backoff_max: Duration,
    /// Largest message accepted, bytes. Default 64 MiB, the limit of the Supervisor's proxy.
    pub max_message_bytes: usize,
    /// Frames between reader and parser. Default 256; when full, the reader waits and Home Assistant queues up to
    /// 4,096 messages before it drops the connection.
    pub frame_queue: usize,
    /// Events between client and host. Default 64.
    pub event_queue: usize,
}

impl ClientConfig {
    /// The defaults, with address and token.
    pub fn new(url: impl Into<String>, token: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            session: SessionConfig::new(token),
            connect_timeout: Duration::from_secs(10),
            backoff_min: Duration::from_secs(1),
            backoff_max: Duration::from_mins(1),
            max_message_bytes: 64 << 20,
            frame_queue: 256,
            event_queue: 64,
        }
    }

    /// Tells settings with which no connection can ever be made, without trying one.
    ///
    /// # Errors
    /// When the URL is none or the token is empty.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.endpoint().map(drop)
    }

    fn endpoint(&self) -> Result<Endpoint, ConfigError> {
        let endpoint = Endpoint::parse(&self.url)?;
        if self.session.token.trim().is_empty() {
            return Err(ConfigError::NoToken);
        }
        Ok(endpoint)
    }
}

/// Counters of the link since the client was made. Reading them costs nothing.
#[derive(Debug, Default)]
pub struct LinkStats {
    frames: AtomicU64,
    bytes: AtomicU64,
    reader_waits: AtomicU64,
    connections: AtomicU64,
}

impl LinkStats {
    /// Text frames received.
    pub fn frames(&self) -> u64 {
        self.frames.load(Ordering::Relaxed)
    }

    /// Bytes of text received.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// How often the reader found the frame queue full and had to wait. It should stay zero: while the reader waits,
    /// messages pile up in Home Assistant, which ends the connection at some point.
    pub fn reader_waits(&self) -> u64 {
        self.reader_waits.load(Ordering::Relaxed)
    }

    /// Connections opened, whether or not the login succeeded.
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }
}

/// A link to Home Assistant that is kept up in the background. Dropping it ends the link.
pub struct Client {
    requests: mpsc::Sender<Request>,
    stop: watch::Sender<()>,
    stats: Arc<LinkStats>,
    task: JoinHandle<()>,
}

/// Sets marks in what a [`Client`] tells, from any number of tasks.
#[derive(Clone, Debug)]
pub struct Marker(mpsc::Sender<Request>);

/// What the background task is asked to do.
#[derive(Debug)]
enum Request {
    Call(ServiceCall),
    Mark(u64),
}

/// Why a call was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// Too many calls wait to be sent.
    #[error("{CALL_QUEUE} calls already wait to be sent; send fewer, with more entities each")]
    QueueFull,
    /// The client has ended.
    #[error("the link to Home Assistant has ended; make a new client")]
    Ended,
}

impl Client {
    /// Starts the link and returns at once; how it goes is told in events.
    ///
    /// The receiver ends after [`Event::Rejected`] or after the client. Dropping the receiver ends the link.
    ///
    /// # Errors
    /// When the settings cannot work, such as a URL that is none.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn connect(config: ClientConfig) -> Result<(Self, mpsc::Receiver<Event>), ConfigError> {
        let endpoint = config.endpoint()?;
        let (events, receiver) = mpsc::channel(config.event_queue.max(1));
        let (requests, queue) = mpsc::channel(CALL_QUEUE);
        let (stop, stopped) = watch::channel(());
        let stats = Arc::new(LinkStats::default());
        let link = link::Link::new(config, endpoint, Arc::clone(&stats), events, queue, stopped);
        let client = Self {
            requests,
            stop,
            stats,
            task: tokio::spawn(link.run()),
        };
        Ok((client, receiver))
    }

    /// Calls an action. The outcome comes as [`Event::CommandResult`], also when there is no connection.
    pub fn call_service(&self, call: ServiceCall) -> Result<(), CallError> {
        send(&self.requests, Request::Call(call))
    }

    /// What sets marks in the events of this client.
    pub fn marker(&self) -> Marker {
        Marker(self.requests.clone())
    }

    /// Counters of the link.
    pub fn stats(&self) -> &Arc<LinkStats> {
        &self.stats
    }

    /// Closes the connection properly and waits, about a second at most, until that is done.
    pub async fn shutdown(self) {
        let Self { stop, task, .. } = self;
        drop(stop);
        if let Err(error) = task.await {
            tracing::error!(%error, "the link to Home Assistant ended abnormally");
        }
    }
}

impl Marker {
    /// Asks for [`Event::Marked`] with this number, once everything that happened in Home Assistant before now has
    /// been told. It costs Home Assistant a ping.
    pub fn mark(&self, mark: u64) -> Result<(), CallError> {
        send(&self.0, Request::Mark(mark))
    }
}

fn send(queue: &mpsc::Sender<Request>, request: Request) -> Result<(), CallError> {
    queue.try_send(request).map_err(|error| match error {
        mpsc::error::TrySendError::Full(_) => CallError::QueueFull,
        mpsc::error::TrySendError::Closed(_) => CallError::Ended,
    })
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("stats", &self.stats)
            .finish_non_exhaustive()
    }
}
