//! Runs the optimizer as a WebAssembly component: one engine, limits on every
//! instance, a deadline on every call, and a fresh instance after a trap.
//!
//! This is the only crate that knows wasmtime. It has no policy, no clock of
//! the optimizer's and no opinion on what the answers mean; it does not compile
//! WebAssembly either, unless built with the feature `compile`.
//!
//! ```no_run
//! use weirhouse_runner::operations::Clock;
//! use weirhouse_runner::{Component, Engine, wit::types::Instant};
//!
//! let engine = Engine::new()?;
//! let mut core = Component::load(&engine, "weirhouse-core.cwasm".as_ref())?;
//! let now = Instant { mono: 0, wall: 0 };
//! core.flush(now)?;
//! let next = core.tick(now)?;
//! # let _ = next;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod artifact;
mod component;
mod engine;
mod fault;
mod limiter;
pub mod limits;
pub mod operations;
pub mod plugin;
mod reason;
pub mod wit;

#[cfg(feature = "compile")]
pub use artifact::compile;
pub use component::Component;
pub use engine::Engine;
pub use fault::{Fault, LoadError, TrapCause};
pub use operations::Optimizer;
pub use reason::{PUBLISH, Reason};
