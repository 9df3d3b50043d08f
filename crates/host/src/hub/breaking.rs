//! Circuit breakers for calls that other programs make, and when they may try
//! again.
//!
//! Whether a call may start, how its end counts and how long to wait is the
//! optimizer's to say. Here names become its numbers; after a trap all breakers
//! are forgotten, and so closed.

use std::collections::HashMap;
use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;
use weirhouse_runner::wit::resilience::{
    Admission, BreakerSettings, BreakerState, BreakerStatus, Failure, Outcome, RetrySettings,
};
use weirhouse_runner::wit::types::Instant;

use super::cache::{length, micros};
use super::engine::Engine;
use super::{Hub, HubError};

/// Breakers by name: as the instance numbers them, and what they were asked to
/// be.
#[derive(Debug, Default)]
pub(super) struct Breakers(HashMap<Box<str>, (u32, BreakerWish)>);

impl Breakers {
    /// The instance was replaced.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }
}

/// What a breaker is asked to be; `None` as it is, or by default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BreakerWish {
    /// Failures in a row that open it.
    pub failures: Option<u32>,
    /// How long it stays open.
    pub open: Option<Duration>,
    /// Successful probes in a row that close it.
    pub successes: Option<u32>,
}

/// Whether a call may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admitted {
    /// It may; its end is told with this permit.
    Yes(u64),
    /// Not for this long; `None` while a probe is under way.
    No(Option<Duration>),
}

/// How a call ended.
#[derive(Debug, Clone, Copy)]
pub enum Ended {
    /// It worked.
    Success,
    /// It failed like this, at this attempt, counted from 1.
    Failure(Failure, u32),
}

/// When calls are tried again; `None` by default.
#[derive(Debug, Clone, Copy, Default)]
pub struct RetryWish {
    /// Attempts in all.
    pub attempts: Option<u32>,
    /// The delay before the second.
    pub initial: Option<Duration>,
    /// The longest delay, unless the first is longer.
    pub cap: Option<Duration>,
}

/// What is known of a breaker.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Breaker {
    /// Its name.
    pub name: String,
    /// `closed`: calls pass. `open`: none does. `half-open`: one at a time does,
    /// as a probe
    pub state: &'static str,
    /// Failures in a row while closed.
    pub failures: u32,
    /// Successful probes in a row while half-open.
    pub successes: u32,
    /// Seconds until it lets a probe through, while it is open.
    pub probe_in_s: Option<f64>,
    /// How often it opened.
    pub opened: u64,
    /// Calls it did not let through.
    pub rejected: u64,
}

impl Breaker {
    fn of(name: String, status: &BreakerStatus) -> Self {
        Self {
            name,
            state: match status.state {
                BreakerState::Closed => "closed",
                BreakerState::Open => "open",
                BreakerState::HalfOpen => "half-open",
            },
            failures: status.failures,
            successes: status.successes,
            probe_in_s: status.retry_in.map(|wait| micros(wait).as_secs_f64()),
            opened: status.opened,
            rejected: status.rejected,
        }
    }
}

impl Engine {
    /// The number of a breaker, which is made if there is none, and what it is
    /// asked to be.
    fn breaker(&mut self, now: Instant, name: &str, wish: BreakerWish) -> Result<u32, HubError> {
        let known = self.breakers.0.get(name).copied();
        let before = known.map(|(_, before)| before).unwrap_or_default();
        let wish = BreakerWish {
            failures: wish.failures.or(before.failures),
            open: wish.open.or(before.open),
            successes: wish.successes.or(before.successes),
        };
        if let Some((number, _)) = known.filter(|_| wish == before) {
            return Ok(number);
        }
        let number = self.call(now, |core| {
            let default = core.breaker_defaults()?;
            let settings = BreakerSettings {
                failures: wish.failures.unwrap_or(default.failures),
                open: wish.open.map_or(default.open, length),
                successes: wish.successes.unwrap_or(default.successes),
            };
            core.breaker_open(name, settings)
        })?;
        self.breakers.0.insert(name.into(), (number, wish));
        Ok(number)
    }
}

impl Hub {
    /// Asks whether a call may be made.
    ///
    /// # Errors
    /// When the optimizer refuses the name or what the breaker is asked to be.
    pub fn breaker_admit(&self, name: &str, wish: BreakerWish) -> Result<Admitted, HubError> {
        let now = self.clock.now();
        self.with_engine(|engine| {
            let number = engine.breaker(now, name, wish)?;
            let admission = engine.call(now, |core| core.breaker_admit(now, number))?;
            Ok(match admission {
                Admission::Admitted(permit) => Admitted::Yes(permit),
                Admission::Rejected(wait) => Admitted::No(wait.map(micros)),
            })
        })
    }

    /// Tells how a call ended that was made with a permit. Gives what is known
    /// of the breaker then, and after what delay to try again, if at all;
    /// `None` where there is no such breaker.
    ///
    /// # Errors
    /// When the optimizer refuses how it is to be tried again.
    pub fn breaker_report(
        &self,
        name: &str,
        permit: u64,
        ended: Ended,
        retry: RetryWish,
    ) -> Result<Option<(Breaker, Option<Duration>)>, HubError> {
        let now = self.clock.now();
        self.with_engine(|engine| {
            let Some((number, _)) = engine.breakers.0.get(name).copied() else {
                return Ok(None);
            };
            let (status, wait) = engine.call(now, |core| {
                let (outcome, wait) = match ended {
                    Ended::Success => (Outcome::Success, None),
                    Ended::Failure(failure, attempt) => {
                        let default = core.retry_defaults()?;
                        let initial = retry.initial.map_or(default.initial, length);
                        let settings = RetrySettings {
                            attempts: retry.attempts.unwrap_or(default.attempts),
                            initial,
                            cap: retry.cap.map_or(default.cap, length).max(initial),
                            ..default
                        };
                        let seed = fastrand::u64(..);
                        let wait = core.retry_wait(settings, failure, attempt, seed)?;
                        (core.outcome_of(failure)?, wait)
                    }
                };
                let status = core.breaker_report(now, number, permit, outcome)?;
                Ok((status, wait))
            })?;
            Ok(Some((
                Breaker::of(name.to_owned(), &status),
                wait.map(micros),
            )))
        })
    }

    /// All breakers, by name.
    ///
    /// # Errors
    /// When the optimizer does not answer.
    pub fn breakers(&self) -> Result<Vec<Breaker>, HubError> {
        let now = self.clock.now();
        self.with_engine(|engine| {
            engine.call(now, |core| {
                let mut known = core.breakers()?;
                known.sort_by(|(_, one), (_, other)| one.cmp(other));
                let told = known.into_iter().map(|(number, name)| {
                    let status = core.breaker_status(now, number)?;
                    Ok(Breaker::of(name, &status))
                });
                told.collect()
            })
        })
    }

    /// Forgets a breaker, and with it that it was open. Says whether there was
    /// one.
    ///
    /// # Errors
    /// When the optimizer does not answer.
    pub fn breaker_forget(&self, name: &str) -> Result<bool, HubError> {
        let now = self.clock.now();
        self.with_engine(|engine| {
            let Some((number, _)) = engine.breakers.0.remove(name) else {
                return Ok(false);
            };
            engine.call(now, |core| core.breaker_release(number))?;
            Ok(true)
        })
    }
}
