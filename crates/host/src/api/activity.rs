//! `GET /v1/activity`: which entities report most often, and what becomes of it.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};

use super::Shared;
use super::problem::Problem;
use super::query::Query as Parameters;
use crate::hub::Activity;

/// Entities by how often they report, each with the share that is suppressed and the rule it is judged by.
#[utoipa::path(
    get,
    path = "/v1/activity",
    tag = "Observe",
    params(("limit" = Option<u32>, Query, minimum = 1, maximum = 100_000, description = "At most so many entities; all where it is not said")),
    responses((status = 200, description = "The entities, the noisiest first", body = Activity))
)]
pub(super) async fn get(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
) -> Result<Json<Activity>, Problem> {
    let parameters = Parameters::parse(query.as_deref(), &["limit"])?;
    let most = parameters.one("limit")?.map(super::parameters::limit);
    let most = most.transpose()?.unwrap_or(usize::MAX);
    Ok(Json(shared.hub.activity(most)?))
}
