//! All routes, each under the scope it needs.

use std::sync::Arc;

use axum::Router;
use axum::routing::{delete, get, patch, post};
use utoipa::openapi::OpenApi;
use utoipa_axum::routes;

use super::routes::Routes;
use super::{
    Shared, activity, areas, backup, batch, breakers, cache, clearing, config_entries, context,
    description, devices, entities, fetch, floors, health, helpers, history, home_assistant,
    labels, log, metrics, mirrored, openapi, plugins, readings, refreshes, scenes, services,
    states, stats, stream,
};
use crate::access::Scope;
use crate::page;

/// All routes, before what surrounds them.
pub(super) struct Table {
    /// For everyone.
    pub(super) open: Router<Arc<Shared>>,
    /// What ends, each under the scope it needs: what a batch may ask for, too.
    pub(super) resources: Router<Arc<Shared>>,
    /// Further ones, each under the scope it needs.
    pub(super) elsewhere: Router<Arc<Shared>>,
    /// Many requests in one.
    pub(super) batch: Router<Arc<Shared>>,
    /// What is told of the rest within a batch.
    pub(super) by_itself: Router<Arc<Shared>>,
}

/// All routes, described in `whole` where that is wanted.
pub(super) fn table(whole: &mut Option<OpenApi>) -> Table {
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
    let resources = read(whole).merge(share(whole));
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
        resources,
        elsewhere: endless.merge(fetch).merge(operate),
        batch: batch.for_tokens(whole),
        by_itself,
    }
}

/// What is looked at.
fn read(whole: &mut Option<OpenApi>) -> Router<Arc<Shared>> {
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
        .add("/v1/breakers", get(breakers::list), || {
            routes!(breakers::list)
        })
        .add("/v1/context", get(context::get), || routes!(context::get));
    [
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
    .for_scope(Scope::Read, whole)
}

/// What programs keep, report and call.
fn share(whole: &mut Option<OpenApi>) -> Router<Arc<Shared>> {
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
    let calls = Routes::new(whole.as_ref())
        .add(
            "/v1/breakers/{name}",
            post(breakers::post)
                .put(breakers::put)
                .delete(breakers::delete),
            || routes!(breakers::post, breakers::put, breakers::delete),
        )
        .for_scope(Scope::Cache, whole);
    cache.merge(report).merge(calls)
}

/// The description of all routes.
pub(super) fn describe() -> OpenApi {
    let mut whole = Some(openapi::empty());
    table(&mut whole);
    whole.unwrap_or_default()
}
