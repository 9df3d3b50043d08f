//! Why there is no connection, told so that the reader knows what to do.
//!
//! Classification only; retrying is the client's matter.

use std::io;
use std::time::Duration;

use tokio_tungstenite::tungstenite::{self, error::CapacityError};

use crate::ProtocolError;

/// The cause of a lost or failed connection.
#[derive(Debug, thiserror::Error)]
pub enum DisconnectReason {
    /// The host name has no address.
    #[error(
        "the host name {host:?} cannot be resolved ({source}); check the URL for a typing error and the DNS of this machine"
    )]
    Dns {
        /// The name.
        host: String,
        /// The resolver's answer.
        source: io::Error,
    },
    /// Nobody listens there.
    #[error(
        "{address} refused the connection; Home Assistant is not running there, or listens on another port"
    )]
    Refused {
        /// Host and port.
        address: String,
    },
    /// The address cannot be reached.
    #[error(
        "{address} cannot be reached ({source}); check the network between here and Home Assistant"
    )]
    Unreachable {
        /// Host and port.
        address: String,
        /// The system's answer.
        source: io::Error,
    },
    /// Connecting took too long.
    #[error("{address} did not answer within {} s; check the address, a firewall, and whether Home Assistant is overloaded", after.as_secs_f32())]
    ConnectTimeout {
        /// Host and port.
        address: String,
        /// How long was waited.
        after: Duration,
    },
    /// The certificate or the TLS handshake failed.
    #[error(
        "no secure connection to {address} ({detail}); the certificate must be valid for this name and issued by a public authority, or use http:// inside the own network"
    )]
    Tls {
        /// Host and port.
        address: String,
        /// What the TLS library found.
        detail: String,
    },
    /// HTTP 502 or 503: a proxy is there, Home Assistant behind it is not.
    #[error(
        "the proxy answered HTTP {status}: Home Assistant is starting, stopped or being updated; it will be tried again"
    )]
    NotReady {
        /// The HTTP status.
        status: u16,
    },
    /// HTTP 401.
    #[error(
        "HTTP 401 unauthorized: an app needs `homeassistant_api: true` in its configuration; outside the Supervisor check the reverse proxy's login"
    )]
    Unauthorized,
    /// HTTP 403.
    #[error(
        "HTTP 403 forbidden: this address may be banned; look into Home Assistant's log and ip_bans.yaml"
    )]
    Forbidden,
    /// HTTP 404.
    #[error(
        "HTTP 404 not found: there is no WebSocket interface at {path}; check the path of the URL"
    )]
    NotFound {
        /// The path asked for.
        path: String,
    },
    /// Any other HTTP status of failure.
    #[error(
        "the server answered HTTP {status} instead of opening a WebSocket; check the URL, and the log of Home Assistant or the proxy before it"
    )]
    Http {
        /// The HTTP status.
        status: u16,
    },
    /// The server speaks something else.
    #[error(
        "{address} is no WebSocket server ({detail}); check host, port, path and http or https in the URL"
    )]
    NotWebSocket {
        /// Host and port.
        address: String,
        /// What came instead.
        detail: String,
    },
    /// A message over the receive limit.
    #[error(
        "Home Assistant sent a message of {size} bytes, over the limit of {limit}; subscribe to fewer entities or raise the limit"
    )]
    TooLarge {
        /// Its size as far as received, bytes.
        size: usize,
        /// The limit, bytes.
        limit: usize,
    },
    /// A binary message, which Home Assistant never sends here.
    #[error(
        "a binary message came where Home Assistant sends text only; check that the URL is Home Assistant's own"
    )]
    Binary,
    /// The protocol above the WebSocket broke.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// The other side closed.
    #[error("Home Assistant closed the connection (code {code}{}); it is restarting, or its log tells why, such as a client unable to keep up", if reason.is_empty() { String::new() } else { format!(": {reason}") })]
    Closed {
        /// The WebSocket close code; 1005 for none given.
        code: u16,
        /// The words that came with it.
        reason: String,
    },
    /// The connection broke.
    #[error("the connection to Home Assistant broke ({detail}); it stopped, or the network failed")]
    Broken {
        /// What the system or the WebSocket library found.
        detail: String,
    },
    /// Home Assistant stopped taking what is sent to it.
    #[error("Home Assistant took no data for {} s; it hangs or the network failed", after.as_secs_f32())]
    WriteStalled {
        /// How long was waited.
        after: Duration,
    },
}

impl DisconnectReason {
    /// From a failed TCP connection.
    pub(crate) fn from_connect(error: io::Error, address: String) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused { address },
            _ => Self::Unreachable {
                address,
                source: error,
            },
        }
    }

    /// From a failed TLS or WebSocket handshake.
    pub(crate) fn from_handshake(error: tungstenite::Error, address: String, path: &str) -> Self {
        use tungstenite::Error;
        match error {
            Error::Http(response) => match response.status().as_u16() {
                401 => Self::Unauthorized,
                403 => Self::Forbidden,
                404 => Self::NotFound {
                    path: path.to_owned(),
                },
                status @ (502 | 503) => Self::NotReady { status },
                status @ 200..300 => Self::NotWebSocket {
                    address,
                    detail: format!("HTTP {status} without an upgrade"),
                },
                status => Self::Http { status },
            },
            Error::Tls(error) => Self::Tls {
                address,
                detail: error.to_string(),
            },
            Error::Io(error)
                if error
                    .get_ref()
                    .and_then(|inner| inner.downcast_ref::<rustls::Error>())
                    .is_some() =>
            {
                Self::Tls {
                    address,
                    detail: error.to_string(),
                }
            }
            Error::Io(error) => Self::Broken {
                detail: error.to_string(),
            },
            error => Self::NotWebSocket {
                address,
                detail: error.to_string(),
            },
        }
    }

    /// From a failure on an open connection.
    pub(crate) fn from_stream(error: &tungstenite::Error) -> Self {
        match error {
            tungstenite::Error::Capacity(CapacityError::MessageTooLong { size, max_size }) => {
                Self::TooLarge {
                    size: *size,
                    limit: *max_size,
                }
            }
            error => Self::Broken {
                detail: error.to_string(),
            },
        }
    }
}
