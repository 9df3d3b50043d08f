//! `DELETE /v1/cache/{ns}` and `DELETE /v1/cache?tag=`: values that leave the
//! cache together.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tokio::task::spawn_blocking;
use utoipa::ToSchema;

use super::Shared;
use super::cache::{DURABLE, settle, waits};
use super::openapi::Problems;
use super::problem::{Kind, Problem};
use super::query::Query;
use crate::hub::Outdated;

/// What was removed.
#[derive(Debug, Serialize, ToSchema)]
struct Removed {
    /// How many live values there were.
    removed: usize,
}

/// Removes all values of a namespace from both levels, or those that match a
/// pattern or carry a tag, and says how many live ones there were.
#[utoipa::path(
    delete,
    path = "/v1/cache/{ns}",
    tag = "Cache",
    params(
        ("ns" = String, Path, min_length = 1, description = "The namespace"),
        ("glob" = Option<String>, Query, min_length = 1, description = "Only keys that match: `*` any run, `/` included, `?` one character, `[a-z]` and `[!a-z]` sets, `\\` takes the next literally"),
        ("tag" = Option<String>, Query, min_length = 1, description = "Only values that were put with this tag; not together with `glob`"),
        ("wait" = Option<String>, Query, pattern = "^durable$", description = "`durable` to be answered once they are gone from disk")
    ),
    responses(
        (
            status = 200,
            description = "Gone",
            body = Removed,
            headers(("Weirhouse-Durable" = bool, description = "Whether they are gone from disk"))
        ),
        Problems<503>
    )
)]
pub(super) async fn of_namespace(
    State(shared): State<Arc<Shared>>,
    path: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let Path(namespace) = path?;
    let query = Query::parse(query.as_deref(), &["glob", "tag", "wait"])?;
    let what = match (named(&query, "glob")?, named(&query, "tag")?) {
        (Some(_), Some(_)) => {
            return Err(Problem::invalid(
                "`glob` and `tag` do not go together; ask for one after the other",
            ));
        }
        (Some(pattern), None) => Outdated::Matching { namespace, pattern },
        (None, Some(tag)) => Outdated::Tagged {
            namespace: Some(namespace),
            tag,
        },
        (None, None) => Outdated::Namespace(namespace),
    };
    clear(&shared, what, waits(&query)?).await
}

/// Removes the values that carry a tag from both levels, whatever their
/// namespace, and says how many live ones there were.
#[utoipa::path(
    delete,
    path = "/v1/cache",
    tag = "Cache",
    params(
        ("tag" = String, Query, min_length = 1, description = "Only values that were put with this tag"),
        ("wait" = Option<String>, Query, pattern = "^durable$", description = "`durable` to be answered once they are gone from disk")
    ),
    responses(
        (
            status = 200,
            description = "Gone",
            body = Removed,
            headers(("Weirhouse-Durable" = bool, description = "Whether they are gone from disk"))
        ),
        Problems<503>
    )
)]
pub(super) async fn of_tag(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let query = Query::parse(query.as_deref(), &["tag", "wait"])?;
    let Some(tag) = named(&query, "tag")? else {
        return Err(Problem::invalid(
            "name a `tag`: what carries it is removed; DELETE /v1/cache/NAMESPACE removes a whole namespace",
        ));
    };
    let what = Outdated::Tagged {
        namespace: None,
        tag,
    };
    clear(&shared, what, waits(&query)?).await
}

async fn clear(shared: &Arc<Shared>, what: Outdated, wait: bool) -> Result<Response, Problem> {
    let hub = Arc::clone(&shared.hub);
    // It may read all that the disk has of a namespace.
    let cleared = spawn_blocking(move || hub.cache_clear(&what)).await;
    let cleared =
        cleared.map_err(|_| Problem::new(Kind::Internal, "the removal was given up"))??;
    let durable = settle(shared, cleared.ticket, wait).await?;
    let removed = Removed {
        removed: cleared.count,
    };
    Ok(([(DURABLE, durable)], Json(removed)).into_response())
}

/// A parameter that says something if it is there.
fn named(query: &Query, name: &str) -> Result<Option<String>, Problem> {
    match query.one(name)? {
        Some("") => Err(Problem::invalid(format!(
            "`{name}` is empty; say which values are to be removed"
        ))),
        value => Ok(value.map(str::to_owned)),
    }
}
