//! `GET /v1/scenes`, `GET /v1/scenes/{entity}`: the states of scenes.

use axum::response::Response;

use super::problem::Problem;
use super::reading::{self, PathPart, Read};
use crate::mirror::Source;

pub(super) const SOURCE: Source = Source::Scenes;

/// The scenes, as states.
pub(super) fn list(read: Read) -> impl Future<Output = Result<Response, Problem>> {
    reading::list(SOURCE, read)
}

/// One scene, as a state.
pub(super) fn one(read: Read, path: PathPart) -> impl Future<Output = Result<Response, Problem>> {
    reading::one(SOURCE, read, path)
}
