//! Debounce: of calls that follow each other closely only the last runs, when
//! it has been quiet.

use alloc::vec;
use alloc::vec::Vec;

use super::keyed::{Call, Due, Passed, Policy};
use crate::Error;
use crate::time::{length, optional_length};

/// What a burst of calls becomes. A burst is a sequence of calls of one key,
/// each less than `wait_us` after the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DebounceSettings {
    /// The quiet time that ends a burst, in microseconds.
    pub wait_us: i64,
    /// No call waits longer than this, however long the burst; at least
    /// `wait_us`, in microseconds.
    pub max_wait_us: Option<i64>,
    /// The first call of a burst runs at once.
    pub leading: bool,
    /// The last call of a burst runs at its end, unless it ran as the first.
    pub trailing: bool,
}

/// The settings, checked.
#[derive(Debug, Clone)]
pub(super) struct Debounce {
    wait_us: u64,
    max_wait_us: Option<u64>,
    leading: bool,
    trailing: bool,
}

impl Debounce {
    pub(super) fn check(settings: DebounceSettings) -> Result<Self, Error> {
        let wait_us = length("wait", settings.wait_us, false)?;
        let max_wait_us = optional_length("max-wait", settings.max_wait_us)?;
        if max_wait_us.is_some_and(|max_wait_us| max_wait_us < wait_us) {
            return Err(Error::InvalidArgument(
                "max-wait must be at least wait".into(),
            ));
        }
        let DebounceSettings {
            leading, trailing, ..
        } = settings;
        if !leading && !trailing {
            return Err(Error::InvalidArgument(
                "leading and trailing must not both be off: no call would ever run".into(),
            ));
        }
        Ok(Self {
            wait_us,
            max_wait_us,
            leading,
            trailing,
        })
    }
}

/// The burst of a key.
#[derive(Debug, Clone)]
pub(super) struct Burst {
    /// When its latest call was made.
    called_us: u64,
    /// When it is over if no call comes.
    ends_us: u64,
    waiting: Option<Waiting>,
}

#[derive(Debug, Clone, Copy)]
struct Waiting {
    latest: Call,
    /// Place of the first call since the last run.
    first_order: u64,
    /// When that one has waited as long as it may.
    until_us: u64,
}

impl Policy for Debounce {
    type State = Burst;

    fn call(
        &self,
        burst: Option<Burst>,
        now_us: u64,
        call: Call,
        now: &mut Passed,
    ) -> Option<Burst> {
        let before_us = burst.as_ref().map(|burst| burst.ends_us);
        let mut waiting = burst.and_then(|burst| burst.waiting);
        let most_us = self
            .max_wait_us
            .map_or(u64::MAX, |max_wait_us| now_us + max_wait_us);
        if before_us.is_none() && self.leading {
            now.runs.push(vec![call]);
        } else if !self.trailing {
            now.superseded.push(call.item);
            // It takes the place of none, so what waits from before the
            // trailing run was switched off keeps its end.
            if let (Some(waiting), Some(before_us)) = (&mut waiting, before_us) {
                waiting.until_us = waiting.until_us.min(before_us);
            }
        } else if let Some(waiting) = &mut waiting {
            now.superseded.push(waiting.latest.item);
            waiting.latest = call;
            // Less than before only where the settings bound it closer.
            waiting.until_us = waiting.until_us.min(most_us);
        } else {
            waiting = Some(Waiting {
                latest: call,
                first_order: call.order,
                until_us: most_us,
            });
        }
        Some(Burst {
            called_us: now_us,
            ends_us: now_us + self.wait_us,
            waiting,
        })
    }

    fn tick(&self, mut burst: Burst, now_us: u64, now: &mut Passed) -> Option<Burst> {
        if let Some(waiting) = burst.waiting.take() {
            now.runs.push(vec![waiting.latest]);
        }
        // After a run for having waited too long, the burst itself goes on.
        (burst.ends_us > now_us).then_some(burst)
    }

    /// Whether the next call is still one of a burst in which none waits is
    /// for the present settings to say.
    fn retime(&self, burst: &mut Burst) {
        if burst.waiting.is_none() {
            burst.ends_us = burst.called_us + self.wait_us;
        }
    }

    fn due(burst: &Burst) -> Due {
        burst.waiting.map_or(
            Due {
                at_us: burst.ends_us,
                order: 0,
            },
            |waiting| Due {
                at_us: burst.ends_us.min(waiting.until_us),
                order: waiting.first_order,
            },
        )
    }

    fn waiting(burst: Burst) -> Vec<Vec<Call>> {
        let waiting = burst.waiting.into_iter();
        waiting.map(|waiting| vec![waiting.latest]).collect()
    }

    fn count(burst: &Burst) -> usize {
        usize::from(burst.waiting.is_some())
    }
}
