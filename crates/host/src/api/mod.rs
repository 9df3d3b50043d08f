//! The local HTTP API: one router, one file per resource.
//!
//! It translates between HTTP and the [`Hub`] and decides nothing: no policy,
//! no Home Assistant, and, with our own tokens, never a proxy for calls to Home
//! Assistant.
//!
//! | route | what | scope of the token |
//! |---|---|---|
//! | `GET /` | the page | none |
//! | `GET /docs`, `GET /v1/openapi.json` | what the API offers | none |
//! | `GET /healthz` | works or not, and why | none |
//! | `GET /metrics` | counters as Prometheus text | `read` |
//! | `GET /v1/stats` | counters as JSON | `read` |
//! | `GET /v1/activity` | which entities report most often, and what becomes of it | `read` |
//! | `GET /v1/refreshes` | which entities are refreshed, and how often by now | `read` |
//! | `GET /v1/history` | readings of the last minutes | `read` |
//! | `GET /v1/plugins` | the plugins, what they did and how they failed | `read` |
//! | `PATCH /v1/plugins/{name}` | what the owner says of one | `admin` |
//! | `GET /v1/log` | the last lines of the log | `read` |
//! | `GET /v1/states`, `/v1/states/{id}` | states, many or one | `read` |
//! | `GET /v1/entities`, `devices`, `areas`, `floors`, `labels`, `config_entries`, `services`, each also with `/{id}` | registries | `read` |
//! | `GET /v1/helpers`, `/v1/scenes`, each also with `/{id}` | states of helpers and scenes | `read` |
//! | `POST /v1/batch` | many requests in one | any, and what each request needs |
//! | `PUT\|GET\|DELETE /v1/cache/{ns}/{key}` | the two-level cache | `cache` |
//! | `DELETE /v1/cache/{ns}`, `DELETE /v1/cache?tag=` | what leaves the cache together | `cache` |
//! | `POST\|PUT\|DELETE /v1/fetch/{ns}/{key}` | a value of the cache, or the right to fetch it; what came of that | `cache` |
//! | `POST\|PUT\|DELETE /v1/breakers/{name}` | whether something may be called that fails at times | `cache` |
//! | `GET /v1/breakers` | what is called, and how that goes | `read` |
//! | `GET\|POST /v1/readings`, `DELETE /v1/readings/{entity}` | readings that programs report | `push` |
//! | `POST\|DELETE /v1/backup` | before and after a backup of the data folder | `admin` |
//! | `GET /v1/stream` | what changes, as server-sent events: what is published, or states shaped for one client | `read` |
//! | `GET /api/websocket` | Home Assistant's own interface | none: a token of Home Assistant, in the conversation |
//!
//! Every error is a problem document (RFC 9457) with a stable `type`; every
//! answer carries `X-Request-Id`.

#![allow(clippy::unused_async, reason = "axum takes async functions")]

mod activity;
mod allowed_hosts;
mod answer;
mod answered;
mod areas;
mod arriving;
mod backup;
mod batch;
mod breakers;
mod cache;
mod cached;
mod clearing;
mod compression;
mod conditional;
mod config_entries;
mod connections;
mod context;
mod description;
mod devices;
mod entities;
mod exposition;
mod fetch;
mod floors;
mod health;
mod helpers;
mod history;
mod home_assistant;
mod ingress;
mod labels;
mod listen;
mod log;
mod memo;
mod metrics;
mod mirrored;
mod openapi;
mod origin;
mod parameters;
mod permission;
mod plugins;
mod problem;
mod query;
mod reading;
mod readings;
mod refreshes;
mod request_id;
mod routes;
mod scenes;
mod services;
mod states;
mod stats;
mod stream;
mod table;
#[cfg(test)]
mod tests;
mod upgrade;

use std::sync::Arc;

use axum::http::{HeaderName, HeaderValue, Method, Uri, header};
use axum::{Extension, Router};
use tokio::sync::{Mutex, Semaphore, watch};
use tower_http::cors::{Any, CorsLayer};

use allowed_hosts::AllowedHosts;
use answered::Answered;
pub use ingress::Admits;
pub use listen::{ListenError, bind, serve};
pub(crate) use origin::RequestOrigin;
pub use problem::{Kind, Problem};

use crate::access::{Access, Caller};
use crate::clients::Clients;
use crate::config::ApiConfig;
use crate::context::Known;
use crate::hub::Hub;
use memo::Memo;
use request_id::RequestIds;

/// Largest body taken: the optimizer's default bound for one cached value.
pub const BODY_LIMIT_BYTES: usize = 1 << 20;

/// What all handlers share.
struct Shared {
    hub: Arc<Hub>,
    /// Those who take this for Home Assistant; none where there is no Home Assistant.
    clients: Option<Arc<Clients>>,
    access: Arc<Access>,
    hosts: AllowedHosts,
    request_ids: RequestIds,
    memo: Memo,
    answered: Answered,
    /// Lines for language models, described before.
    context: Arc<Mutex<Known>>,
    /// Bounds how many streams are open.
    streams: Arc<Semaphore>,
    stream_counts: stream::StreamCounts,
    /// Bounds how many requests wait for what others fetch.
    waits: Semaphore,
    /// True once the server stops; open streams then end.
    stop: watch::Receiver<bool>,
}

/// The API: what every request passes, and the routes behind that.
#[derive(Clone)]
pub struct Api {
    shared: Arc<Shared>,
    routes: Router,
    /// Whose all requests are, where that is known without a token.
    visitor: Option<Arc<Caller>>,
}

impl Api {
    /// The API over `hub`. Streams end when `stop` becomes true or its sender is
    /// dropped.
    pub fn new(
        hub: Arc<Hub>,
        clients: Option<Arc<Clients>>,
        access: Arc<Access>,
        config: &ApiConfig,
        stop: watch::Receiver<bool>,
    ) -> Self {
        let names = config.allow_hosts.iter().cloned().chain(own_names());
        let hosts = AllowedHosts::new(config.listen.ip(), names);
        let table = table::table(&mut None);
        let shared = Arc::new(Shared {
            hub,
            clients,
            access,
            hosts,
            request_ids: RequestIds::new(),
            answered: Answered::default(),
            memo: Memo::default(),
            context: Arc::default(),
            streams: Arc::new(Semaphore::new(stream::MAX_STREAMS)),
            stream_counts: stream::StreamCounts::default(),
            waits: Semaphore::new(fetch::MOST_WAITS),
            stop,
        });
        let inside = table
            .resources
            .clone()
            .merge(table.by_itself)
            .fallback(unknown_route);
        let inside = Self::over(&shared, inside);
        let batch = table.batch.layer(Extension(batch::Inside(inside)));
        let mut routes = table
            .open
            .merge(table.resources)
            .merge(table.elsewhere)
            .merge(batch)
            .fallback(unknown_route);
        if let Some(cors) = cors(config) {
            routes = routes.layer(cors);
        }
        Self::over(&shared, routes)
    }

    fn over(shared: &Arc<Shared>, routes: Router<Arc<Shared>>) -> Self {
        Self {
            routes: routes.with_state(Arc::clone(shared)),
            shared: Arc::clone(shared),
            visitor: None,
        }
    }

    /// The same as visitors have it: without a token, to look and not to touch.
    #[must_use]
    pub fn for_visitors(&self) -> Self {
        Self {
            visitor: Some(self.shared.access.visitor()),
            ..self.clone()
        }
    }
}

/// Names that lead here and nowhere else: this machine's, by which one app
/// reaches another, and the same with the domain of the Supervisor's network.
fn own_names() -> impl Iterator<Item = String> {
    own_name().into_iter().flat_map(|name| {
        let full = format!("{name}.local.hass.io");
        [name, full]
    })
}

/// This machine's name, if it has one.
pub fn own_name() -> Option<String> {
    let name = rustix::system::uname();
    let name = name.nodename().to_str().ok()?;
    (!name.is_empty()).then(|| name.to_owned())
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
        // Of clients of server-sent events that are written by hand; a browser's own may send it anyway.
        HeaderName::from_static("last-event-id"),
        request_id::HEADER,
    ];
    let methods = [
        Method::GET,
        Method::PUT,
        Method::POST,
        Method::PATCH,
        Method::DELETE,
    ];
    (!origins.is_empty()).then(|| {
        CorsLayer::new()
            .allow_origin(origins)
            .allow_methods(methods)
            .allow_headers(headers)
            .expose_headers(Any)
    })
}

/// Without a token even the absence of a route is not told.
async fn unknown_route(Extension(origin): Extension<RequestOrigin>, uri: Uri) -> Problem {
    permission::permit(Some(&origin), None)
        .err()
        .unwrap_or_else(|| {
            Problem::new(
                Kind::UnknownRoute,
                format!(
                    "there is no `{}`; /docs and /v1/openapi.json say what there is",
                    uri.path()
                ),
            )
        })
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
