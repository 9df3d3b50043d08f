//! Clients that take this for Home Assistant: who they are, and one task for each.
//!
//! What is said to whom is the matter of [`weirhouse_hass::Gateway`]; here are its sockets, its time and its bounds.

mod connection;
mod counters;
mod in_force;
mod meter;
mod profiles;
mod refusals;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use weirhouse_hass::{CallError, Dialer, DisconnectReason, Marker, Socket};

use crate::hub::Hub;
pub use counters::Counters;
use in_force::Profiles;
pub use profiles::ClientProfile;
use refusals::Refusals;

/// Most clients at once. Each has a connection of its own to Home Assistant.
pub const MOST_CLIENTS: usize = 128;

/// How long they may take to end when the service does.
const END_LIMIT: Duration = Duration::from_secs(1);

/// All clients.
pub struct Clients {
    hub: Arc<Hub>,
    dialer: Dialer,
    marker: Marker,
    /// Whether Home Assistant is told where a client is.
    forwards_addresses: bool,
    profiles: watch::Sender<Arc<[ClientProfile]>>,
    places: Arc<Semaphore>,
    refusals: Refusals,
    counters: Counters,
    marks: AtomicU64,
    /// Whether the last client could not be connected to Home Assistant.
    unreachable: AtomicBool,
    stop: watch::Receiver<bool>,
}

/// What clients rest on.
pub struct Upstream {
    /// Opens their connections to Home Assistant.
    pub dialer: Dialer,
    /// Sets marks in the link that feeds the hub.
    pub marker: Marker,
    /// Whether Home Assistant is told where a client is.
    pub forwards_addresses: bool,
    /// Of which the first counts that is for a client.
    pub profiles: Vec<ClientProfile>,
}

/// Why there is no place for a client.
#[derive(Debug, thiserror::Error)]
pub enum Unwelcome {
    /// There are too many.
    #[error("{MOST_CLIENTS} clients are connected; close one or try again later")]
    Full,
    /// Home Assistant refused tokens from there lately.
    #[error(
        "Home Assistant refused several tokens from this address; more would make it ban Weirhouse"
    )]
    Suspicious(Duration),
    /// Home Assistant is not there.
    #[error("no connection to Home Assistant for this client: {0}")]
    Unavailable(DisconnectReason),
}

/// A place among the clients, with a connection to Home Assistant on which nothing was said yet.
pub struct Place {
    upstream: Socket,
    from: IpAddr,
    _permit: OwnedSemaphorePermit,
}

impl Clients {
    /// No clients yet; those to come end when `stop` becomes true.
    pub fn new(hub: Arc<Hub>, upstream: Upstream, stop: watch::Receiver<bool>) -> Self {
        let Upstream {
            dialer,
            marker,
            forwards_addresses,
            profiles,
        } = upstream;
        Self {
            hub,
            dialer,
            marker,
            forwards_addresses,
            profiles: watch::Sender::new(profiles.into()),
            places: Arc::new(Semaphore::new(MOST_CLIENTS)),
            refusals: Refusals::default(),
            counters: Counters::default(),
            marks: AtomicU64::new(0),
            unreachable: AtomicBool::new(false),
            stop,
        }
    }

    /// A place for a client at this address.
    pub async fn place(&self, from: IpAddr) -> Result<Place, Unwelcome> {
        if let Some(wait) = self.refusals.wait(from) {
            return Err(Unwelcome::Suspicious(wait));
        }
        let permit = Arc::clone(&self.places)
            .try_acquire_owned()
            .map_err(|_| Unwelcome::Full)?;
        let behalf = self.forwards_addresses.then_some(from);
        match self.dialer.dial(behalf).await {
            Ok(upstream) => {
                self.unreachable.store(false, Ordering::Relaxed);
                Ok(Place {
                    upstream,
                    from,
                    _permit: permit,
                })
            }
            Err(reason) => {
                // The link may go on meanwhile: it may have another address.
                if !self.unreachable.swap(true, Ordering::Relaxed) {
                    tracing::warn!(%reason, "clients cannot be connected to Home Assistant; it is tried for each of them");
                }
                Err(Unwelcome::Unavailable(reason))
            }
        }
    }

    /// Serves a client whose WebSocket handshake is done, until either side ends.
    pub async fn serve<S>(&self, place: Place, stream: S)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        connection::serve(self, place, stream).await;
    }

    /// Returns when all clients are gone, or after a moment.
    pub async fn ended(&self) {
        let all = self.places.acquire_many(MOST_CLIENTS as u32);
        let _ = tokio::time::timeout(END_LIMIT, all).await;
    }

    /// Clients now.
    pub fn count(&self) -> usize {
        MOST_CLIENTS - self.places.available_permits()
    }

    /// What happened so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Puts other profiles in force. Who gets another one by that is asked to connect again.
    pub fn set_profiles(&self, profiles: &[ClientProfile]) {
        self.profiles.send_if_modified(|known| {
            let differ = **known != *profiles;
            if differ {
                *known = profiles.into();
            }
            differ
        });
    }

    /// The profiles in force.
    fn profiles(&self) -> Profiles {
        Profiles::new(self.profiles.subscribe())
    }

    /// Sets a mark in the link.
    fn mark(&self) -> Result<u64, CallError> {
        let mark = self.marks.fetch_add(1, Ordering::Relaxed);
        self.marker.mark(mark)?;
        Ok(mark)
    }
}
