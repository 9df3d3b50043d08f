//! What every request and answer passes: request id, host check, time limit,
//! problem bodies and security headers.
//!
//! Nothing here knows a resource.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::problem::{Kind, Problem};
use super::request_id::{self, RequestId};
use super::{Shared, bearer};

/// Longest time from the request's head to the answer's head. Far over any
/// honest upload of the largest body; it ends what trickles. Streams are not
/// affected, for their head comes at once.
const TIME_LIMIT: Duration = Duration::from_mins(2);

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

    let mut response = match admit(&shared, &request) {
        Ok(()) => match tokio::time::timeout(TIME_LIMIT, next.run(request)).await {
            Ok(response) => response,
            Err(_) => Problem::new(
                Kind::Timeout,
                format!(
                    "the request was not complete within {} s",
                    TIME_LIMIT.as_secs()
                ),
            )
            .into_response(),
        },
        Err(problem) => problem.into_response(),
    };

    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        *response.body_mut() = problem.render(&id).into();
        // The length of the body it replaces.
        response.headers_mut().remove(header::CONTENT_LENGTH);
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

/// Lets only requests with the bearer token pass.
pub(super) async fn require_token(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response {
    match bearer::check(&shared.token, request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

/// Checks whom the request is addressed to.
fn admit(shared: &Shared, request: &Request) -> Result<(), Problem> {
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
