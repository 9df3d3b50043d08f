//! Addresses from which tokens came that Home Assistant refused.
//!
//! Home Assistant sees one address behind all clients, this machine's, and may ban it for wrong tokens. One client that
//! tries wrong ones must not have all others banned.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Refusals from one address after which it has to wait. Home Assistant's own limit, if one is set, is rarely lower.
const MOST: u32 = 5;

/// How long an address has to wait, counted from its last refusal.
const WAIT: Duration = Duration::from_mins(1);

/// Most addresses that are remembered; beyond it those whose wait is over are forgotten.
const MOST_ADDRESSES: usize = 1024;

/// The addresses.
#[derive(Debug, Default)]
pub(super) struct Refusals(Mutex<HashMap<IpAddr, Refused>>);

#[derive(Debug)]
struct Refused {
    times: u32,
    last: Instant,
}

impl Refusals {
    /// How long an address has to wait, if it has to.
    pub(super) fn wait(&self, from: IpAddr) -> Option<Duration> {
        self.wait_at(from, Instant::now())
    }

    /// A token from there was refused.
    pub(super) fn note(&self, from: IpAddr) {
        self.note_at(from, Instant::now());
    }

    /// A token from there was accepted.
    pub(super) fn forget(&self, from: IpAddr) {
        self.with(|refused| refused.remove(&from));
    }

    fn wait_at(&self, from: IpAddr, now: Instant) -> Option<Duration> {
        self.with(|refused| {
            let refused = refused.get(&from).filter(|it| it.times >= MOST)?;
            WAIT.checked_sub(now.duration_since(refused.last))
        })
    }

    fn note_at(&self, from: IpAddr, now: Instant) {
        self.with(|refused| {
            if refused.len() >= MOST_ADDRESSES {
                refused.retain(|_, it| now.duration_since(it.last) < WAIT);
            }
            let entry = refused.entry(from).or_insert(Refused {
                times: 0,
                last: now,
            });
            if now.duration_since(entry.last) >= WAIT {
                entry.times = 0;
            }
            entry.times += 1;
            entry.last = now;
        });
    }

    fn with<T>(&self, change: impl FnOnce(&mut HashMap<IpAddr, Refused>) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_waits_after_several_refusals_and_not_for_ever() {
        let refusals = Refusals::default();
        let (one, other) = ([192, 168, 1, 5].into(), [192, 168, 1, 6].into());
        let start = Instant::now();
        for _ in 0..MOST {
            assert_eq!(refusals.wait_at(one, start), None);
            refusals.note_at(one, start);
        }
        assert_eq!(refusals.wait_at(one, start), Some(WAIT));
        assert_eq!(refusals.wait_at(other, start), None);
        assert_eq!(refusals.wait_at(one, start + WAIT * 2), None);
        refusals.note_at(one, start + WAIT * 2);
        assert_eq!(
            refusals.wait_at(one, start + WAIT * 2),
            None,
            "counted anew"
        );
        for _ in 0..MOST {
            refusals.note_at(other, start);
        }
        refusals.forget(other);
        assert_eq!(refusals.wait_at(other, start), None);
    }
}
