//! Breakers, retries and time-outs.

use weirhouse_core::resilience as core;

use crate::wit::exports::weirhouse::core::resilience::{
    Admission, BreakerSettings, BreakerState, BreakerStatus, Error, Failure, Guest, Instant,
    Outcome, RetrySettings, Timeouts,
};
use crate::{Component, with};

impl Guest for Component {
    fn default_breaker() -> BreakerSettings {
        let defaults = core::BreakerSettings::default();
        BreakerSettings {
            failures: defaults.failures,
            open: defaults.open_us,
            successes: defaults.successes,
        }
    }

    fn open_breaker(name: String, settings: BreakerSettings) -> Result<u32, Error> {
        let settings = core::BreakerSettings {
            failures: settings.failures,
            open_us: settings.open,
            successes: settings.successes,
        };
        Ok(with(|optimizer| optimizer.breakers.open(&name, settings))?)
    }

    fn release_breaker(breaker: u32) -> Result<(), Error> {
        Ok(with(|optimizer| optimizer.breakers.release(breaker))?)
    }

    fn breakers() -> Vec<(u32, String)> {
        with(|optimizer| {
            let names = optimizer.breakers.names();
            names
                .map(|(number, name)| (number, name.to_owned()))
                .collect()
        })
    }

    fn admit(now: Instant, breaker: u32) -> Result<Admission, Error> {
        let admission = with(|optimizer| {
            optimizer.try_at(now.into(), |optimizer, now| {
                optimizer.breakers.admit(now, breaker)
            })
        })?;
        Ok(match admission {
            Ok(permit) => Admission::Admitted(permit),
            Err(rejected) => Admission::Rejected(rejected.retry_in_us.map(u64::cast_signed)),
        })
    }

    fn report(
        now: Instant,
        breaker: u32,
        permit: u64,
        outcome: Outcome,
    ) -> Result<BreakerStatus, Error> {
        let outcome = match outcome {
            Outcome::Success => core::Outcome::Success,
            Outcome::Failure => core::Outcome::Failure,
            Outcome::Excluded => core::Outcome::Excluded,
            Outcome::Cancelled => core::Outcome::Cancelled,
        };
        let status = with(|optimizer| {
            optimizer.try_at(now.into(), |optimizer, now| {
                optimizer.breakers.report(now, breaker, permit, outcome)
            })
        })?;
        Ok(status.into())
    }

    fn reset_breaker(breaker: u32) -> Result<(), Error> {
        Ok(with(|optimizer| optimizer.breakers.reset(breaker))?)
    }

    fn status(now: Instant, breaker: u32) -> Result<BreakerStatus, Error> {
        let status = with(|optimizer| {
            optimizer.try_at(now.into(), |optimizer, now| {
                optimizer.breakers.status(now, breaker)
            })
        })?;
        Ok(status.into())
    }

    fn outcome_of(failure: Failure) -> Outcome {
        match core::Failure::from(failure).outcome() {
            core::Outcome::Success => Outcome::Success,
            core::Outcome::Failure => Outcome::Failure,
            core::Outcome::Excluded => Outcome::Excluded,
            core::Outcome::Cancelled => Outcome::Cancelled,
        }
    }

    fn default_retry() -> RetrySettings {
        let defaults = core::RetrySettings::default();
        RetrySettings {
            attempts: defaults.attempts,
            initial: defaults.initial_us,
            base: defaults.base,
            cap: defaults.cap_us,
            jitter: defaults.jitter,
        }
    }

    fn retry_wait(
        settings: RetrySettings,
        failure: Failure,
        attempt: u32,
        seed: u64,
    ) -> Result<Option<i64>, Error> {
        let retry = core::Retry::check(settings.into())?;
        let wait_us = retry.wait_us(failure.into(), attempt, seed)?;
        Ok(wait_us.map(u64::cast_signed))
    }

    fn delays(settings: RetrySettings, count: u32, seed: Option<u64>) -> Result<Vec<i64>, Error> {
        let delays_us = core::Retry::check(settings.into())?.first_us(count, seed)?;
        Ok(delays_us.into_iter().map(u64::cast_signed).collect())
    }

    fn default_timeouts() -> Timeouts {
        Timeouts {
            home_assistant: core::HOME_ASSISTANT_TIMEOUT_US.cast_signed(),
            upstream: core::UPSTREAM_TIMEOUT_US.cast_signed(),
            request: core::REQUEST_TIMEOUT_US.cast_signed(),
        }
    }
}

impl From<core::Status> for BreakerStatus {
    fn from(status: core::Status) -> Self {
        Self {
            state: match status.state {
                core::State::Closed => BreakerState::Closed,
                core::State::Open => BreakerState::Open,
                core::State::HalfOpen => BreakerState::HalfOpen,
            },
            failures: status.failures,
            successes: status.successes,
            retry_in: status.retry_in_us.map(u64::cast_signed),
            opened: status.opened,
            rejected: status.rejected,
        }
    }
}

impl From<Failure> for core::Failure {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Timeout => Self::Timeout,
            Failure::Connection => Self::Connection,
            Failure::Http(status) => Self::Status {
                code: status.code,
                retry_after_us: status.retry_after,
            },
            Failure::Rejected => Self::Rejected,
            Failure::Cancelled => Self::Cancelled,
            Failure::Other => Self::Other,
        }
    }
}

impl From<RetrySettings> for core::RetrySettings {
    fn from(settings: RetrySettings) -> Self {
        Self {
            attempts: settings.attempts,
            initial_us: settings.initial,
            base: settings.base,
            cap_us: settings.cap,
            jitter: settings.jitter,
        }
    }
}
