//! Breakers, retries and time-outs.

use super::operations;
use crate::wit::resilience::{
    Admission, BreakerSettings, BreakerStatus, Failure, Outcome, RetrySettings, Timeouts,
};
use crate::wit::types::Instant;

operations! {
    /// The interface `resilience`.
    trait Resilience;

    plain breaker_defaults() -> BreakerSettings = weirhouse_core_resilience.call_default_breaker;
    fallible breaker_open(name: &str, settings: BreakerSettings) -> u32 = weirhouse_core_resilience.call_open_breaker;
    fallible breaker_release(breaker: u32) -> () = weirhouse_core_resilience.call_release_breaker;
    plain breakers() -> Vec<(u32, String)> = weirhouse_core_resilience.call_breakers;
    fallible breaker_admit(now: Instant, breaker: u32) -> Admission = weirhouse_core_resilience.call_admit;
    fallible breaker_report(now: Instant, breaker: u32, permit: u64, outcome: Outcome) -> BreakerStatus
        = weirhouse_core_resilience.call_report;
    fallible breaker_reset(breaker: u32) -> () = weirhouse_core_resilience.call_reset_breaker;
    fallible breaker_status(now: Instant, breaker: u32) -> BreakerStatus = weirhouse_core_resilience.call_status;

    plain outcome_of(failure: Failure) -> Outcome = weirhouse_core_resilience.call_outcome_of;
    plain retry_defaults() -> RetrySettings = weirhouse_core_resilience.call_default_retry;
    fallible retry_wait(settings: RetrySettings, failure: Failure, attempt: u32, seed: u64) -> Option<i64>
        = weirhouse_core_resilience.call_retry_wait;
    fallible retry_delays(settings: RetrySettings, count: u32, seed: Option<u64>) -> Vec<i64>
        = weirhouse_core_resilience.call_delays;
    plain default_timeouts() -> Timeouts = weirhouse_core_resilience.call_default_timeouts;
}
