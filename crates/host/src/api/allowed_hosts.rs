//! Which `Host` headers are answered.
//!
//! A page on the internet can make a browser resolve the page's own name to a
//! local address and so talk to this server (DNS rebinding). The `Host` header
//! then still carries the foreign name, which is how such requests are told
//! apart. This is no access control: that is the token's part.

use std::net::{IpAddr, SocketAddr};

use axum::http::uri::Authority;

/// The addresses and names under which this server is asked for.
#[derive(Debug, Clone)]
pub(super) struct AllowedHosts {
    bound_to: IpAddr,
    names: Vec<String>,
}

impl AllowedHosts {
    /// Loopback, the address bound to, and `names` given by the user.
    pub(super) fn new(bound_to: IpAddr, names: impl IntoIterator<Item = String>) -> Self {
        Self {
            bound_to,
            names: names
                .into_iter()
                .map(|name| name.to_ascii_lowercase())
                .collect(),
        }
    }

    /// Whether a request with this `Host` is meant for this server; any port
    /// will do, for ports are often forwarded.
    pub(super) fn allows(&self, host: &str) -> bool {
        // What nearly all requests have, without taking it apart.
        if let Ok(address) = host.parse::<SocketAddr>() {
            return self.is_own(address.ip());
        }
        let Ok(authority) = host.parse::<Authority>() else {
            return false;
        };
        let name = authority
            .host()
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_ascii_lowercase();
        match name.parse::<IpAddr>() {
            Ok(address) => self.is_own(address),
            Err(_) => name == "localhost" || self.names.contains(&name),
        }
    }

    /// Bound to every address, the machine's own are not known here; but
    /// rebinding needs a name, so that a literal address is harmless.
    fn is_own(&self, address: IpAddr) -> bool {
        address.is_loopback() || address == self.bound_to || self.bound_to.is_unspecified()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_names_are_refused() {
        let loopback = AllowedHosts::new([127, 0, 0, 1].into(), ["Hub.lan".to_owned()]);
        let everywhere = AllowedHosts::new([0, 0, 0, 0].into(), []);
        let one = AllowedHosts::new([192, 168, 1, 5].into(), []);
        for (host, on_loopback, on_everywhere, on_one) in [
            ("127.0.0.1:8098", true, true, true),
            ("127.0.0.1", true, true, true),
            ("[::1]:8098", true, true, true),
            ("LOCALHOST:8098", true, true, true),
            ("hub.lan", true, false, false),
            ("192.168.1.5:8098", false, true, true),
            ("192.168.1.6:8098", false, true, false),
            ("evil.example", false, false, false),
            ("localhost.evil.example", false, false, false),
            ("127.0.0.1.evil.example", false, false, false),
            ("", false, false, false),
            ("a b", false, false, false),
        ] {
            assert_eq!(loopback.allows(host), on_loopback, "loopback: {host:?}");
            assert_eq!(
                everywhere.allows(host),
                on_everywhere,
                "everywhere: {host:?}"
            );
            assert_eq!(one.allows(host), on_one, "one: {host:?}");
        }
    }
}
