//! What every request and answer passes: request id, limit on headers, host
//! check, time limit, problem bodies and security headers.
//!
//! Nothing here knows a resource.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Shared;
use super::problem::{self, Kind, Problem};
use super::request_id::{self, RequestId};
use crate::access::Caller;
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

/// The outermost layer.
pub(super) async fn answer(
    State(shared): State<Arc<Shared>>,
    mut request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let id = shared.request_ids.of(request.headers());
    request.extensions_mut().insert(RequestId(Arc::clone(&id)));
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());

    let response = match admit(&shared, &request) {
        Ok(()) => {
            let handled = tokio::time::timeout(TIME_LIMIT, next.run(request));
            let handled = request::within(Arc::clone(&id), handled);
            handled.await.unwrap_or_else(|_| {
                Problem::new(
                    Kind::Timeout,
                    format!(
                        "the request was not complete within {} s",
                        TIME_LIMIT.as_secs()
                    ),
                )
                .into_response()
            })
        }
        Err(problem) => problem.into_response(),
    };

    let mut response = problem::adopt(response);
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        *response.body_mut() = problem.render(&id).into();
        // The length of the body it replaces.
        response.headers_mut().remove(header::CONTENT_LENGTH);
        if response.status().is_server_error() {
            tracing::warn!(
                request_id = %id,
                kind = problem.kind().slug(),
                detail = problem.detail(),
                "a request failed"
            );
        }
    }
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id) {
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
    shared.answered.note(response.status());
    tracing::debug!(
        request_id = %id,
        %method,
        path,
        status = response.status().as_u16(),
        micros = started.elapsed().as_micros() as u64,
        "request"
    );
    response
}

/// Checks the size of the head, and whom the request is addressed to.
fn admit(shared: &Shared, request: &Request) -> Result<(), Problem> {
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
    // Who comes through Home Assistant names its address, not ours.
    let caller = request.extensions().get::<Arc<Caller>>();
    if caller.is_some_and(|caller| caller.is_visitor()) {
        return Ok(());
    }
    let header = request
        .headers()
        .get(header::HOST)
        .map(|value| value.to_str().unwrap_or_default());
    let host = header.or_else(|| request.uri().authority().map(Authority::as_str));
    match host {
        Some(host) if shared.hosts.allows(host) => Ok(()),
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

fn set_default(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) {
    headers.entry(name).or_insert(value);
}
