//! The core compiled natively, behind the same traits as the component: the
//! reference that the component must equal in every answer.
//!
//! This module translates types and decides nothing.

mod advice;
mod cache;
mod cache_key;
mod clock;
mod context;
mod delivery;
mod entities;
mod fetch;
mod filter;
mod flow;
mod learning;
mod metrics;
mod removals;
mod resilience;
mod schedule;
mod selection;
mod shaping;
mod state;
mod updates;

pub(crate) use updates::rule;
use weirhouse_core as core;
use weirhouse_runner::Fault;
use weirhouse_runner::wit::types::{Error, Instant};

type Answer<T> = Result<T, Fault>;

/// One native optimizer.
#[derive(Default)]
pub struct Native(core::Optimizer);

impl Native {
    /// An optimizer that knows nothing.
    pub fn new() -> Self {
        Self::default()
    }
}

fn instant(now: Instant) -> core::Instant {
    core::Instant {
        mono_us: now.mono,
        wall_us: now.wall,
    }
}

fn refused(error: core::Error) -> Fault {
    Fault::Refused(match error {
        core::Error::InvalidArgument(text) => Error::InvalidArgument(text),
        core::Error::UnknownHandle(handle) => Error::UnknownHandle(handle),
        core::Error::Unsupported(text) => Error::Unsupported(text),
        core::Error::TooLarge(text) => Error::TooLarge(text),
        core::Error::Incompatible(text) => Error::Incompatible(text),
        core::Error::Other(text) => Error::Other(text),
    })
}
