//! One circuit breaker: it stops calls to what keeps failing, and lets single
//! probes find out when that is over.
//!
//! ```text
//!          failures in a row                    successes in a row
//! closed ───────────────────▶ open ──time──▶ half-open ──────────▶ closed
//!                               ▲                │
//!                               └────a failure───┘
//! ```
//!
//! Time alone takes it from open to half-open, seen by whoever asks next; there
//! is no timer to wait for.

use alloc::format;

use crate::Error;
use crate::time::length;

/// When a breaker opens and closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerSettings {
    /// Failures in a row that open it, at least 1.
    pub failures: u32,
    /// How long it stays open, in microseconds.
    pub open_us: i64,
    /// Successful probes in a row that close it, at least 1.
    pub successes: u32,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            failures: 5,
            open_us: 60_000_000,
            successes: 2,
        }
    }
}

impl BreakerSettings {
    /// Checks the settings; gives the time open in microseconds.
    fn check(self) -> Result<u64, Error> {
        for (name, count) in [("failures", self.failures), ("successes", self.successes)] {
            if count == 0 {
                return Err(Error::InvalidArgument(format!(
                    "{name} must be at least 1, not 0"
                )));
            }
        }
        length("open", self.open_us, false)
    }
}

/// Whether calls pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// All do.
    Closed,
    /// None does.
    Open,
    /// One at a time does, as a probe.
    HalfOpen,
}

/// How a call that was let through ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It worked.
    Success,
    /// It failed in a way that speaks against the other side.
    Failure,
    /// It failed, and counts as neither: the caller was wrong, or too fast.
    Excluded,
    /// Nobody waited for its end; it counts as neither.
    Cancelled,
}

/// What a call that was let through shows when it ends.
pub type Permit = u64;

/// A call was not let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rejected {
    /// Until a probe will be let through, in microseconds; `None` while one is
    /// under way, which decides.
    pub retry_in_us: Option<u64>,
}

/// What is known of a breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// Whether calls pass.
    pub state: State,
    /// Failures in a row while closed.
    pub failures: u32,
    /// Successful probes in a row while half-open.
    pub successes: u32,
    /// Until it lets a probe through, in microseconds, while it is open.
    pub retry_in_us: Option<u64>,
    /// How often it opened.
    pub opened: u64,
    /// Calls it did not let through.
    pub rejected: u64,
}

/// A probe that was not answered for for this long was lost with its host, and
/// its place is free again: no request lasts longer.
const PROBE_LIMIT_US: u64 = super::REQUEST_TIMEOUT_US;

#[derive(Debug, Clone, Copy)]
enum Phase {
    Closed {
        failures: u32,
    },
    Open {
        until_us: u64,
    },
    HalfOpen {
        successes: u32,
        probe: Option<Probe>,
    },
}

/// A call under way that decides.
#[derive(Debug, Clone, Copy)]
struct Probe {
    lost_us: u64,
}

/// The breaker.
#[derive(Debug, Clone)]
pub(super) struct Breaker {
    settings: BreakerSettings,
    open_us: u64,
    phase: Phase,
    /// Given to every call let through, and replaced whenever the phase changes
    /// or a probe starts or ends: only an answer that shows the current one
    /// counts.
    permit: Permit,
    opened: u64,
    rejected: u64,
}

impl Breaker {
    /// A closed one; its permits begin at `permit`.
    pub(super) fn new(settings: BreakerSettings, permit: Permit) -> Result<Self, Error> {
        Ok(Self {
            settings,
            open_us: settings.check()?,
            phase: Phase::Closed { failures: 0 },
            permit,
            opened: 0,
            rejected: 0,
        })
    }

    /// A permit that no call has.
    pub(super) fn next_permit(&self) -> Permit {
        self.permit + 1
    }

    /// Changes when it opens and closes from here on; its state stays, and so
    /// does the end of being open.
    pub(super) fn configure(&mut self, settings: BreakerSettings) -> Result<(), Error> {
        self.open_us = settings.check()?;
        self.settings = settings;
        Ok(())
    }

    /// Asks to make a call.
    pub(super) fn admit(&mut self, now_us: u64) -> Result<Permit, Rejected> {
        self.pass_time(now_us);
        let retry_in_us = match &mut self.phase {
            Phase::Closed { .. } => return Ok(self.permit),
            Phase::HalfOpen { probe, .. } if probe.is_none() => {
                *probe = Some(Probe {
                    lost_us: now_us + PROBE_LIMIT_US,
                });
                self.permit += 1;
                return Ok(self.permit);
            }
            Phase::HalfOpen { .. } => None,
            Phase::Open { until_us } => Some(*until_us - now_us),
        };
        self.rejected += 1;
        Err(Rejected { retry_in_us })
    }

    /// A call ended. One that began before the state changed, or whose probe
    /// was given up, counts no more.
    pub(super) fn report(&mut self, now_us: u64, permit: Permit, outcome: Outcome) {
        self.pass_time(now_us);
        if permit != self.permit {
            return;
        }
        match (&mut self.phase, outcome) {
            (Phase::Closed { failures }, Outcome::Success) => *failures = 0,
            (Phase::Closed { failures }, Outcome::Failure) => {
                *failures += 1;
                if *failures >= self.settings.failures {
                    self.open(now_us);
                }
            }
            (Phase::HalfOpen { successes, probe }, Outcome::Success) => {
                *probe = None;
                *successes += 1;
                if *successes >= self.settings.successes {
                    self.reset();
                } else {
                    self.permit += 1;
                }
            }
            (Phase::HalfOpen { .. }, Outcome::Failure) => self.open(now_us),
            (Phase::HalfOpen { probe, .. }, Outcome::Excluded | Outcome::Cancelled) => {
                *probe = None;
                self.permit += 1;
            }
            (Phase::Closed { .. } | Phase::Open { .. }, _) => {}
        }
    }

    /// Closes it by hand; calls under way count no more.
    pub(super) fn reset(&mut self) {
        self.phase = Phase::Closed { failures: 0 };
        self.permit += 1;
    }

    /// What is known of it.
    pub(super) fn status(&mut self, now_us: u64) -> Status {
        self.pass_time(now_us);
        let closed = Status {
            state: State::Closed,
            failures: 0,
            successes: 0,
            retry_in_us: None,
            opened: self.opened,
            rejected: self.rejected,
        };
        match self.phase {
            Phase::Closed { failures } => Status { failures, ..closed },
            Phase::Open { until_us } => Status {
                state: State::Open,
                retry_in_us: Some(until_us - now_us),
                ..closed
            },
            Phase::HalfOpen { successes, .. } => Status {
                state: State::HalfOpen,
                successes,
                ..closed
            },
        }
    }

    fn open(&mut self, now_us: u64) {
        self.phase = Phase::Open {
            until_us: now_us + self.open_us,
        };
        self.permit += 1;
        self.opened += 1;
    }

    /// Ends being open, and gives up a lost probe, when their time is over.
    fn pass_time(&mut self, now_us: u64) {
        match &mut self.phase {
            Phase::Open { until_us } if *until_us <= now_us => {
                self.phase = Phase::HalfOpen {
                    successes: 0,
                    probe: None,
                };
            }
            Phase::HalfOpen { probe, .. } if probe.is_some_and(|probe| probe.lost_us <= now_us) => {
                *probe = None;
                self.permit += 1;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
