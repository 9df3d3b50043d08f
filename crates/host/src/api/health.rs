//! `GET /healthz`: whether this instance does its work.
//!
//! It needs no token, so that a supervisor can ask; it therefore names
//! components and faults, never entities or values.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::Shared;
use crate::hub::Health;

/// 200 while everything works, 503 otherwise; the body says which part and why.
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "About",
    responses(
        (status = 200, description = "Everything works", body = Health),
        (status = 503, description = "A part does not work", body = Health)
    )
)]
pub(super) async fn get(State(shared): State<Arc<Shared>>) -> Response {
    let health = shared.hub.health();
    let status = if health.ok {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(health)).into_response()
}
