//! Taking the address and serving on it until told to stop.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// How long open requests may go on after the stop.
const GRACE: Duration = Duration::from_secs(3);

/// Why the API cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Someone else listens there.
    #[error(
        "port {} of {} is taken, perhaps by another Weirhouse; stop that program, or choose another port, for example --listen {}:{}",
        .0.port(), .0.ip(), bracketed(.0), .0.port().checked_add(2).unwrap_or(8098)
    )]
    Taken(SocketAddr),
    /// The address cannot be used.
    #[error("cannot listen on {address}: {source}; choose another address with --listen")]
    Unusable {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

/// Takes the address, before anything else is started.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, ListenError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => ListenError::Taken(address),
            _ => ListenError::Unusable { address, source },
        })
}

/// Serves until `stop` becomes true or its sender is dropped, then lets open
/// requests finish for a moment.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    mut stop: watch::Receiver<bool>,
) -> io::Result<()> {
    let mut grace = stop.clone();
    let signal = async move {
        let _ = stop.wait_for(|stop| *stop).await;
    };
    tokio::select! {
        served = axum::serve(listener, router).with_graceful_shutdown(signal) => served,
        () = async {
            let _ = grace.wait_for(|stop| *stop).await;
            tokio::time::sleep(GRACE).await;
        } => Ok(()),
    }
}

/// IPv6 addresses as they stand in front of a port.
fn bracketed(address: &SocketAddr) -> String {
    match address {
        SocketAddr::V4(address) => address.ip().to_string(),
        SocketAddr::V6(address) => format!("[{}]", address.ip()),
    }
}
