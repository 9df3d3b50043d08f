//! `GET /v1/states/{entity}`: one entity as Home Assistant holds it, with what
//! was published of it.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};

use super::Shared;
use super::openapi::Problems;
use super::problem::{Kind, Problem};
use crate::hub::StateView;

/// The state object of Home Assistant plus `stale`, `as_of` and `published`.
/// 404 `unknown-entity` for what Home Assistant does not have.
#[utoipa::path(
    get,
    path = "/v1/states/{entity}",
    tag = "Read",
    params(("entity" = String, Path, description = "An entity id, such as `sensor.porch`")),
    responses((status = 200, description = "The state", body = serde_json::Value), Problems<404>)
)]
pub(super) async fn get(
    State(shared): State<Arc<Shared>>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<StateView>, Problem> {
    let Path(entity) = path?;
    shared.hub.state(&entity).map(Json).ok_or_else(|| {
        let known = shared.hub.entity_count();
        Problem::new(
            Kind::UnknownEntity,
            if known == 0 {
                format!("`{entity}` is unknown: no states have come from Home Assistant yet")
            } else {
                format!("`{entity}` is not among the {known} known entities; check its spelling")
            },
        )
    })
}
