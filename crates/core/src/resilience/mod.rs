//! Living with what fails: circuit breakers, retries and time-outs.
//!
//! The host makes the calls and measures them; what is decided here is whether
//! one may start, how its end counts, and when to try again. Which requests are
//! safe to repeat is the caller's knowledge, not this module's.

mod breaker;
mod breakers;
mod failure;
mod retry;

pub use breaker::{BreakerSettings, Outcome, Permit, Rejected, State, Status};
pub use breakers::Breakers;
pub use failure::Failure;
pub use retry::{Retry, RetrySettings};

/// How long a call to Home Assistant may take, in microseconds.
pub const HOME_ASSISTANT_TIMEOUT_US: u64 = 10_000_000;

/// How long a call to any other source may take, in microseconds.
pub const UPSTREAM_TIMEOUT_US: u64 = 15_000_000;

/// How long a client's request may take with all that it causes, retries
/// included, in microseconds.
pub const REQUEST_TIMEOUT_US: u64 = 120_000_000;
