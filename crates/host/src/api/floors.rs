//! `GET /v1/floors`, `GET /v1/floors/{floor}`: the floors.

use axum::response::Response;
use weirhouse_hass::Class;

use super::problem::Problem;
use super::reading::{self, PathPart, Read};
use crate::mirror::Source;

pub(super) const SOURCE: Source = Source::Class(Class::Floors);

/// The floors.
pub(super) async fn list(read: Read) -> Result<Response, Problem> {
    reading::list(SOURCE, read).await
}

/// One floor.
pub(super) async fn one(read: Read, path: PathPart) -> Result<Response, Problem> {
    reading::one(SOURCE, read, path).await
}
