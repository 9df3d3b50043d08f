//! `GET /v1/areas`, `GET /v1/areas/{area}`: the areas.

use axum::response::Response;
use weirhouse_hass::Class;

use super::problem::Problem;
use super::reading::{self, PathPart, Read};
use crate::mirror::Source;

pub(super) const SOURCE: Source = Source::Class(Class::Areas);

/// The areas.
pub(super) async fn list(read: Read) -> Result<Response, Problem> {
    reading::list(SOURCE, read).await
}

/// One area.
pub(super) async fn one(read: Read, path: PathPart) -> Result<Response, Problem> {
    reading::one(SOURCE, read, path).await
}
