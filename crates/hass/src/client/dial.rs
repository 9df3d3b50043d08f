//! Opening one WebSocket, stage by stage, so that each failure can be told apart.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::net::{TcpStream, lookup_host};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, client_async_tls_with_config};

use super::{ClientConfig, ConfigError, Endpoint};
use crate::DisconnectReason;

/// An open connection to Home Assistant.
pub type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Opens connections to Home Assistant for others to speak on.
#[derive(Clone, Debug)]
pub struct Dialer {
    endpoint: Endpoint,
    config: ClientConfig,
}

impl Dialer {
    /// A dialer for this address, written as in [`ClientConfig::url`].
    pub fn new(url: impl Into<String>) -> Result<Self, ConfigError> {
        let config = ClientConfig::new(url, "");
        let endpoint = Endpoint::parse(&config.url)?;
        Ok(Self { endpoint, config })
    }

    /// Opens a connection on which nothing was said yet. Home Assistant is told on whose behalf, if that is given: it
    /// must trust this machine as a proxy, or it refuses.
    pub async fn dial(&self, on_behalf_of: Option<IpAddr>) -> Result<Socket, DisconnectReason> {
        dial_for(&self.endpoint, &self.config, on_behalf_of).await
    }
}

/// Resolves, connects and shakes hands within the connect time-out.
pub(super) async fn dial(
    endpoint: &Endpoint,
    config: &ClientConfig,
) -> Result<Socket, DisconnectReason> {
    dial_for(endpoint, config, None).await
}

async fn dial_for(
    endpoint: &Endpoint,
    config: &ClientConfig,
    on_behalf_of: Option<IpAddr>,
) -> Result<Socket, DisconnectReason> {
    let after = config.connect_timeout;
    match tokio::time::timeout(after, open(endpoint, config, on_behalf_of)).await {
        Ok(result) => result,
        Err(_) => Err(DisconnectReason::ConnectTimeout {
            address: endpoint.address(),
            after,
        }),
    }
}

async fn open(
    endpoint: &Endpoint,
    config: &ClientConfig,
    on_behalf_of: Option<IpAddr>,
) -> Result<Socket, DisconnectReason> {
    let refused =
        |error| DisconnectReason::from_handshake(error, endpoint.address(), &endpoint.path);
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
    let mut request = endpoint
        .url
        .as_str()
        .into_client_request()
        .map_err(refused)?;
    if let Some(address) = on_behalf_of.map(|it| it.to_string())
        && let Ok(address) = HeaderValue::from_str(&address)
    {
        request.headers_mut().insert("x-forwarded-for", address);
    }
    client_async_tls_with_config(request, tcp, Some(limits), Some(connector))
        .await
        .map(|(socket, _)| socket)
        .map_err(refused)
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
