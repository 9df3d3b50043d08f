//! `GET /v1/entities`, `GET /v1/entities/{entity}`: the entity registry.

use axum::response::Response;
use weirhouse_hass::Class;

use super::problem::Problem;
use super::reading::{self, PathPart, Read};
use crate::mirror::Source;

pub(super) const SOURCE: Source = Source::Class(Class::Entities);

/// The registered entities, disabled ones too.
pub(super) fn list(read: Read) -> impl Future<Output = Result<Response, Problem>> {
    reading::list(SOURCE, read)
}

/// One registered entity.
pub(super) fn one(read: Read, path: PathPart) -> impl Future<Output = Result<Response, Problem>> {
    reading::one(SOURCE, read, path)
}
