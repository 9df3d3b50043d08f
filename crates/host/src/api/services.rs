//! `GET /v1/services`, `GET /v1/services/{service}`: the actions Home Assistant offers.
//!
//! They are described here, and called nowhere: this API is no way to act on a home.

use axum::response::Response;
use weirhouse_hass::Class;

use super::problem::Problem;
use super::reading::{self, PathPart, Read};
use crate::mirror::Source;

pub(super) const SOURCE: Source = Source::Class(Class::Services);

/// The actions, each with Home Assistant's description as `definition`.
pub(super) fn list(read: Read) -> impl Future<Output = Result<Response, Problem>> {
    reading::list(SOURCE, read)
}

/// One action, as `light.turn_on`.
pub(super) fn one(read: Read, path: PathPart) -> impl Future<Output = Result<Response, Problem>> {
    reading::one(SOURCE, read, path)
}
