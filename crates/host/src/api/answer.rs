//! What every request and answer passes: request id, limit on headers, host
//! check, time limit, problem bodies and security headers.
//!
//! Nothing here knows a resource.

use std::future::ready;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::HttpBody as _;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;
use futures_util::future::Either;
use tower::Service as _;

use super::origin::RequestOrigin;
use super::problem::{self, Kind, Problem};
use super::{Api, BODY_LIMIT_BYTES, permission, request_id};
use crate::request;

/// Longest time from the request's head to the answer's head. Far over any
/// honest upload of the largest body; it ends what trickles. Streams are not
/// affected, for their head comes at once.
const TIME_LIMIT: Duration = Duration::from_mins(2);

/// Most bytes of names and values of all header fields. Ten times what browsers
/// and proxies send.
const HEADERS_LIMIT_BYTES: usize = 16 << 10;

/// What API answers may do in a browser: nothing. Values in the cache are the
/// callers' own bytes and must not become a page of this origin.
const NOTHING: HeaderValue =
    HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; sandbox");

/// Who sent a request.
enum Sender<'a> {
    /// A client, from this address.
    Client(Option<IpAddr>),
    /// Whoever sent another, in which it is contained; by this id.
    Of(&'a RequestOrigin, Arc<str>),
}

impl Api {
    /// Answers a request that came from an address.
    pub(super) fn answer(
        &self,
        from: Option<IpAddr>,
        request: Request,
    ) -> impl Future<Output = Response> + use<> {
        self.serve(&Sender::Client(from), request)
    }

    /// Answers a request within another, for the same caller: what was found out
    /// of the outer one holds for it, whatever it says itself.
    pub(super) fn answer_within(
        &self,
        outer: &RequestOrigin,
        id: Arc<str>,
        request: Request,
    ) -> impl Future<Output = Response> + use<> {
        self.serve(&Sender::Of(outer, id), request)
    }

    /// Answers a request.
    ///
    /// A function around the router rather than a layer of it: each layer of a
    /// router costs every request some allocations and copies, and those of
    /// what is within it once more. No async function either: its future would
    /// hold the request and what becomes of it side by side, and a future is
    /// copied several times on its way to the connection.
    #[inline]
    fn serve(
        &self,
        sender: &Sender<'_>,
        mut request: Request,
    ) -> impl Future<Output = Response> + use<> {
        let started = Instant::now();
        let (id, admitted) = match sender {
            Sender::Client(_) => (
                self.shared.request_ids.of(request.headers()),
                self.admit(&request),
            ),
            Sender::Of(_, id) => (Arc::clone(id), Ok(())),
        };
        let told = tracing::enabled!(tracing::Level::DEBUG)
            .then(|| (request.method().clone(), request.uri().path().to_owned()));
        let answered = match admitted {
            Ok(()) => {
                self.introduce(&mut request, &id, sender);
                // A router is ready at any time.
                let handled = self.routes.clone().call(request);
                let handled = tokio::time::timeout(TIME_LIMIT, handled);
                let handled = request::within(Arc::clone(&id), handled);
                Either::Left(handled.map(|handled| {
                    handled.map_or_else(|_| too_slow().into_response(), IntoResponse::into_response)
                }))
            }
            Err(problem) => Either::Right(ready(problem.into_response())),
        };
        let shared = Arc::clone(&self.shared);
        answered.map(move |response| {
            let response = finish(response, &id);
            shared.answered.note(response.status());
            if let Some((method, path)) = told {
                tracing::debug!(
                    request_id = %id,
                    %method,
                    path,
                    status = response.status().as_u16(),
                    micros = started.elapsed().as_micros() as u64,
                    "request"
                );
            }
            response
        })
    }

    /// Tells handlers where the request comes from.
    fn introduce(&self, request: &mut Request, id: &Arc<str>, sender: &Sender<'_>) {
        let access = &self.shared.access;
        let (address, caller) = match (sender, &self.visitor) {
            (Sender::Of(outer, _), _) => (None, permission::identify_again(access, outer)),
            (Sender::Client(from), Some(visitor)) => (*from, Ok(Arc::clone(visitor))),
            (Sender::Client(from), None) => {
                (*from, permission::identify(access, request.headers()))
            }
        };
        request.extensions_mut().insert(RequestOrigin {
            request_id: Arc::clone(id),
            address,
            caller,
        });
        if !request.body().is_end_stream() {
            DefaultBodyLimit::max(BODY_LIMIT_BYTES).apply(request);
        }
    }

    /// Checks the size of the head and the length of the body, and whom the request is addressed to.
    fn admit(&self, request: &Request) -> Result<(), Problem> {
        let fields = request.headers().iter();
        let bytes: usize = fields
            .map(|(name, value)| name.as_str().len() + value.len())
            .sum();
        if bytes > HEADERS_LIMIT_BYTES {
            return Err(Problem::new(
                Kind::HeadersTooLarge,
                format!("the header fields have {bytes} bytes; {HEADERS_LIMIT_BYTES} are the most"),
            ));
        }
        if !request.body().is_end_stream() {
            admit_body(request)?;
        }
        // Who comes through Home Assistant names its address, not ours.
        if self.visitor.is_some() {
            return Ok(());
        }
        let mut headers = request.headers().get_all(header::HOST).into_iter();
        let header = headers
            .next()
            .map(|value| value.to_str().unwrap_or_default());
        if headers.next().is_some() {
            return Err(Problem::invalid(
                "there are several Host headers; send the one of this server",
            ));
        }
        let host = header.or_else(|| request.uri().authority().map(Authority::as_str));
        match host {
            Some(host) if self.shared.hosts.allows(host) => Ok(()),
            Some(host) => Err(Problem::new(
                Kind::Misdirected,
                format!(
                    "the Host header names `{}`; ask for a loopback address or the address this server listens on, or allow the name with --allow-host",
                    host.escape_debug()
                ),
            )),
            None => Err(Problem::invalid("the Host header is missing")),
        }
    }
}

/// Checks what is told of a body beforehand: nothing has to be sent to be refused.
fn admit_body(request: &Request) -> Result<(), Problem> {
    if request.body().size_hint().lower() > BODY_LIMIT_BYTES as u64 {
        return Err(problem::long_body());
    }
    let mut encodings = request.headers().get_all(header::CONTENT_ENCODING).iter();
    let encoded = encodings.find(|it| !it.as_bytes().eq_ignore_ascii_case(b"identity"));
    match encoded {
        Some(encoding) => Err(Problem::new(
            Kind::UnsupportedMediaType,
            format!(
                "the body is encoded as `{}`, which is not unpacked here; send it as it is, without the header Content-Encoding",
                encoding.to_str().unwrap_or_default().escape_debug()
            ),
        )),
        None => Ok(()),
    }
}

fn too_slow() -> Problem {
    Problem::new(
        Kind::Timeout,
        format!(
            "the request was not complete within {} s",
            TIME_LIMIT.as_secs()
        ),
    )
}

/// Writes problems out, and sets what every answer carries.
fn finish(response: Response, id: &str) -> Response {
    let mut response = problem::adopt(response);
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        *response.body_mut() = problem.render(id).into();
        // The length of the body it replaces.
        response.headers_mut().remove(header::CONTENT_LENGTH);
        if response.status().is_server_error() {
            note_failure(&problem, id);
        }
    }
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(id) {
        headers.insert(request_id::HEADER, value);
    }
    set_default(headers, header::CONTENT_SECURITY_POLICY, NOTHING);
    set_default(
        headers,
        header::CACHE_CONTROL,
        HeaderValue::from_static("no-store"),
    );
    set_default(
        headers,
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    set_default(
        headers,
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    response
}

/// Logs that a request failed for a reason on this side.
///
/// What ails the disk or the way to Home Assistant is in the log already, where it began: as long as it lasts, every
/// request would say it again. That a breaker is open is what was asked for.
fn note_failure(problem: &Problem, id: &str) {
    let (kind, detail) = (problem.kind().slug(), problem.detail());
    match problem.kind() {
        Kind::NoHomeAssistant | Kind::Storage | Kind::BreakerOpen => {
            tracing::debug!(request_id = %id, kind, detail, "a request failed");
        }
        _ => tracing::warn!(request_id = %id, kind, detail, "a request failed"),
    }
}

fn set_default(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) {
    headers.entry(name).or_insert(value);
}
