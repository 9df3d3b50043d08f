//! The address of Home Assistant's WebSocket, from the URL a person writes.
//!
//! Pure parsing; names are resolved when dialling.

use tokio_tungstenite::tungstenite::http::Uri;

/// Settings with which no connection can ever be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The URL cannot be read.
    #[error(
        "{url:?} is not a Home Assistant URL ({detail}); write it like http://homeassistant.local:8123"
    )]
    Url {
        /// As given.
        url: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The token is empty.
    #[error(
        "the Home Assistant token is empty; make a long-lived access token on your profile page in Home Assistant"
    )]
    NoToken,
}

/// Where to dial and what to ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) tls: bool,
    /// Name or address, without the brackets of IPv6.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// The complete WebSocket URL.
    pub(crate) url: String,
    pub(crate) path: String,
}

const WEBSOCKET_PATH: &str = "/api/websocket";

impl Endpoint {
    pub(crate) fn parse(url: &str) -> Result<Self, ConfigError> {
        let wrong = |detail: &str| ConfigError::Url {
            url: without_userinfo(url),
            detail: detail.to_owned(),
        };
        let uri: Uri = url.trim().parse().map_err(
            |error: tokio_tungstenite::tungstenite::http::uri::InvalidUri| {
                wrong(&error.to_string())
            },
        )?;
        let (tls, keep_path) = match uri.scheme_str() {
            Some("http") => (false, false),
            Some("https") => (true, false),
            Some("ws") => (false, true),
            Some("wss") => (true, true),
            Some(other) => return Err(wrong(&format!("unknown scheme {other:?}"))),
            None => return Err(wrong("http:// or https:// is missing")),
        };
        let authority = uri
            .authority()
            .ok_or_else(|| wrong("the host is missing"))?;
        if authority.as_str().contains('@') {
            return Err(wrong("a user name in it is not supported"));
        }
        if uri.query().is_some() {
            return Err(wrong("a query in it is not supported"));
        }
        if authority.host().is_empty() {
            return Err(wrong("the host is missing"));
        }
        let default_port = if tls { 443 } else { 80 };
        let port = match authority.as_str().strip_prefix(authority.host()) {
            Some("") => default_port,
            _ => authority
                .port_u16()
                .ok_or_else(|| wrong("the port is not a number up to 65535"))?,
        };
        let base = uri.path().trim_end_matches('/');
        let path = if base.is_empty() {
            WEBSOCKET_PATH.to_owned()
        } else if keep_path || base.ends_with("/websocket") {
            base.to_owned()
        } else {
            format!("{base}{WEBSOCKET_PATH}")
        };
        let scheme = if tls { "wss" } else { "ws" };
        Ok(Self {
            tls,
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port,
            url: format!("{scheme}://{authority}{path}"),
            path,
        })
    }

    /// Host and port, for messages.
    pub(crate) fn address(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

/// A user name may come with a password, which must not reach a log.
fn without_userinfo(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if scheme + 3 <= at => {
            let (scheme, host) = (url.get(..scheme + 3), url.get(at..));
            format!(
                "{}…{}",
                scheme.unwrap_or_default(),
                host.unwrap_or_default()
            )
        }
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_become_websocket_urls() {
        for (given, url, port) in [
            ("http://ha:8123", "ws://ha:8123/api/websocket", 8123),
            ("http://ha:8123/", "ws://ha:8123/api/websocket", 8123),
            (
                " https://ha.example/ ",
                "wss://ha.example/api/websocket",
                443,
            ),
            (
                "https://ha.example/home",
                "wss://ha.example/home/api/websocket",
                443,
            ),
            ("http://ha/api/websocket", "ws://ha/api/websocket", 80),
            (
                "ws://supervisor/core/websocket",
                "ws://supervisor/core/websocket",
                80,
            ),
            ("ws://ha:1", "ws://ha:1/api/websocket", 1),
            ("http://[::1]:8123", "ws://[::1]:8123/api/websocket", 8123),
        ] {
            let endpoint = Endpoint::parse(given);
            let Ok(endpoint) = endpoint else {
                panic!("{given}: {endpoint:?}");
            };
            assert_eq!((endpoint.url.as_str(), endpoint.port), (url, port));
        }
        assert_eq!(Endpoint::parse("http://[::1]:8123").unwrap().host, "::1");
    }

    #[test]
    fn urls_that_cannot_work_are_refused_with_a_remedy() {
        for given in [
            "",
            "ha:8123",
            "homeassistant.local",
            "ftp://ha",
            "http://",
            "http://me:secret@ha:8123",
            "http://ha:8123/?x=1",
            "http://ha:99999",
            "/api",
        ] {
            let error = Endpoint::parse(given).unwrap_err().to_string();
            assert!(error.contains("write it like"), "{given}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
