//! `GET /v1/areas`, `GET /v1/areas/{area}`: the areas.

use axum::response::Response;
use weirhouse_hass::Class;

use super::problem::Problem;
use super::reading::{self, PathPart, Read};
use crate::mirror::Source;

pub(super) const SOURCE: Source = Source::Class(Class::Areas);

/// The areas.
pub(super) fn list(read: Read) -> impl Future<Output = Result<Response, Problem>> {
    reading::list(SOURCE, read)
}

/// One area.
pub(super) fn one(read: Read, path: PathPart) -> impl Future<Output = Result<Response, Problem>> {
    reading::one(SOURCE, read, path)
}
