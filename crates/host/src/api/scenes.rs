//! `GET /v1/scenes`, `GET /v1/scenes/{entity}`: the states of scenes.

use axum::response::Response;

use super::problem::Problem;
use super::reading::{self, PathPart, Read};
use crate::mirror::Source;

pub(super) const SOURCE: Source = Source::Scenes;

/// The scenes, as states.
pub(super) async fn list(read: Read) -> Result<Response, Problem> {
    reading::list(SOURCE, read).await
}

/// One scene, as a state.
pub(super) async fn one(read: Read, path: PathPart) -> Result<Response, Problem> {
    reading::one(SOURCE, read, path).await
}
