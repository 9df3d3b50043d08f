//! Breakers, retries and time-outs.

use weirhouse_core::resilience as core;
use weirhouse_runner::operations::Resilience;
use weirhouse_runner::wit::resilience::{
    Admission, BreakerSettings, BreakerState, BreakerStatus, Failure, Outcome, RetrySettings,
    Timeouts,
};
use weirhouse_runner::wit::types::Instant;

use super::{Answer, Native, instant, refused};

impl Resilience for Native {
    fn breaker_defaults(&mut self) -> Answer<BreakerSettings> {
        let defaults = core::BreakerSettings::default();
        Ok(BreakerSettings {
            failures: defaults.failures,
            open: defaults.open_us,
            successes: defaults.successes,
        })
    }

    fn breaker_open(&mut self, name: &str, settings: BreakerSettings) -> Answer<u32> {
        let settings = core::BreakerSettings {
            failures: settings.failures,
            open_us: settings.open,
            successes: settings.successes,
        };
        self.0.breakers.open(name, settings).map_err(refused)
    }

    fn breaker_release(&mut self, breaker: u32) -> Answer<()> {
        self.0.breakers.release(breaker).map_err(refused)
    }

    fn breakers(&mut self) -> Answer<Vec<(u32, String)>> {
        let names = self.0.breakers.names();
        Ok(names
            .map(|(number, name)| (number, name.to_owned()))
            .collect())
    }

    fn breaker_admit(&mut self, now: Instant, breaker: u32) -> Answer<Admission> {
        let admission = self.0.try_at(instant(now), |optimizer, now| {
            optimizer.breakers.admit(now, breaker)
        });
        Ok(match admission.map_err(refused)? {
            Ok(permit) => Admission::Admitted(permit),
            Err(rejected) => Admission::Rejected(rejected.retry_in_us.map(u64::cast_signed)),
        })
    }

    fn breaker_report(
        &mut self,
        now: Instant,
        breaker: u32,
        permit: u64,
        outcome: Outcome,
    ) -> Answer<BreakerStatus> {
        let outcome = match outcome {
            Outcome::Success => core::Outcome::Success,
            Outcome::Failure => core::Outcome::Failure,
            Outcome::Excluded => core::Outcome::Excluded,
            Outcome::Cancelled => core::Outcome::Cancelled,
        };
        let status = self.0.try_at(instant(now), |optimizer, now| {
            optimizer.breakers.report(now, breaker, permit, outcome)
        });
        status.map(status_of).map_err(refused)
    }

    fn breaker_reset(&mut self, breaker: u32) -> Answer<()> {
        self.0.breakers.reset(breaker).map_err(refused)
    }

    fn breaker_status(&mut self, now: Instant, breaker: u32) -> Answer<BreakerStatus> {
        let status = self.0.try_at(instant(now), |optimizer, now| {
            optimizer.breakers.status(now, breaker)
        });
        status.map(status_of).map_err(refused)
    }

    fn outcome_of(&mut self, failure: Failure) -> Answer<Outcome> {
        Ok(match native_failure(failure).outcome() {
            core::Outcome::Success => Outcome::Success,
            core::Outcome::Failure => Outcome::Failure,
            core::Outcome::Excluded => Outcome::Excluded,
            core::Outcome::Cancelled => Outcome::Cancelled,
        })
    }

    fn retry_defaults(&mut self) -> Answer<RetrySettings> {
        let defaults = core::RetrySettings::default();
        Ok(RetrySettings {
            attempts: defaults.attempts,
            initial: defaults.initial_us,
            base: defaults.base,
            cap: defaults.cap_us,
            jitter: defaults.jitter,
        })
    }

    fn retry_wait(
        &mut self,
        settings: RetrySettings,
        failure: Failure,
        attempt: u32,
        seed: u64,
    ) -> Answer<Option<i64>> {
        let wait_us = retry(settings)?
            .wait_us(native_failure(failure), attempt, seed)
            .map_err(refused)?;
        Ok(wait_us.map(u64::cast_signed))
    }

    fn retry_delays(
        &mut self,
        settings: RetrySettings,
        count: u32,
        seed: Option<u64>,
    ) -> Answer<Vec<i64>> {
        let delays_us = retry(settings)?.first_us(count, seed).map_err(refused)?;
        Ok(delays_us.into_iter().map(u64::cast_signed).collect())
    }

    fn default_timeouts(&mut self) -> Answer<Timeouts> {
        Ok(Timeouts {
            home_assistant: core::HOME_ASSISTANT_TIMEOUT_US.cast_signed(),
            upstream: core::UPSTREAM_TIMEOUT_US.cast_signed(),
            request: core::REQUEST_TIMEOUT_US.cast_signed(),
        })
    }
}

fn status_of(status: core::Status) -> BreakerStatus {
    BreakerStatus {
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

fn native_failure(failure: Failure) -> core::Failure {
    match failure {
        Failure::Timeout => core::Failure::Timeout,
        Failure::Connection => core::Failure::Connection,
        Failure::Http(status) => core::Failure::Status {
            code: status.code,
            retry_after_us: status.retry_after,
        },
        Failure::Rejected => core::Failure::Rejected,
        Failure::Cancelled => core::Failure::Cancelled,
        Failure::Other => core::Failure::Other,
    }
}

fn retry(settings: RetrySettings) -> Answer<core::Retry> {
    core::Retry::check(core::RetrySettings {
        attempts: settings.attempts,
        initial_us: settings.initial,
        base: settings.base,
        cap_us: settings.cap,
        jitter: settings.jitter,
    })
    .map_err(refused)
}
