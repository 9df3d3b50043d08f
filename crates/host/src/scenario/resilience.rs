//! Breakers and retries.

use std::collections::BTreeMap;

use serde::Serialize;
use weirhouse_runner::wit::resilience::{
    Admission, BreakerState, Failure as Failed, HttpStatus, Outcome as Ended,
};

use super::flow_arguments::{Attempt, Begin, BreakerName, Delays, End, Failure, RetryWait};
use super::micros::Micros;
use super::output::{Outcome, Problem, answer, ok};
use super::session::Session;
use super::settings::whole;

/// Calls under way: their breaker and permit, by the name the file gave them.
pub(super) type UnderWay = BTreeMap<String, (u32, u64)>;

#[derive(Serialize)]
struct Attempted {
    result: &'static str,
    state: &'static str,
}

#[derive(Serialize)]
struct Status {
    state: &'static str,
    failures: u32,
    successes: u32,
    retry_in: Option<Micros>,
    opened: u64,
    rejected: u64,
}

#[derive(Serialize)]
struct Wait {
    wait: Option<Micros>,
}

impl Session<'_> {
    /// A call that begins and ends at once.
    pub(super) fn attempt(&mut self, arguments: &Attempt) -> Outcome {
        let (outcome, result) = ended(&arguments.outcome)?;
        let breaker = self.breaker(&arguments.breaker)?;
        let now = self.now();
        let Admission::Admitted(permit) = self.optimizer.breaker_admit(now, breaker)? else {
            return self.attempted("rejected", breaker);
        };
        self.optimizer
            .breaker_report(now, breaker, permit, outcome)?;
        self.attempted(result, breaker)
    }

    pub(super) fn begin(&mut self, arguments: Begin) -> Outcome {
        if self.under_way.contains_key(&arguments.call) {
            return Err(Problem::invalid(format!(
                "call \"{}\" is under way already; `end` it first",
                arguments.call
            )));
        }
        let breaker = self.breaker(&arguments.breaker)?;
        let now = self.now();
        let Admission::Admitted(permit) = self.optimizer.breaker_admit(now, breaker)? else {
            return self.attempted("rejected", breaker);
        };
        self.under_way.insert(arguments.call, (breaker, permit));
        self.attempted("admitted", breaker)
    }

    pub(super) fn end(&mut self, arguments: &End) -> Outcome {
        let (outcome, result) = ended(&arguments.outcome)?;
        let Some((breaker, permit)) = self.under_way.remove(&arguments.call) else {
            return Err(Problem::invalid(format!(
                "no call \"{}\" is under way; `begin` one",
                arguments.call
            )));
        };
        let now = self.now();
        self.optimizer
            .breaker_report(now, breaker, permit, outcome)?;
        self.attempted(result, breaker)
    }

    fn attempted(&mut self, result: &'static str, breaker: u32) -> Outcome {
        let now = self.now();
        let status = self.optimizer.breaker_status(now, breaker)?;
        let state = name(status.state);
        answer(&Attempted { result, state })
    }

    pub(super) fn breaker_status(&mut self, arguments: &BreakerName) -> Outcome {
        let breaker = self.breaker(&arguments.breaker)?;
        let now = self.now();
        let status = self.optimizer.breaker_status(now, breaker)?;
        answer(&Status {
            state: name(status.state),
            failures: status.failures,
            successes: status.successes,
            retry_in: status.retry_in.map(Micros),
            opened: status.opened,
            rejected: status.rejected,
        })
    }

    pub(super) fn reset_breaker(&mut self, arguments: &BreakerName) -> Outcome {
        let breaker = self.breaker(&arguments.breaker)?;
        self.optimizer.breaker_reset(breaker)?;
        ok()
    }

    /// The number of a breaker, made if there is none of that name.
    fn breaker(&mut self, name: &str) -> Result<u32, Problem> {
        let settings = self.settings.breaker;
        Ok(self.optimizer.breaker_open(name, settings)?)
    }

    pub(super) fn delays(&mut self, arguments: &Delays) -> Outcome {
        let count = whole("count", arguments.count)?;
        let seed = arguments.jitter.then_some(arguments.seed);
        let delays = self
            .optimizer
            .retry_delays(self.settings.retry, count, seed)?;
        answer(&delays.into_iter().map(Micros).collect::<Vec<_>>())
    }

    /// How long to wait before the next attempt; null gives up.
    pub(super) fn retry(&mut self, arguments: &RetryWait) -> Outcome {
        let attempt = whole("attempt", arguments.attempt)?;
        let retry_after = arguments.retry_after.map(|Micros(us)| us);
        let failure = match &arguments.failure {
            Failure::Status(code) => Failed::Http(HttpStatus {
                code: *code,
                retry_after,
            }),
            Failure::Named(name) => match name.as_str() {
                "timeout" => Failed::Timeout,
                "connection" => Failed::Connection,
                "rejected" => Failed::Rejected,
                "cancelled" => Failed::Cancelled,
                "other" => Failed::Other,
                _ => {
                    return Err(Problem::invalid(format!(
                        "`failure` is \"{name}\"; it is a status, timeout, connection, rejected, cancelled or other"
                    )));
                }
            },
        };
        let wait =
            self.optimizer
                .retry_wait(self.settings.retry, failure, attempt, arguments.seed)?;
        answer(&Wait {
            wait: wait.map(Micros),
        })
    }
}

/// An outcome, and the word that answers it.
fn ended(outcome: &str) -> Result<(Ended, &'static str), Problem> {
    Ok(match outcome {
        "ok" => (Ended::Success, "ok"),
        "fail" => (Ended::Failure, "fail"),
        "excluded" => (Ended::Excluded, "excluded"),
        "cancel" => (Ended::Cancelled, "cancelled"),
        _ => {
            return Err(Problem::invalid(format!(
                "`outcome` is \"{outcome}\"; it is ok, fail, excluded or cancel"
            )));
        }
    })
}

fn name(state: BreakerState) -> &'static str {
    match state {
        BreakerState::Closed => "closed",
        BreakerState::Open => "open",
        BreakerState::HalfOpen => "half-open",
    }
}
