//! `GET /v1/openapi.json` and `GET /docs`: what the API offers, for programs and
//! for people.
//!
//! Both need no token, for they hold nothing of the home.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::Shared;

/// The description of this API, OpenAPI 3.1.
#[utoipa::path(
    get,
    path = "/v1/openapi.json",
    tag = "About",
    responses((status = 200, description = "This document", content_type = "application/json"))
)]
pub(super) async fn get(State(shared): State<Arc<Shared>>) -> Response {
    let json = [(header::CONTENT_TYPE, "application/json")];
    (json, Bytes::clone(&shared.description)).into_response()
}
