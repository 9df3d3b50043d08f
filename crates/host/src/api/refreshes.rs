//! `GET /v1/refreshes`: which entities are refreshed, and how often by now.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};

use super::Shared;
use super::problem::Problem;
use super::query::Query;
use crate::hub::Refreshes;

/// The entities that Home Assistant is asked to refresh, with the interval of
/// each by now, and the budgets they come out of.
#[utoipa::path(
    get,
    path = "/v1/refreshes",
    tag = "Observe",
    responses((status = 200, description = "The entities, in the order in which they are configured", body = Refreshes))
)]
pub(super) async fn get(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
) -> Result<Json<Refreshes>, Problem> {
    Query::parse(query.as_deref(), &[])?;
    Ok(Json(shared.hub.refreshes()?))
}
