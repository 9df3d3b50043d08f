//! `GET /v1/devices`, `GET /v1/devices/{device}`: the device registry.

use axum::response::Response;
use weirhouse_hass::Class;

use super::problem::Problem;
use super::reading::{self, PathPart, Read};
use crate::mirror::Source;

pub(super) const SOURCE: Source = Source::Class(Class::Devices);

/// The devices; those that are parts of others too.
pub(super) fn list(read: Read) -> impl Future<Output = Result<Response, Problem>> {
    reading::list(SOURCE, read)
}

/// One device.
pub(super) fn one(read: Read, path: PathPart) -> impl Future<Output = Result<Response, Problem>> {
    reading::one(SOURCE, read, path)
}
