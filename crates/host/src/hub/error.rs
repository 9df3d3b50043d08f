//! Why the hub could not do what was asked.

use weirhouse_runner::Fault;

use crate::store::{BlobError, StoreError};

/// An operation that failed, with a sentence for whoever asked.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// The optimizer refused or could not answer; [`Fault::code`] says which.
    #[error("{0}")]
    Optimizer(#[from] Fault),
    /// The second cache level could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What was learned could not be read or written.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The writer of the second cache level has ended.
    #[error("the cache on disk has stopped; what was asked for may not be on disk")]
    StoreEnded,
}

impl HubError {
    /// A stable word for the kind of failure.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Optimizer(fault) => fault.code(),
            Self::Store(_) | Self::Blob(_) | Self::StoreEnded => "storage",
        }
    }
}
