//! `GET /v1/floors`, `GET /v1/floors/{floor}`: the floors.

use axum::response::Response;
use weirhouse_hass::Class;

use super::problem::Problem;
use super::reading::{self, PathPart, Read};
use crate::mirror::Source;

pub(super) const SOURCE: Source = Source::Class(Class::Floors);

/// The floors.
pub(super) fn list(read: Read) -> impl Future<Output = Result<Response, Problem>> {
    reading::list(SOURCE, read)
}

/// One floor.
pub(super) fn one(read: Read, path: PathPart) -> impl Future<Output = Result<Response, Problem>> {
    reading::one(SOURCE, read, path)
}
