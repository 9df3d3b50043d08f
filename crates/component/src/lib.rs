//! The core behind its WIT world: every export forwards to one method of
//! [`weirhouse_core::Optimizer`].
//!
//! This crate translates types and decides nothing. One instance of the
//! component holds one optimizer; it imports nothing, so its only clock is the
//! `instant` each call carries.

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
#[cfg(feature = "fault-injection")]
mod injected;
mod learning;
mod metrics;
mod removals;
mod resilience;
mod schedule;
mod selection;
mod shaping;
mod state;
mod types;
mod updates;

#[allow(
    unsafe_code,
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic
)]
mod wit {
    wit_bindgen::generate!({
        path: "../../wit/core",
        world: "optimizer",
        generate_all,
    });

    export!(Component);

    use super::Component;
}

use std::sync::{LazyLock, Mutex, PoisonError};

use weirhouse_core::Optimizer;

/// The exporter of all interfaces; the state is one per instance.
pub(crate) struct Component;

static OPTIMIZER: LazyLock<Mutex<Optimizer>> = LazyLock::new(Mutex::default);

/// Runs one call against the instance's optimizer. A panic traps and ends the
/// instance, so a poisoned lock is never met.
pub(crate) fn with<T>(call: impl FnOnce(&mut Optimizer) -> T) -> T {
    call(&mut OPTIMIZER.lock().unwrap_or_else(PoisonError::into_inner))
}
