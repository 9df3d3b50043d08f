//! `GET /v1/stats`: every counter of this instance, as JSON.
//!
//! The same numbers as `/metrics`, nested for people and pages.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};

use super::Shared;
use super::problem::Problem;
use super::query::Query;
use crate::hub::Stats;

/// The counters now.
#[utoipa::path(
    get,
    path = "/v1/stats",
    tag = "Observe",
    responses((status = 200, description = "The counters", body = Stats))
)]
pub(super) async fn get(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
) -> Result<Json<Stats>, Problem> {
    Query::parse(query.as_deref(), &[])?;
    Ok(Json(shared.hub.stats()?))
}
