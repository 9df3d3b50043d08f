//! `GET /v1/helpers`, `GET /v1/helpers/{entity}`: the states of helpers.

use axum::response::Response;

use super::problem::Problem;
use super::reading::{self, PathPart, Read};
use crate::mirror::Source;

pub(super) const SOURCE: Source = Source::Helpers;

/// The helpers, as states: entities of a helper's domain, and those that a helper's config entry made.
pub(super) fn list(read: Read) -> impl Future<Output = Result<Response, Problem>> {
    reading::list(SOURCE, read)
}

/// One helper, as a state.
pub(super) fn one(read: Read, path: PathPart) -> impl Future<Output = Result<Response, Problem>> {
    reading::one(SOURCE, read, path)
}
