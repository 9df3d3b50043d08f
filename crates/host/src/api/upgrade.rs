//! From a request to a WebSocket (RFC 6455, section 4.2).
//!
//! It shakes hands only; what is said afterwards is the caller's matter.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::problem::{Kind, Problem};

/// Whether a request asks for a WebSocket. One that offers another protocol, as
/// Java's client does with every request, may be answered without it (RFC 9110,
/// section 7.8).
pub(super) fn is_wanted(headers: &HeaderMap) -> bool {
    lists(headers, &header::UPGRADE, "websocket")
}

/// A request that asks for a WebSocket.
pub(super) struct Upgrade {
    accept: HeaderValue,
    connection: OnUpgrade,
}

impl Upgrade {
    /// Reads the request's head.
    pub(super) fn of(request: &mut Request) -> Result<Self, Problem> {
        let headers = request.headers();
        if !lists(headers, &header::CONNECTION, "upgrade") || !is_wanted(headers) {
            return Err(wanted(
                "this is a WebSocket: connect with a WebSocket client",
            ));
        }
        if !lists(headers, &header::SEC_WEBSOCKET_VERSION, "13") {
            return Err(wanted("the version of the WebSocket protocol must be 13"));
        }
        let key = headers.get(header::SEC_WEBSOCKET_KEY);
        let Some(key) = key.filter(|key| key.len() == KEY_BYTES) else {
            return Err(Problem::invalid(
                "the header `Sec-WebSocket-Key` must be 16 bytes in base64",
            ));
        };
        let accept = derive_accept_key(key.as_bytes());
        let accept = HeaderValue::try_from(accept)
            .map_err(|_| Problem::new(Kind::Internal, "no key for the handshake"))?;
        let connection = request.extensions_mut().remove().ok_or_else(|| {
            Problem::invalid(
                "this request cannot become a WebSocket; ask for it outside of a batch",
            )
        })?;
        Ok(Self { accept, connection })
    }

    /// The answer that ends HTTP, and the connection once that was sent.
    pub(super) fn accept(
        self,
    ) -> (
        Response,
        impl Future<Output = Result<TokioIo<Upgraded>, hyper::Error>> + Send,
    ) {
        let head = [
            (header::CONNECTION, HeaderValue::from_static("upgrade")),
            (header::UPGRADE, HeaderValue::from_static("websocket")),
            (header::SEC_WEBSOCKET_ACCEPT, self.accept),
        ];
        let answer = (StatusCode::SWITCHING_PROTOCOLS, head).into_response();
        let connection = async move { Ok(TokioIo::new(self.connection.await?)) };
        (answer, connection)
    }
}

/// Length of 16 bytes in base64.
const KEY_BYTES: usize = 24;

fn wanted(detail: &str) -> Problem {
    Problem::new(Kind::UpgradeRequired, detail)
}

/// Whether a header lists this word, in whatever case.
fn lists(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    headers.get_all(name).iter().any(|value| {
        let words = value.to_str().unwrap_or_default().split(',');
        words.map(str::trim).any(|it| it.eq_ignore_ascii_case(word))
    })
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn kind(headers: &[(&str, &str)]) -> Kind {
        let mut request = Request::new(Body::empty());
        for (name, value) in headers {
            let name: HeaderName = name.parse().unwrap();
            request.headers_mut().append(name, value.parse().unwrap());
        }
        match Upgrade::of(&mut request) {
            Ok(_) => panic!("there is no connection behind it"),
            Err(problem) => problem.kind(),
        }
    }

    #[test]
    fn only_a_handshake_of_the_protocol_is_taken() {
        let asks = [
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "WebSocket"),
        ];
        let version = ("sec-websocket-version", "13");
        let key = ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(kind(&[]), Kind::UpgradeRequired);
        assert_eq!(
            kind(&[("upgrade", "websocket"), version, key]),
            Kind::UpgradeRequired
        );
        let old = ("sec-websocket-version", "8");
        assert_eq!(kind(&[asks[0], asks[1], old, key]), Kind::UpgradeRequired);
        let short = ("sec-websocket-key", "c2hvcnQ=");
        assert_eq!(
            kind(&[asks[0], asks[1], version, short]),
            Kind::InvalidArgument
        );
        assert_eq!(kind(&[asks[0], asks[1], version]), Kind::InvalidArgument);
        assert_eq!(
            kind(&[asks[0], asks[1], version, key]),
            Kind::InvalidArgument
        );
    }
}
