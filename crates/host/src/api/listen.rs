//! Taking the address and serving on it until told to stop.
//!
//! Time limits of connections are here, their number in `connections`, and
//! bounds on requests in `answer`.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
#[cfg(target_os = "linux")]
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};

use super::Api;
use super::connections::{self, Closing, Connections, Place};
use super::ingress::{self, Admits};

/// How long open requests may go on after the stop.
const GRACE: Duration = Duration::from_secs(3);

/// Longest time a connection may take for a request's head or idle between
/// two requests, so that forgotten ones end.
const IDLE_LIMIT: Duration = Duration::from_secs(30);

/// A client that takes nothing of what it is sent for this long is gone.
#[cfg(target_os = "linux")]
const UNREAD_LIMIT: Duration = Duration::from_mins(1);

/// Most bytes of a request's head: what `answer` refuses in words comes before,
/// this ends what has no end. A query may name a thousand entities.
const HEAD_LIMIT_BYTES: usize = 128 << 10;

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

/// Serves whom it admits until `stop` becomes true or its sender is dropped,
/// then lets open requests finish for a moment.
pub async fn serve(listener: TcpListener, api: Api, admits: Admits, stop: watch::Receiver<bool>) {
    let api = Arc::new(api);
    let answer = move |from, request| api.answer(Some(from), request);
    serve_with(listener, answer, admits, stop).await;
}

/// As `serve`, with what answers requests from an address.
async fn serve_with<F>(
    listener: TcpListener,
    answer: impl Fn(IpAddr, Request) -> F + Clone + Send + 'static,
    admits: Admits,
    mut stop: watch::Receiver<bool>,
) where
    F: Future<Output = Response> + Send + 'static,
{
    let mut strangers = 0_u64;
    let mut http = http1::Builder::new();
    http.header_read_timeout(None)
        .max_buf_size(HEAD_LIMIT_BYTES);
    // Held by every connection: it ends with the last.
    let (open, mut all_closed) = mpsc::channel::<Infallible>(1);
    let connections = Arc::new(Connections::new());
    loop {
        let accepted = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            accepted = accept(&listener, &connections) => accepted,
        };
        let Some((stream, peer, place)) = accepted else {
            continue;
        };
        if !admits.admits(peer) {
            strangers += 1;
            if strangers == 1 {
                tracing::warn!(%peer, "refused at the port for Home Assistant's ingress; more of them are logged as debug");
            } else {
                tracing::debug!(%peer, strangers, "refused at the port for Home Assistant's ingress");
            }
            tokio::spawn(async move {
                ingress::refuse(stream).await;
                drop(place);
            });
            continue;
        }
        let closing = place.closing(IDLE_LIMIT);
        let (answer, from) = (answer.clone(), peer.to_canonical());
        let service = connections::service(place, move |request| answer(from, request));
        let connection = http.serve_connection(TokioIo::new(stream), service);
        let (mut stopping, open) = (stop.clone(), open.clone());
        tokio::spawn(async move {
            let mut connection = pin!(connection.with_upgrades());
            let mut closing = pin!(closing);
            let mut told = false;
            loop {
                tokio::select! {
                    ended = connection.as_mut() => {
                        if let Err(error) = ended {
                            tracing::debug!(%error, "a connection broke");
                        }
                        break;
                    }
                    why = closing.as_mut() => {
                        tracing::debug!(wanted = why == Closing::Wanted, "an idle connection was closed");
                        break;
                    }
                    _ = stopping.wait_for(|stop| *stop), if !told => {
                        told = true;
                        connection.as_mut().graceful_shutdown();
                    }
                }
            }
            drop(open);
        });
    }
    // Nobody new; who is there may finish.
    drop((listener, open));
    let _ = tokio::time::timeout(GRACE, all_closed.recv()).await;
}

/// Waits for a free place and a client; `None` when there was none to take.
async fn accept(
    listener: &TcpListener,
    connections: &Arc<Connections>,
) -> Option<(TcpStream, IpAddr, Place)> {
    match listener.accept().await {
        Ok((stream, peer)) => {
            // Events are small and must not wait for one another.
            let _ = stream.set_nodelay(true);
            #[cfg(target_os = "linux")]
            let _ = SockRef::from(&stream).set_tcp_user_timeout(Some(UNREAD_LIMIT));
            Some((stream, peer.ip(), connections.place().await))
        }
        Err(error) => {
            // Mostly a client gone again, or too many files open: try later.
            tracing::warn!(%error, "a connection could not be accepted");
            tokio::time::sleep(Duration::from_millis(100)).await;
            None
        }
    }
}

/// IPv6 addresses as they stand in front of a port.
fn bracketed(address: &SocketAddr) -> String {
    match address {
        SocketAddr::V4(address) => address.ip().to_string(),
        SocketAddr::V6(address) => format!("[{}]", address.ip()),
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use axum::response::IntoResponse as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

    #[tokio::test]
    async fn a_taken_port_is_named_with_the_way_out() {
        let listener = bind(ANY_PORT).await.unwrap();
        let taken = listener.local_addr().unwrap();
        let message = bind(taken).await.unwrap_err().to_string();
        assert!(
            message.contains(&format!("port {}", taken.port())),
            "{message}"
        );
        assert!(message.contains("--listen 127.0.0.1:"), "{message}");
    }

    #[tokio::test]
    async fn after_the_stop_open_requests_finish_and_new_ones_fail() {
        let (stop, stopped) = watch::channel(false);
        let slow = |_, _| async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            "done".into_response()
        };
        let listener = bind(ANY_PORT).await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(serve_with(listener, slow, Admits::Everyone, stopped));
        let mut client = TcpStream::connect(address).await.unwrap();
        client
            .write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            .await
            .unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        stop.send(true).unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
        assert!(answer.ends_with("done"), "{answer}");
        server.await.unwrap();
        assert!(TcpStream::connect(address).await.is_err());
    }
}
