//! `PUT|GET|DELETE /v1/cache/{ns}/{key}`: the two-level cache for callers.
//!
//! A key is all that follows the namespace, percent-decoded, and may contain
//! `/`. What a value lives and where is the optimizer's decision; this file
//! translates between HTTP and the hub.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::time::timeout;

use super::Shared;
use super::cached::{Place, Writing};
use super::openapi::{Binary, Problems};
use super::problem::{Kind, Problem};
use super::query::Query;
use crate::hub::{CacheHit, PutOptions, Stale, Ticket};

/// Whether the answer was given after the change was on disk.
pub(super) const DURABLE: HeaderName = HeaderName::from_static("weirhouse-durable");
/// Longest wait for the disk. Far above the second between two commits, and
/// below the time limits of common HTTP clients.
const DURABLE_TIME_LIMIT: Duration = Duration::from_secs(10);
/// The level that answered: `l1`, `l2` or `miss`.
pub(super) const LEVEL: HeaderName = HeaderName::from_static("weirhouse-cache");
/// Whether a deleted key had a live value.
const EXISTED: HeaderName = HeaderName::from_static("weirhouse-existed");

pub(super) type PathParts = Result<Path<(String, String)>, PathRejection>;

/// Stores the body. 204; `Weirhouse-Durable: true` only with `?wait=durable`.
///
/// | parameter | meaning |
/// |---|---|
/// | `ttl` | life in both levels, seconds, a fraction is allowed |
/// | `l1_ttl`, `l2_ttl` | life in one level; stronger than `ttl` |
/// | `tag` | a tag for invalidation; may be repeated |
/// | `stale_while_revalidate`, `stale_if_error` | how long past its life [`super::fetch`] may serve it, seconds |
/// | `wait=durable` | answer once the value survives a power loss; 503 when the disk does not take it within 10 s |
#[utoipa::path(
    put,
    path = "/v1/cache/{ns}/{*key}",
    tag = "Cache",
    params(
        Place,
        Writing
    ),
    request_body(content = inline(Binary), content_type = "application/octet-stream", description = "The value"),
    responses(
        (status = 204, description = "Kept", headers(("Weirhouse-Durable" = bool, description = "Whether it is on disk"))),
        Problems<503>
    )
)]
pub(super) async fn put(
    State(shared): State<Arc<Shared>>,
    path: PathParts,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let Path((ns, key)) = path?;
    let query = Query::parse(query.as_deref(), &OPTIONS)?;
    let options = options(&query, &headers)?;
    let wait = waits(&query)?;
    let value = body?;
    let options = with_life(&shared, (&ns, &key), &value, options).await;
    let ticket = shared.hub.cache_put(&ns, &key, value.into(), options)?;
    let durable = settle(&shared, ticket, wait).await?;
    Ok((StatusCode::NO_CONTENT, [(DURABLE, durable)]).into_response())
}

/// The bytes with their content type, `Weirhouse-Cache` and the remaining
/// life as `Cache-Control`; 404 `cache-miss` otherwise.
#[utoipa::path(
    get,
    path = "/v1/cache/{ns}/{*key}",
    tag = "Cache",
    params(
        Place
    ),
    responses(
        (
            status = 200,
            description = "The value, in the media type it was put with",
            content_type = "application/octet-stream",
            body = inline(Binary),
            headers(
                ("Weirhouse-Cache" = String, description = "The level that answered: `l1` for memory, `l2` for disk"),
                ("Cache-Control" = String, description = "The life it has left, in seconds")
            )
        ),
        Problems<404>,
        Problems<503>
    )
)]
pub(super) async fn get(
    State(shared): State<Arc<Shared>>,
    path: PathParts,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let Path((ns, key)) = path?;
    Query::parse(query.as_deref(), &[])?;
    let Some(hit) = shared.hub.cache_get(&ns, &key)? else {
        let problem = Problem::new(
            Kind::CacheMiss,
            format!("namespace `{ns}` has no live value under this key; put it first"),
        );
        let miss = [(LEVEL, HeaderValue::from_static("miss"))];
        return Ok((miss, problem).into_response());
    };
    Ok(found(hit))
}

/// A value as an answer.
pub(super) fn found(hit: CacheHit) -> Response {
    let content_type = HeaderValue::from_str(&hit.content_type)
        .unwrap_or(HeaderValue::from_static("application/octet-stream"));
    let life = format!("private, max-age={}", hit.remaining.as_secs());
    let mut response = Bytes::from(hit.value).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, content_type);
    headers.insert(LEVEL, HeaderValue::from_static(hit.level));
    if let Ok(life) = HeaderValue::from_str(&life) {
        headers.insert(header::CACHE_CONTROL, life);
    }
    response
}

/// Removes the key from both levels. 204 whether or not it was there, which
/// `Weirhouse-Existed` tells: a delete that is repeated succeeds again.
#[utoipa::path(
    delete,
    path = "/v1/cache/{ns}/{*key}",
    tag = "Cache",
    params(
        Place,
        ("wait" = Option<String>, Query, pattern = "^durable$", description = "`durable` to be answered once it is gone from disk")
    ),
    responses(
        (
            status = 204,
            description = "Gone",
            headers(
                ("Weirhouse-Existed" = bool, description = "Whether a live value was there"),
                ("Weirhouse-Durable" = bool, description = "Whether it is gone from disk")
            )
        ),
        Problems<503>
    )
)]
pub(super) async fn delete(
    State(shared): State<Arc<Shared>>,
    path: PathParts,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let Path((ns, key)) = path?;
    let query = Query::parse(query.as_deref(), &["wait"])?;
    let wait = waits(&query)?;
    let deleted = shared.hub.cache_delete(&ns, &key)?;
    let durable = settle(&shared, deleted.ticket, wait).await?;
    let headers = [(DURABLE, durable), (EXISTED, flag(deleted.existed))];
    Ok((StatusCode::NO_CONTENT, headers).into_response())
}

/// Waits for the disk if the caller wants to.
pub(super) async fn settle(
    shared: &Shared,
    ticket: Ticket,
    wait: bool,
) -> Result<HeaderValue, Problem> {
    if wait {
        match timeout(DURABLE_TIME_LIMIT, shared.hub.committed(ticket)).await {
            Ok(outcome) => outcome?,
            Err(_) => return Err(not_durable_yet(shared)),
        }
    }
    Ok(flag(wait))
}

/// The change is in force and stays on its way to the disk.
fn not_durable_yet(shared: &Shared) -> Problem {
    let reason = shared
        .hub
        .health()
        .components
        .into_iter()
        .find(|part| part.component == "storage" && !part.ok)
        .map_or_else(|| "the disk is slow".to_owned(), |part| part.message);
    Problem::new(
        Kind::Storage,
        format!(
            "the change is in force, but was not on disk within {} s: {reason}",
            DURABLE_TIME_LIMIT.as_secs()
        ),
    )
}

pub(super) fn flag(value: bool) -> HeaderValue {
    HeaderValue::from_static(if value { "true" } else { "false" })
}

/// Whether the caller wants to wait for the disk.
pub(super) fn waits(query: &Query) -> Result<bool, Problem> {
    match query.one("wait")? {
        None => Ok(false),
        Some("durable") => Ok(true),
        Some(other) => Err(Problem::invalid(format!(
            "`wait={other}` is unknown; the only value is `durable`"
        ))),
    }
}

/// The parameters of a write.
pub(super) const OPTIONS: [&str; 7] = [
    "ttl",
    "l1_ttl",
    "l2_ttl",
    "tag",
    "stale_while_revalidate",
    "stale_if_error",
    "wait",
];

/// What the parameters and headers of a write say.
pub(super) fn options(query: &Query, headers: &HeaderMap) -> Result<PutOptions, Problem> {
    let ttl = query.seconds("ttl")?;
    let while_revalidate = query.seconds_or_none("stale_while_revalidate")?;
    let if_error = query.seconds_or_none("stale_if_error")?;
    let stale = (while_revalidate.is_some() || if_error.is_some()).then(|| Stale {
        while_revalidate: while_revalidate.unwrap_or_default(),
        if_error: if_error.unwrap_or_default(),
    });
    Ok(PutOptions {
        content_type: content_type(headers)?,
        memory_life: query.seconds("l1_ttl")?.or(ttl),
        disk_life: query.seconds("l2_ttl")?.or(ttl),
        tags: query.all("tag").map(str::to_owned).collect(),
        stale,
    })
}

/// The same with the life that a plugin gives the value, where none is named.
pub(super) async fn with_life(
    shared: &Shared,
    (ns, key): (&str, &str),
    value: &Bytes,
    mut options: PutOptions,
) -> PutOptions {
    if options.names_no_life() {
        let hub = &shared.hub;
        hub.ask_for_life(ns, key, value.len(), &mut options).await;
    }
    options
}

fn content_type(headers: &HeaderMap) -> Result<String, Problem> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return Ok("application/octet-stream".to_owned());
    };
    value
        .to_str()
        .map(str::to_owned)
        .map_err(|_| Problem::invalid("the Content-Type header is not plain ASCII text"))
}
