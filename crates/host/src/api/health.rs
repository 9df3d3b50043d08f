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

/// 200 while everything works, 503 otherwise; the body says which part and why.
pub(super) async fn get(State(shared): State<Arc<Shared>>) -> Response {
    let health = shared.hub.health();
    let status = if health.ok {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(health)).into_response()
}
