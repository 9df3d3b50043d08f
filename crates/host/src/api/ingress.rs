//! The entrance for people: Home Assistant shows the page in its own frontend,
//! and passes on what its users ask for.
//!
//! Home Assistant has authenticated them, so that no token is needed. What
//! vouches for that is the address the connection comes from, never a header:
//! anybody can send a header.

use std::net::IpAddr;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

/// What a stranger is told, before the connection is closed.
const REFUSED: &str = "HTTP/1.1 403 Forbidden\r\n\
content-type: text/plain; charset=utf-8\r\n\
content-length: 108\r\n\
connection: close\r\n\r\n\
This port serves Home Assistant's ingress only. Open the page in Home Assistant, or use the API on its port.";

/// Whom a listener serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admits {
    /// Whoever connects.
    Everyone,
    /// Connections from this address only.
    Only(IpAddr),
}

impl Admits {
    pub(super) fn admits(self, peer: IpAddr) -> bool {
        match self {
            Self::Everyone => true,
            // A socket for both families sees IPv4 addresses mapped into IPv6.
            Self::Only(address) => peer.to_canonical() == address.to_canonical(),
        }
    }
}

/// Answers a stranger in plain words.
pub(super) async fn refuse(mut stream: TcpStream) {
    let _ = stream.write_all(REFUSED.as_bytes()).await;
    let _ = stream.shutdown().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_one_address_is_admitted_however_it_is_written() {
        let supervisor = Admits::Only([172, 30, 32, 2].into());
        assert!(supervisor.admits([172, 30, 32, 2].into()));
        assert!(supervisor.admits("::ffff:172.30.32.2".parse().unwrap()));
        for stranger in ["172.30.32.3", "127.0.0.1", "::1"] {
            assert!(!supervisor.admits(stranger.parse().unwrap()), "{stranger}");
        }
    }

    #[test]
    fn the_refusal_has_the_length_it_says() {
        let (head, body) = REFUSED.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())));
    }
}
