//! The local HTTP API: one router, one file per resource.
//!
//! It translates between HTTP and the [`Hub`] and decides nothing: no policy,
//! no Home Assistant, and never a proxy for calls to Home Assistant.
//!
//! | route | what | scope of the token |
//! |---|---|---|
//! | `GET /` | the page | none |
//! | `GET /docs`, `GET /v1/openapi.json` | what the API offers | none |
//! | `GET /healthz` | works or not, and why | none |
//! | `GET /metrics` | counters as Prometheus text | `read` |
//! | `GET /v1/stats` | counters as JSON | `read` |
//! | `GET /v1/states/{entity}` | one entity | `read` |
//! | `PUT\|GET\|DELETE /v1/cache/{ns}/{key}` | the two-level cache | `cache` |
//! | `GET /v1/stream` | published updates, server-sent events | `read` |
//!
//! Every error is a problem document (RFC 9457) with a stable `type`; every
//! answer carries `X-Request-Id`.

#![allow(clippy::unused_async, reason = "axum takes async functions")]

mod allowed_hosts;
mod answer;
mod answered;
mod cache;
mod connections;
mod description;
mod entity_filter;
mod exposition;
mod health;
mod listen;
mod metrics;
mod openapi;
mod permission;
mod problem;
mod query;
mod request_id;
mod states;
mod stats;
mod stream;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue, Method, Uri, header};
use axum::middleware::from_fn_with_state;
use tokio::sync::{Semaphore, watch};
use tower_http::cors::{Any, CorsLayer};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use allowed_hosts::AllowedHosts;
use answered::Answered;
pub use listen::{ListenError, bind, serve};
pub use problem::{Kind, Problem};

use crate::access::{Access, Scope};
use crate::config::ApiConfig;
use crate::hub::Hub;
use crate::page;
use request_id::RequestIds;

/// Largest body taken: the optimizer's default bound for one cached value.
pub const BODY_LIMIT_BYTES: usize = 1 << 20;

/// What all handlers share.
struct Shared {
    hub: Arc<Hub>,
    access: Arc<Access>,
    hosts: AllowedHosts,
    request_ids: RequestIds,
    answered: Answered,
    /// The document that describes the API.
    description: Bytes,
    /// Bounds how many streams are open.
    streams: Arc<Semaphore>,
    /// True once the server stops; open streams then end.
    stop: watch::Receiver<bool>,
}

/// The API over `hub`. Streams end when `stop` becomes true or its sender is
/// dropped.
pub fn router(
    hub: Arc<Hub>,
    access: Arc<Access>,
    config: &ApiConfig,
    stop: watch::Receiver<bool>,
) -> Router {
    let hosts = AllowedHosts::new(config.listen.ip(), config.allow_hosts.clone());
    let mut document = openapi::empty();
    let (open, part) = OpenApiRouter::new()
        .routes(routes!(page::get))
        .routes(routes!(page::docs))
        .routes(routes!(description::get))
        .routes(routes!(health::get))
        .split_for_parts();
    openapi::add_open(&mut document, part);
    let read = OpenApiRouter::new()
        .routes(routes!(metrics::get))
        .routes(routes!(stats::get))
        .routes(routes!(states::get))
        .routes(routes!(stream::get));
    let cache = OpenApiRouter::new().routes(routes!(cache::get, cache::put, cache::delete));
    let protected = with_scope(read, Scope::Read, &mut document).merge(with_scope(
        cache,
        Scope::Cache,
        &mut document,
    ));

    let shared = Arc::new(Shared {
        hub,
        access,
        hosts,
        request_ids: RequestIds::new(),
        answered: Answered::default(),
        description: openapi::render(&document).into(),
        streams: Arc::new(Semaphore::new(stream::MAX_STREAMS)),
        stop,
    });
    let open = open.method_not_allowed_fallback(wrong_method);
    // The fallback is among them, so that without the token even the absence
    // of a route is not told.
    let protected = protected
        .fallback(unknown_route)
        .layer(DefaultBodyLimit::max(BODY_LIMIT_BYTES))
        .layer(from_fn_with_state(
            Arc::clone(&shared),
            permission::authenticate,
        ));
    let mut router = open.merge(protected);
    if let Some(cors) = cors(config) {
        router = router.layer(cors);
    }
    router
        .layer(from_fn_with_state(Arc::clone(&shared), answer::answer))
        .with_state(shared)
}

/// What lets web pages of the configured origins call the API; they still need
/// a token. `None`, and with it nothing for any page, where none is configured.
fn cors(config: &ApiConfig) -> Option<CorsLayer> {
    let origins = config.cors_origins.iter();
    let origins: Vec<HeaderValue> = origins.filter_map(|it| it.parse().ok()).collect();
    let headers = [
        header::AUTHORIZATION,
        header::CONTENT_TYPE,
        header::IF_NONE_MATCH,
        HeaderName::from_static(request_id::HEADER),
    ];
    (!origins.is_empty()).then(|| {
        CorsLayer::new()
            .allow_origin(origins)
            .allow_methods([Method::GET, Method::PUT, Method::POST, Method::DELETE])
            .allow_headers(headers)
            .expose_headers(Any)
    })
}

/// Routes for tokens that have this scope, described in the document.
fn with_scope(
    routes: OpenApiRouter<Arc<Shared>>,
    scope: Scope,
    document: &mut OpenApi,
) -> Router<Arc<Shared>> {
    let (routes, part) = routes.split_for_parts();
    openapi::add_protected(document, part, scope);
    routes
        .method_not_allowed_fallback(wrong_method)
        .route_layer(from_fn_with_state(scope, permission::require))
}

async fn unknown_route(uri: Uri) -> Problem {
    Problem::new(
        Kind::UnknownRoute,
        format!(
            "there is no `{}`; /docs and /v1/openapi.json say what there is",
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
