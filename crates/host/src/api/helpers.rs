//! `GET /v1/helpers`, `GET /v1/helpers/{entity}`: the states of helpers.

use axum::response::Response;

use super::problem::Problem;
use super::reading::{self, PathPart, Read};
use crate::mirror::Source;

pub(super) const SOURCE: Source = Source::Helpers;

/// The helpers, as states: entities of a helper's domain, and those that a helper's config entry made.
pub(super) async fn list(read: Read) -> Result<Response, Problem> {
    reading::list(SOURCE, read).await
}

/// One helper, as a state.
pub(super) async fn one(read: Read, path: PathPart) -> Result<Response, Problem> {
    reading::one(SOURCE, read, path).await
}
