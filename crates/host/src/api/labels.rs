//! `GET /v1/labels`, `GET /v1/labels/{label}`: the labels.

use axum::response::Response;
use weirhouse_hass::Class;

use super::problem::Problem;
use super::reading::{self, PathPart, Read};
use crate::mirror::Source;

pub(super) const SOURCE: Source = Source::Class(Class::Labels);

/// The labels.
pub(super) async fn list(read: Read) -> Result<Response, Problem> {
    reading::list(SOURCE, read).await
}

/// One label.
pub(super) async fn one(read: Read, path: PathPart) -> Result<Response, Problem> {
    reading::one(SOURCE, read, path).await
}
