//! The local HTTP API: one router, one file per resource.
//!
//! It translates between HTTP and the [`Hub`] and decides nothing: no policy,
//! no Home Assistant, and never a proxy for calls to Home Assistant.
//!
//! | route | what | token |
//! |---|---|---|
//! | `GET /` | the page | no |
//! | `GET /healthz` | works or not, and why | no |
//! | `GET /metrics` | counters as Prometheus text | yes |
//! | `GET /v1/stats` | counters as JSON | yes |
//! | `GET /v1/states`, `/v1/states/{entity}` | states, many or one | yes |
//! | `GET /v1/entities`, `devices`, `areas`, `floors`, `labels`, `config_entries`, `services`, each also with `/{id}` | registries | yes |
//! | `GET /v1/helpers`, `/v1/scenes`, each also with `/{entity}` | states of helpers and scenes | yes |
//! | `POST /v1/batch` | many requests in one | yes |
//! | `PUT\|GET\|DELETE /v1/cache/{ns}/{key}` | the two-level cache | yes |
//! | `GET /v1/stream` | published updates, server-sent events | yes |
//!
//! Every error is a problem document (RFC 9457) with a stable `type`; every
//! answer carries `X-Request-Id`.

#![allow(clippy::unused_async, reason = "axum takes async functions")]

mod allowed_hosts;
mod answer;
mod areas;
mod batch;
mod bearer;
mod cache;
mod compression;
mod conditional;
mod config_entries;
mod devices;
mod entities;
mod entity_filter;
mod exposition;
mod floors;
mod health;
mod helpers;
mod labels;
mod listen;
mod memo;
mod metrics;
mod parameters;
mod problem;
mod query;
mod reading;
mod request_id;
mod scenes;
mod services;
mod states;
mod stats;
mod stream;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::http::{Method, Uri};
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use axum::{Extension, Router};
use tokio::sync::{Semaphore, watch};

pub use allowed_hosts::AllowedHosts;
pub use listen::{ListenError, bind, serve};
pub use problem::{Kind, Problem};

use crate::data_dir::Token;
use crate::hub::Hub;
use crate::page;
use memo::Memo;
use request_id::RequestIds;

/// Largest body taken: the optimizer's default bound for one cached value.
pub const BODY_LIMIT_BYTES: usize = 1 << 20;

/// What all handlers share.
struct Shared {
    hub: Arc<Hub>,
    token: Token,
    hosts: AllowedHosts,
    request_ids: RequestIds,
    memo: Memo,
    /// Bounds how many streams are open.
    streams: Arc<Semaphore>,
    /// True once the server stops; open streams then end.
    stop: watch::Receiver<bool>,
}

/// The API over `hub`. Streams end when `stop` becomes true or its sender is
/// dropped.
pub fn router(
    hub: Arc<Hub>,
    token: Token,
    hosts: AllowedHosts,
    stop: watch::Receiver<bool>,
) -> Router {
    let shared = Arc::new(Shared {
        hub,
        token,
        hosts,
        request_ids: RequestIds::new(),
        memo: Memo::default(),
        streams: Arc::new(Semaphore::new(stream::MAX_STREAMS)),
        stop,
    });
    let open = Router::new()
        .route("/", get(page::get))
        .route("/healthz", get(health::get))
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(Arc::clone(&shared), answer::answer));
    let inside = layered(&shared, resources());
    let inside = inside.with_state(Arc::clone(&shared));
    let protected = resources()
        .route("/v1/stream", get(stream::get))
        .route("/v1/batch", post(batch::post))
        .layer(Extension(batch::Inside(inside)));
    layered(&shared, protected).merge(open).with_state(shared)
}

/// What a batch may ask for, too: everything but what answers without an end, and batches.
fn resources() -> Router<Arc<Shared>> {
    Router::new()
        .route("/metrics", get(metrics::get))
        .route("/v1/stats", get(stats::get))
        .route("/v1/states", get(states::list))
        .route("/v1/states/{entity}", get(states::one))
        .route("/v1/scenes", get(scenes::list))
        .route("/v1/scenes/{entity}", get(scenes::one))
        .route("/v1/helpers", get(helpers::list))
        .route("/v1/helpers/{entity}", get(helpers::one))
        .route("/v1/entities", get(entities::list))
        .route("/v1/entities/{entity}", get(entities::one))
        .route("/v1/devices", get(devices::list))
        .route("/v1/devices/{device}", get(devices::one))
        .route("/v1/areas", get(areas::list))
        .route("/v1/areas/{area}", get(areas::one))
        .route("/v1/floors", get(floors::list))
        .route("/v1/floors/{floor}", get(floors::one))
        .route("/v1/labels", get(labels::list))
        .route("/v1/labels/{label}", get(labels::one))
        .route("/v1/config_entries", get(config_entries::list))
        .route("/v1/config_entries/{entry}", get(config_entries::one))
        .route("/v1/services", get(services::list))
        .route("/v1/services/{service}", get(services::one))
        .route(
            "/v1/cache/{ns}/{*key}",
            get(cache::get).put(cache::put).delete(cache::delete),
        )
}

/// Routes behind the token, with all that every request passes. The fallback is among them, so that without the
/// token even the absence of a route is not told.
fn layered(shared: &Arc<Shared>, routes: Router<Arc<Shared>>) -> Router<Arc<Shared>> {
    routes
        .method_not_allowed_fallback(wrong_method)
        .fallback(unknown_route)
        .layer(DefaultBodyLimit::max(BODY_LIMIT_BYTES))
        .layer(from_fn_with_state(
            Arc::clone(shared),
            answer::require_token,
        ))
        .layer(from_fn_with_state(Arc::clone(shared), answer::answer))
}

async fn unknown_route(uri: Uri) -> Problem {
    Problem::new(
        Kind::UnknownRoute,
        format!(
            "there is no `{}`; the routes are /healthz, /metrics, /v1/stats, /v1/states, /v1/scenes, /v1/helpers, /v1/entities, /v1/devices, /v1/areas, /v1/floors, /v1/labels, /v1/config_entries, /v1/services, /v1/cache/{{ns}}/{{key}}, /v1/batch and /v1/stream",
            uri.path()
        ),
    )
}

async fn wrong_method(method: Method, uri: Uri) -> Problem {
    Problem::new(
        Kind::MethodNotAllowed,
        format!(
            "`{}` does not take {method}; the header Allow lists what it takes",
            uri.path()
        ),
    )
}
