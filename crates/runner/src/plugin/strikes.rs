//! How often a plugin may fail.

use std::collections::VecDeque;
use std::time::Duration;

use crate::limits::plugin::{FIRST_REST, STRIKES, STRIKES_WITHIN};

/// Where a plugin stands after a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It may be asked again at this moment, counted as the strikes are.
    RestsUntil(Duration),
    /// It is not asked any more, until somebody releases it.
    Quarantined,
}

/// The faults of one plugin. Times are since any fixed moment; the clock is the
/// caller's.
#[derive(Debug, Clone, Default)]
pub struct Strikes {
    at: VecDeque<Duration>,
}

impl Strikes {
    /// Counts a fault.
    pub fn strike(&mut self, now: Duration) -> Standing {
        self.forget_old(now);
        self.at.push_back(now);
        if self.at.len() >= STRIKES {
            return Standing::Quarantined;
        }
        let doublings = u32::try_from(self.at.len() - 1).unwrap_or(u32::MAX);
        let rest = FIRST_REST.saturating_mul(2_u32.saturating_pow(doublings));
        Standing::RestsUntil(now + rest)
    }

    /// Faults that still count.
    pub fn count(&mut self, now: Duration) -> usize {
        self.forget_old(now);
        self.at.len()
    }

    /// Forgives all.
    pub fn clear(&mut self) {
        self.at.clear();
    }

    fn forget_old(&mut self, now: Duration) {
        while let Some(first) = self.at.front()
            && now.saturating_sub(*first) >= STRIKES_WITHIN
        {
            self.at.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn three_within_ten_minutes_end_it() {
        let mut strikes = Strikes::default();
        assert_eq!(strikes.strike(s(0)), Standing::RestsUntil(s(1)));
        assert_eq!(strikes.strike(s(300)), Standing::RestsUntil(s(302)));
        assert_eq!(strikes.strike(s(599)), Standing::Quarantined);
    }

    #[test]
    fn those_of_long_ago_do_not_count() {
        let mut strikes = Strikes::default();
        for round in 0..100 {
            let standing = strikes.strike(s(round * 300));
            assert!(matches!(standing, Standing::RestsUntil(_)), "round {round}");
        }
        assert_eq!(strikes.count(s(100 * 300)), 1);
        strikes.clear();
        assert_eq!(strikes.count(s(100 * 300)), 0);
    }
}
