//! `GET /v1/activity`: which entities report most often, and what becomes of it.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;

use super::problem::{Kind, Problem};
use super::query::Query as Parameters;
use super::{Shared, reading};
use crate::hub::Activity;

/// Entities by how often they report, each with the share that is suppressed and the rule it is judged by.
#[utoipa::path(
    get,
    path = "/v1/activity",
    tag = "Observe",
    params(("limit" = Option<u32>, Query, minimum = 1, maximum = 100_000, description = "At most so many entities; all where it is not said")),
    responses(
        (status = 200, description = "The entities, the noisiest first; rates are those of the last whole minute", body = Activity, headers(("ETag" = String, description = "For `If-None-Match`"))),
        (status = 304, description = "The caller has this answer already: `If-None-Match` names its `ETag`", headers(("ETag" = String, description = "The same as before")))
    )
)]
pub(super) async fn get(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let parameters = Parameters::parse(query.as_deref(), &["limit"])?;
    let most = parameters.one("limit")?.map(super::parameters::limit);
    let most = most.transpose()?.unwrap_or(usize::MAX);
    let body = serde_json::to_vec(&shared.hub.activity(most)?).map_err(|error| {
        Problem::new(
            Kind::Internal,
            format!("the answer cannot be written: {error}"),
        )
    })?;
    let tag = shared.hub.replica().tag_of(&body);
    Ok(reading::composed(&headers, tag, body.into()).await)
}
