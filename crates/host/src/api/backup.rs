//! `POST /v1/backup`, `DELETE /v1/backup`: the data folder, fit to be copied
//! while the service runs.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;

use super::Shared;
use super::openapi::Problems;
use super::problem::{Kind, Problem};
use crate::hub::{Hub, HubError};

/// Writes down what was learned and leaves a consistent copy of the disk cache
/// in the data folder, so that the folder can be copied.
///
/// The file `l2.redb` itself is then best left out; a start without it takes
/// the copy.
#[utoipa::path(
    post,
    path = "/v1/backup",
    tag = "Operate",
    responses((status = 204, description = "All of it is on disk"), Problems<503>)
)]
pub(super) async fn post(State(shared): State<Arc<Shared>>) -> Result<StatusCode, Problem> {
    blocking(&shared.hub, Hub::prepare_backup).await
}

/// Removes that copy, when the data folder has been copied.
#[utoipa::path(
    delete,
    path = "/v1/backup",
    tag = "Operate",
    responses((status = 204, description = "There is no copy any more"), Problems<503>)
)]
pub(super) async fn delete(State(shared): State<Arc<Shared>>) -> Result<StatusCode, Problem> {
    blocking(&shared.hub, Hub::finish_backup).await
}

/// Waits for the disk on a thread that may.
async fn blocking(
    hub: &Arc<Hub>,
    work: impl FnOnce(&Hub) -> Result<(), HubError> + Send + 'static,
) -> Result<StatusCode, Problem> {
    let hub = Arc::clone(hub);
    match tokio::task::spawn_blocking(move || work(&hub)).await {
        Ok(outcome) => Ok(outcome.map(|()| StatusCode::NO_CONTENT)?),
        Err(_) => Err(Problem::new(
            Kind::Internal,
            "the backup was not prepared; the log says why",
        )),
    }
}
