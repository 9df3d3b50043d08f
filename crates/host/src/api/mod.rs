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
#[cfg(test)]
mod tests;
mod upgrade;

use std::sync::Arc;

use axum::http::{HeaderName, HeaderValue, Method, Uri, header};
use axum::routing::{delete, get, patch, post};
use axum::{Extension, Router};
use tokio::sync::{Mutex, Semaphore, watch};
use tower_http::cors::{Any, CorsLayer};
use utoipa::openapi::OpenApi;
use utoipa_axum::routes;

use allowed_hosts::AllowedHosts;
use answered::Answered;
pub use ingress::Admits;
pub use listen::{ListenError, bind, serve};
pub(crate) use origin::RequestOrigin;
pub use problem::{Kind, Problem};

use crate::access::{Access, Caller, Scope};
use crate::clients::Clients;
use crate::config::ApiConfig;
use crate::context::Known;
use crate::hub::Hub;
use crate::page;
use memo::Memo;
use request_id::RequestIds;
use routes::Routes;

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
        let table = table(&mut None);
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

/// All routes, before what surrounds them.
struct Table {
    /// For everyone.
    open: Router<Arc<Shared>>,
    /// What ends, each under the scope it needs: what a batch may ask for, too.
    resources: Router<Arc<Shared>>,
    /// Further ones, each under the scope it needs.
    elsewhere: Router<Arc<Shared>>,
    /// Many requests in one.
    batch: Router<Arc<Shared>>,
    /// What is told of the rest within a batch.
    by_itself: Router<Arc<Shared>>,
}

/// All routes, described in `whole` where that is wanted.
fn table(whole: &mut Option<OpenApi>) -> Table {
    let open = Routes::new(whole.as_ref())
        .add("/", get(page::get), || routes!(page::get))
        .add("/docs", get(page::docs), || routes!(page::docs))
        .add("/v1/openapi.json", get(description::get), || {
            routes!(description::get)
        })
        .add("/healthz", get(health::get), || routes!(health::get))
        .add("/api/websocket", get(home_assistant::get), || {
            routes!(home_assistant::get)
        });
    let read = Routes::new(whole.as_ref())
        .add("/metrics", get(metrics::get), || routes!(metrics::get))
        .add("/v1/stats", get(stats::get), || routes!(stats::get))
        .add("/v1/activity", get(activity::get), || {
            routes!(activity::get)
        })
        .add("/v1/refreshes", get(refreshes::get), || {
            routes!(refreshes::get)
        })
        .add("/v1/history", get(history::get), || routes!(history::get))
        .add("/v1/log", get(log::get), || routes!(log::get))
        .add("/v1/plugins", get(plugins::list), || routes!(plugins::list))
        .add("/v1/context", get(context::get), || routes!(context::get));
    let read = [
        (states::SOURCE, get(states::list), get(states::one)),
        (scenes::SOURCE, get(scenes::list), get(scenes::one)),
        (helpers::SOURCE, get(helpers::list), get(helpers::one)),
        (entities::SOURCE, get(entities::list), get(entities::one)),
        (devices::SOURCE, get(devices::list), get(devices::one)),
        (areas::SOURCE, get(areas::list), get(areas::one)),
        (floors::SOURCE, get(floors::list), get(floors::one)),
        (labels::SOURCE, get(labels::list), get(labels::one)),
        (
            config_entries::SOURCE,
            get(config_entries::list),
            get(config_entries::one),
        ),
        (services::SOURCE, get(services::list), get(services::one)),
    ]
    .into_iter()
    .fold(read, |read, (source, list, one)| {
        mirrored::add(read, source, list, one)
    })
    .for_scope(Scope::Read, whole);
    let cache = Routes::new(whole.as_ref())
        .add(
            "/v1/cache/{ns}/{*key}",
            get(cache::get).put(cache::put).delete(cache::delete),
            || routes!(cache::get, cache::put, cache::delete),
        )
        .add("/v1/cache/{ns}", delete(clearing::of_namespace), || {
            routes!(clearing::of_namespace)
        })
        .add("/v1/cache", delete(clearing::of_tag), || {
            routes!(clearing::of_tag)
        })
        .for_scope(Scope::Cache, whole);
    let report = Routes::new(whole.as_ref())
        .add(
            "/v1/readings",
            get(readings::get).post(readings::post),
            || routes!(readings::get, readings::post),
        )
        .add("/v1/readings/{entity}", delete(readings::delete), || {
            routes!(readings::delete)
        })
        .for_scope(Scope::Push, whole);
    let endless =
        Routes::new(whole.as_ref()).add("/v1/stream", get(stream::get), || routes!(stream::get));
    let fetch = Routes::new(whole.as_ref()).add(
        "/v1/fetch/{ns}/{*key}",
        post(fetch::post).put(fetch::put).delete(fetch::delete),
        || routes!(fetch::post, fetch::put, fetch::delete),
    );
    let operate = Routes::new(whole.as_ref())
        .add(
            "/v1/backup",
            post(backup::post).delete(backup::delete),
            || routes!(backup::post, backup::delete),
        )
        .add("/v1/plugins/{name}", patch(plugins::patch), || {
            routes!(plugins::patch)
        });
    let batch =
        Routes::new(whole.as_ref()).add("/v1/batch", post(batch::post), || routes!(batch::post));
    let by_itself = [&open, &endless, &fetch, &operate, &batch]
        .map(|routes| routes.all_answered(&batch::not_inside))
        .into_iter()
        .fold(Router::new(), Router::merge);
    let endless = endless.for_scope(Scope::Read, whole);
    let fetch = fetch.for_scope(Scope::Cache, whole);
    let operate = operate.for_scope(Scope::Admin, whole);
    Table {
        open: open.open(whole),
        resources: read.merge(cache).merge(report),
        elsewhere: endless.merge(fetch).merge(operate),
        batch: batch.for_tokens(whole),
        by_itself,
    }
}

/// The description of all routes.
fn describe() -> OpenApi {
    let mut whole = Some(openapi::empty());
    table(&mut whole);
    whole.unwrap_or_default()
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
