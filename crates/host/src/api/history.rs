//! `GET /v1/history`: readings of the last minutes, for pictures.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};

use super::Shared;
use super::problem::Problem;
use super::query::Query;
use crate::hub::History;

/// How many readings came in the last ten minutes, and how many were published.
#[utoipa::path(
    get,
    path = "/v1/history",
    tag = "Observe",
    responses((status = 200, description = "The steps, oldest first", body = History))
)]
pub(super) async fn get(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
) -> Result<Json<History>, Problem> {
    Query::parse(query.as_deref(), &[])?;
    Ok(Json(shared.hub.history()?))
}
