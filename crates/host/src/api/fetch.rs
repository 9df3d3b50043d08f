//! `POST|PUT|DELETE /v1/fetch/{ns}/{key}`: a value of the cache, or the right
//! to fetch it.
//!
//! Of all who ask for a key that the cache has not, one is told to fetch it, and
//! the others wait for that here. Whose turn it is, and what may be served
//! meanwhile, is the optimizer's decision.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::Shared;
use super::cache::{
    DURABLE, LEVEL, OPTIONS, PathParts, flag, found, options, settle, waits, with_life,
};
use super::cached::{Place, Writing};
use super::openapi::{Binary, Problems};
use super::problem::{Kind, Problem};
use super::query::Query;
use crate::hub::{Asked, Fetched, Lease, Settled};

/// Longest wait for somebody else's fetch. Half of what a request may take.
const MOST_WAIT: Duration = Duration::from_mins(1);
/// The wait unless a caller names another: as long as a lease is given for.
const WAIT: Duration = Duration::from_secs(30);

/// Most requests that wait at once: half of all connections. Further ones are
/// answered at once that somebody is fetching.
pub(super) const MOST_WAITS: usize = 256;

/// The right to fetch, beside a value that may be used meanwhile.
const LEASE: HeaderName = HeaderName::from_static("weirhouse-lease");
/// How long that lasts, in seconds.
const LEASE_LIFE: HeaderName = HeaderName::from_static("weirhouse-lease-life");
/// How long ago the life of a value ended, in seconds.
const STALE_FOR: HeaderName = HeaderName::from_static("weirhouse-stale-for");
/// Whether the result of a fetch was taken.
const KEPT: HeaderName = HeaderName::from_static("weirhouse-kept");

/// The right, and the duty, to fetch a value.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FetchLease)]
struct Granted {
    /// Names the fetch when it is settled.
    lease: u64,
    /// After so many seconds the next who asks is told to fetch.
    life_s: f64,
}

/// Somebody else is fetching the value.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FetchUnderWay)]
struct UnderWay {
    /// How long they have for it, in seconds.
    at_most_s: f64,
}

/// Answers with the value, or with a lease to fetch it, or waits until the one
/// who has the lease has settled it.
#[utoipa::path(
    post,
    path = "/v1/fetch/{ns}/{*key}",
    tag = "Fetch",
    params(
        Place,
        ("wait" = Option<f64>, Query, minimum = 0, maximum = 60, description = "How long to wait for somebody else's fetch, in seconds; 30 unless said otherwise")
    ),
    responses(
        (
            status = 200,
            description = "The value. With `Weirhouse-Lease` it may be used, and is the caller's to fetch anew beside that",
            content_type = "application/octet-stream",
            body = inline(Binary),
            headers(
                ("Weirhouse-Cache" = String, description = "The level that answered: `l1` for memory, `l2` for disk"),
                ("Cache-Control" = String, description = "The life it has left, in seconds"),
                ("Weirhouse-Stale-For" = f64, description = "How long ago its life ended, in seconds, if it has"),
                ("Weirhouse-Lease" = u64, description = "The lease to fetch it anew, if one is given"),
                ("Weirhouse-Lease-Life" = f64, description = "How long that lasts, in seconds")
            )
        ),
        (status = 201, description = "The cache has nothing, and it is the caller's turn to fetch it", body = Granted),
        (
            status = 202,
            description = "Somebody else is fetching it still; ask again",
            body = UnderWay,
            headers(("Retry-After" = u64, description = "Seconds after which it is worth while in any case"))
        ),
        Problems<404>,
        Problems<503>
    )
)]
pub(super) async fn post(
    State(shared): State<Arc<Shared>>,
    path: PathParts,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let Path((ns, key)) = path?;
    let query = Query::parse(query.as_deref(), &["wait"])?;
    let until = Instant::now() + wait(&query)?;
    let mut stop = shared.stop.clone();
    let mut place = None;
    loop {
        let under_way = match shared.hub.fetch_ask(&ns, &key)? {
            Asked::Value(value) => return Ok(served(value)),
            Asked::Nothing(remaining) => return Ok(known_nothing(&ns, remaining)),
            Asked::Fetch(lease) => {
                let granted = Granted {
                    lease: lease.id,
                    life_s: lease.life.as_secs_f64(),
                };
                return Ok((StatusCode::CREATED, Json(granted)).into_response());
            }
            Asked::Wait(under_way) => under_way,
        };
        let left = until.saturating_duration_since(Instant::now());
        if place.is_none() {
            place = shared.waits.try_acquire().ok();
        }
        if left.is_zero() || place.is_none() {
            return Ok(to_come(under_way.at_most()));
        }
        let at_most = under_way.at_most();
        tokio::select! {
            rescue = under_way.settled(left) => {
                if let Some(rescue) = rescue {
                    return Ok(served(Fetched::clone(&rescue)));
                }
            }
            _ = stop.wait_for(|stop| *stop) => return Ok(to_come(at_most)),
        }
    }
}

/// Settles a fetch with the value it brought, under the parameters and headers
/// of `PUT /v1/cache/{ns}/{key}`.
#[utoipa::path(
    put,
    path = "/v1/fetch/{ns}/{*key}",
    tag = "Fetch",
    params(
        Place,
        ("lease" = u64, Query, description = "The lease the value was fetched under"),
        Writing
    ),
    request_body(content = inline(Binary), content_type = "application/octet-stream", description = "The value"),
    responses(
        (
            status = 204,
            description = "The fetch is over",
            headers(
                ("Weirhouse-Kept" = bool, description = "Whether the value was taken: not if the key was written or removed since the lease was given, or somebody fetched it later"),
                ("Weirhouse-Durable" = bool, description = "Whether it is on disk")
            )
        ),
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
    let known: Vec<&str> = OPTIONS.into_iter().chain(["lease"]).collect();
    let query = Query::parse(query.as_deref(), &known)?;
    let lease = lease(&query)?;
    let options = options(&query, &headers)?;
    let wait = waits(&query)?;
    let value = body?;
    let options = with_life(&shared, (&ns, &key), &value, options).await;
    let hub = &shared.hub;
    let settled = hub.fetch_fulfil(&ns, &key, lease, value.into(), options)?;
    over(&shared, settled, wait).await
}

/// Settles a fetch that brought no value: because there is `nothing`, which
/// removes what was there, or because it has `failed`, which is not remembered.
#[utoipa::path(
    delete,
    path = "/v1/fetch/{ns}/{*key}",
    tag = "Fetch",
    params(
        Place,
        ("lease" = u64, Query, description = "The lease of the fetch"),
        ("outcome" = String, Query, pattern = "^(nothing|failed)$", description = "Whether there is `nothing` or the fetch has `failed`"),
        ("ttl" = Option<f64>, Query, minimum = 0.000_001, maximum = 316_224_000, description = "How long to remember that there is nothing, in seconds; else as configured"),
        ("wait" = Option<String>, Query, pattern = "^durable$", description = "`durable` to be answered once what was there is gone from disk")
    ),
    responses(
        (
            status = 200,
            description = "The fetch has failed, and this may be used in place of its value",
            content_type = "application/octet-stream",
            body = inline(Binary),
            headers(
                ("Weirhouse-Cache" = String, description = "The level it is from: `l1` for memory, `l2` for disk"),
                ("Cache-Control" = String, description = "The life it has left, in seconds"),
                ("Weirhouse-Stale-For" = f64, description = "How long ago its life ended, in seconds")
            )
        ),
        (
            status = 204,
            description = "The fetch is over",
            headers(
                ("Weirhouse-Kept" = bool, description = "Whether it counts that there is nothing: not if something newer is known of the key"),
                ("Weirhouse-Durable" = bool, description = "Whether what was there is gone from disk")
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
    let query = Query::parse(query.as_deref(), &["lease", "outcome", "ttl", "wait"])?;
    let lease = lease(&query)?;
    let remembered = query.seconds("ttl")?;
    let wait = waits(&query)?;
    let hub = &shared.hub;
    match query.one("outcome")? {
        Some("nothing") => {
            let settled = hub.fetch_nothing(&ns, &key, lease, remembered)?;
            over(&shared, settled, wait).await
        }
        Some("failed") if remembered.is_some() || wait => Err(Problem::invalid(
            "`ttl` and `wait` go with `outcome=nothing`; that a fetch has failed is not remembered",
        )),
        Some("failed") => Ok(match hub.fetch_fail(&ns, &key, lease)? {
            Some(rescue) => served(Fetched::clone(&rescue)),
            None => StatusCode::NO_CONTENT.into_response(),
        }),
        _ => Err(Problem::invalid(
            "say with `outcome` whether there is `nothing` or the fetch has `failed`",
        )),
    }
}

/// A value, and what goes with it.
fn served(value: Fetched) -> Response {
    let mut response = found(value.hit);
    let headers = response.headers_mut();
    if let Some(stale_for) = value.stale_for {
        headers.insert(STALE_FOR, seconds(stale_for));
    }
    if let Some(Lease { id, life }) = value.lease {
        headers.insert(LEASE, HeaderValue::from(id));
        headers.insert(LEASE_LIFE, seconds(life));
    }
    response
}

fn known_nothing(ns: &str, remaining: Duration) -> Response {
    let problem = Problem::new(
        Kind::CacheMiss,
        format!(
            "a fetch found that namespace `{ns}` has nothing under this key; that is remembered for another {:.1} s",
            remaining.as_secs_f64()
        ),
    );
    let life = format!("private, max-age={}", remaining.as_secs());
    let headers = [(LEVEL, "nothing".to_owned()), (header::CACHE_CONTROL, life)];
    (headers, problem).into_response()
}

fn to_come(at_most: Duration) -> Response {
    let whole = at_most.as_secs() + u64::from(at_most.subsec_nanos() > 0);
    let retry = [(header::RETRY_AFTER, HeaderValue::from(whole))];
    let under_way = UnderWay {
        at_most_s: at_most.as_secs_f64(),
    };
    (StatusCode::ACCEPTED, retry, Json(under_way)).into_response()
}

async fn over(shared: &Shared, settled: Settled, wait: bool) -> Result<Response, Problem> {
    let durable = settle(shared, settled.ticket, wait).await?;
    let headers = [(KEPT, flag(settled.kept)), (DURABLE, durable)];
    Ok((StatusCode::NO_CONTENT, headers).into_response())
}

/// A length in seconds; a length of time is a header's value at any time.
fn seconds(length: Duration) -> HeaderValue {
    let text = format!("{:.3}", length.as_secs_f64());
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("0"))
}

fn lease(query: &Query) -> Result<u64, Problem> {
    let refused = || {
        Problem::invalid("name the `lease` that POST gave for this key, such as `lease=48170021`")
    };
    let lease = query.one("lease")?.ok_or_else(refused)?;
    // A number of 63 bits, as readers of JSON have it at most.
    let lease = lease.parse::<i64>().ok().and_then(|it| it.try_into().ok());
    lease.ok_or_else(refused)
}

/// How long the caller waits for others.
fn wait(query: &Query) -> Result<Duration, Problem> {
    let Some(text) = query.one("wait")? else {
        return Ok(WAIT);
    };
    text.parse::<f64>()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .filter(|wait| *wait <= MOST_WAIT)
        .ok_or_else(|| {
            Problem::invalid(format!(
                "`wait={text}` is not a number of seconds from 0 to {}",
                MOST_WAIT.as_secs()
            ))
        })
}
