//! All policy of Weirhouse: what to keep, what to pass on, when to ask again.
//!
//! [`Optimizer`] is a state machine in the sans-I/O style. It is told what
//! happened ([`Optimizer::observe_texts`], [`cache::Cache::put`], …) and what
//! time it is; it answers at once, or hands out what became due through its
//! `poll_*` methods after [`Optimizer::tick`]. [`Optimizer::next_deadline`] says
//! when that is worth calling.
//!
//! There is no clock here, no randomness, no thread, file, socket or log, and
//! nothing that depends on the machine: equal calls give equal answers, natively
//! and as a WebAssembly component.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod batch;
pub mod cache;
pub mod context;
mod decimal;
pub mod delivery;
mod entities;
mod error;
pub mod filter;
pub mod flow;
mod glob;
pub mod metrics;
mod optimizer;
mod preset;
pub mod reading;
pub mod resilience;
pub mod rule;
pub mod schedule;
pub mod selection;
pub mod shaping;
pub mod significance;
mod slots;
mod snapshot;
mod sort;
mod table;
mod time;

pub use entities::{Facts, Series};
pub use error::Error;
pub use optimizer::{Due, Opinions, Optimizer, Override};
pub use snapshot::Restored;
pub use time::{Instant, Now, length};
