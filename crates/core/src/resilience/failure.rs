//! How a call failed, and what follows from it.

use super::breaker::Outcome;
use crate::Error;
use crate::time::length;

/// How a call ended that did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// No answer in time.
    Timeout,
    /// No connection, or one that broke.
    Connection,
    /// An answer with this HTTP status.
    Status {
        /// Such as 503.
        code: u16,
        /// What `Retry-After` asked for, in microseconds.
        retry_after_us: Option<i64>,
    },
    /// A circuit breaker let no call through.
    Rejected,
    /// Whoever wanted the answer gave up.
    Cancelled,
    /// Anything else, such as an answer that makes no sense.
    Other,
}

impl Failure {
    /// How a breaker counts it. Whoever answers 4xx is alive, a rate limit
    /// included; what never reached the other side says nothing about it.
    pub fn outcome(self) -> Outcome {
        match self {
            Self::Timeout | Self::Connection | Self::Other => Outcome::Failure,
            Self::Status { code, .. } if code >= 500 => Outcome::Failure,
            Self::Status { .. } => Outcome::Excluded,
            Self::Rejected | Self::Cancelled => Outcome::Cancelled,
        }
    }

    /// The least wait before the same call may succeed, in microseconds;
    /// `None` where repeating it is no use. Only time-outs, broken connections,
    /// 5xx and 429 with `Retry-After` are worth another attempt.
    pub(super) fn least_wait_us(self) -> Result<Option<u64>, Error> {
        match self {
            Self::Timeout | Self::Connection => Ok(Some(0)),
            Self::Status {
                code,
                retry_after_us,
            } => {
                let asked_us = retry_after_us
                    .map(|asked_us| length("retry-after", asked_us, true))
                    .transpose()?;
                Ok(match code {
                    500..=599 => Some(asked_us.unwrap_or(0)),
                    429 => asked_us,
                    _ => None,
                })
            }
            Self::Rejected | Self::Cancelled | Self::Other => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(code: u16, retry_after_us: Option<i64>) -> Failure {
        Failure::Status {
            code,
            retry_after_us,
        }
    }

    #[test]
    fn what_is_retried_and_what_counts() {
        use Outcome::{Cancelled, Excluded, Failure as Counts};
        for (failure, least_wait_us, outcome) in [
            (Failure::Timeout, Some(0), Counts),
            (Failure::Connection, Some(0), Counts),
            (status(500, None), Some(0), Counts),
            (status(503, Some(7)), Some(7), Counts),
            (status(599, None), Some(0), Counts),
            (status(600, None), None, Counts),
            (status(429, None), None, Excluded),
            (status(429, Some(9)), Some(9), Excluded),
            (status(400, None), None, Excluded),
            (status(401, Some(9)), None, Excluded),
            (status(403, None), None, Excluded),
            (status(404, None), None, Excluded),
            (status(408, None), None, Excluded),
            (Failure::Rejected, None, Cancelled),
            (Failure::Cancelled, None, Cancelled),
            (Failure::Other, None, Counts),
        ] {
            assert_eq!(failure.least_wait_us(), Ok(least_wait_us), "{failure:?}");
            assert_eq!(failure.outcome(), outcome, "{failure:?}");
        }
    }

    #[test]
    fn a_nonsense_retry_after_is_refused() {
        for asked_us in [-1, i64::MIN, i64::MAX] {
            let refused = status(503, Some(asked_us)).least_wait_us();
            assert!(matches!(refused, Err(Error::InvalidArgument(_))));
        }
    }
}
