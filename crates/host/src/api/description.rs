//! `GET /v1/openapi.json` and `GET /docs`: what the API offers, for programs and
//! for people.
//!
//! Both need no token, for they hold nothing of the home.

use std::sync::LazyLock;

use axum::body::Bytes;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::{openapi, table};

/// The document, made when it is first asked for.
static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| openapi::render(&table::describe()).into());

/// The description of this API, OpenAPI 3.1.
#[utoipa::path(
    get,
    path = "/v1/openapi.json",
    tag = "About",
    responses((status = 200, description = "This document", content_type = "application/json"))
)]
pub(super) async fn get() -> Response {
    let json = [(header::CONTENT_TYPE, "application/json")];
    (json, Bytes::clone(&DOCUMENT)).into_response()
}
