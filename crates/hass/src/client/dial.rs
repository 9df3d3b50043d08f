//! Opening one WebSocket, stage by stage, so that each failure can be told apart.

use std::sync::Arc;

use tokio::net::{TcpStream, lookup_host};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, client_async_tls_with_config};

use super::{ClientConfig, Endpoint};
use crate::DisconnectReason;

pub(super) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Resolves, connects and shakes hands within the connect time-out.
pub(super) async fn dial(
    endpoint: &Endpoint,
    config: &ClientConfig,
) -> Result<Socket, DisconnectReason> {
    let after = config.connect_timeout;
    match tokio::time::timeout(after, open(endpoint, config)).await {
        Ok(result) => result,
        Err(_) => Err(DisconnectReason::ConnectTimeout {
            address: endpoint.address(),
            after,
        }),
    }
}

async fn open(endpoint: &Endpoint, config: &ClientConfig) -> Result<Socket, DisconnectReason> {
    let tcp = open_tcp(endpoint).await?;
    if let Err(error) = tcp.set_nodelay(true) {
        tracing::debug!(%error, "cannot send small frames at once");
    }
    let connector = if endpoint.tls {
        Connector::Rustls(tls_config(endpoint)?)
    } else {
        Connector::Plain
    };
    // A message may come as one WebSocket frame, so both limits are the same.
    let limits = WebSocketConfig::default()
        .max_message_size(Some(config.max_message_bytes))
        .max_frame_size(Some(config.max_message_bytes));
    client_async_tls_with_config(&endpoint.url, tcp, Some(limits), Some(connector))
        .await
        .map(|(socket, _)| socket)
        .map_err(|error| {
            DisconnectReason::from_handshake(error, endpoint.address(), &endpoint.path)
        })
}

/// Tries every address of the host in turn.
async fn open_tcp(endpoint: &Endpoint) -> Result<TcpStream, DisconnectReason> {
    let unresolved = |source| DisconnectReason::Dns {
        host: endpoint.host.clone(),
        source,
    };
    let addresses = lookup_host((endpoint.host.as_str(), endpoint.port))
        .await
        .map_err(unresolved)?;
    let mut failure = unresolved(std::io::Error::other("no address"));
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(tcp) => return Ok(tcp),
            Err(error) => {
                failure = DisconnectReason::from_connect(error, endpoint.address());
            }
        }
    }
    Err(failure)
}

/// Trusts the public authorities compiled in, so that an image without a certificate store works too.
fn tls_config(endpoint: &Endpoint) -> Result<Arc<rustls::ClientConfig>, DisconnectReason> {
    let roots = rustls::RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    // The provider is named because a second one anywhere in the program would make the default ambiguous.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| DisconnectReason::Tls {
            address: endpoint.address(),
            detail: error.to_string(),
        })?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
