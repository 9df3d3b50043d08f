//! `GET /v1/states`, `GET /v1/states/{entity}`: states as Home Assistant holds them, and what was published of one.

use axum::response::Response;

use super::problem::Problem;
use super::reading::{self, PathPart, Read};
use crate::mirror::Source;

pub(super) const SOURCE: Source = Source::States;

/// The states, each as Home Assistant's own state object; `last_reported` is not among them, for the feed does not
/// carry it.
pub(super) fn list(read: Read) -> impl Future<Output = Result<Response, Problem>> {
    reading::list(SOURCE, read)
}

/// One state with `stale`, `as_of`, `published`, `observed` and `suppressed`. 404 `unknown-entity` for what Home
/// Assistant does not have.
pub(super) fn one(read: Read, path: PathPart) -> impl Future<Output = Result<Response, Problem>> {
    reading::one(SOURCE, read, path)
}
