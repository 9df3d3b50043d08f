//! Commands that ask an instance running on this machine.

use std::net::{Ipv6Addr, SocketAddr};
use std::time::Duration;

use super::exit::{Exit, Failure};

/// A client that speaks to the instance itself, whatever proxy is set.
pub(super) fn agent(time_limit: Duration) -> ureq::Agent {
    ureq::Agent::config_builder()
        .timeout_global(Some(time_limit))
        .http_status_as_error(false)
        .proxy(None)
        .max_redirects(0)
        .build()
        .new_agent()
}

/// Where an instance that listens there can be asked: what listens everywhere
/// is asked on loopback.
pub(super) fn reachable(mut listens: SocketAddr) -> SocketAddr {
    if listens.ip().is_unspecified() {
        listens.set_ip(match listens {
            SocketAddr::V4(_) => [127, 0, 0, 1].into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    listens
}

/// For `map_err`: nobody answered there.
pub(super) fn nobody(address: SocketAddr) -> impl Fn(ureq::Error) -> Failure {
    move |error| {
        Failure::new(
            Exit::Unexpected,
            format!("no answer from {address}: {error}; is `weirhouse serve` running there?"),
        )
    }
}
