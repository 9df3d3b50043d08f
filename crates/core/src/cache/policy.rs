//! What a namespace chooses beyond fresh values: stale ones, nothing, and
//! fetching ahead. By default none of it.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;

use crate::{Error, length};

/// Most namespaces with a policy of their own.
const MOST_POLICIES: usize = 1000;

/// How long past its fresh life a value may still be served. Both lives begin
/// where the fresh one ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StaleLives {
    /// While it is being fetched anew, in microseconds; 0 not at all.
    pub while_revalidate_us: i64,
    /// When fetching it anew has failed, in microseconds; 0 not at all.
    pub if_error_us: i64,
}

impl StaleLives {
    #[inline]
    pub(super) fn check(&self) -> Result<(), Error> {
        length("while-revalidate", self.while_revalidate_us, true)?;
        length("if-error", self.if_error_us, true)?;
        Ok(())
    }

    /// The longer of the two.
    pub(super) fn longest_us(&self) -> i64 {
        self.while_revalidate_us.max(self.if_error_us)
    }
}

/// When a value that is read often is fetched anew before its life ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RefreshAhead {
    /// The last part of the life in which it is due, as a fraction: over 0, at
    /// most 1. 0.2 is the last fifth.
    pub share: f64,
    /// Reads that make it worth fetching, since it was written or last came
    /// into memory.
    pub least_reads: u32,
}

/// How a namespace is fetched.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Policy {
    /// For values written without lives of their own. Default none.
    pub stale: StaleLives,
    /// How long "there is nothing" is remembered, in microseconds, over 0;
    /// `None` not at all. Default `None`.
    pub negative_life_us: Option<i64>,
    /// Time a lease gives for a fetch, in microseconds, over 0. Default 30 s:
    /// twice what an upstream is given to answer.
    pub lease_us: i64,
    /// Default `None`.
    pub refresh_ahead: Option<RefreshAhead>,
}

/// In what one namespace differs from the [`Policy`] for all; `None` is as that
/// has it, now and when it changes.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct OwnPolicy {
    /// In place of [`StaleLives::while_revalidate_us`].
    pub while_revalidate_us: Option<i64>,
    /// In place of [`StaleLives::if_error_us`].
    pub if_error_us: Option<i64>,
    /// In place of [`Policy::negative_life_us`]; 0 remembers nothing.
    pub negative_life_us: Option<i64>,
    /// In place of [`Policy::lease_us`].
    pub lease_us: Option<i64>,
    /// In place of [`Policy::refresh_ahead`]; a share of 0 fetches nothing ahead.
    pub refresh_ahead: Option<RefreshAhead>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            stale: StaleLives::default(),
            negative_life_us: None,
            lease_us: 30_000_000,
            refresh_ahead: None,
        }
    }
}

impl Policy {
    /// This with what a namespace has of its own.
    fn with(self, own: OwnPolicy) -> Self {
        let StaleLives {
            while_revalidate_us,
            if_error_us,
        } = self.stale;
        let negative_life_us = own.negative_life_us.or(self.negative_life_us);
        let refresh_ahead = own.refresh_ahead.or(self.refresh_ahead);
        Self {
            stale: StaleLives {
                while_revalidate_us: own.while_revalidate_us.unwrap_or(while_revalidate_us),
                if_error_us: own.if_error_us.unwrap_or(if_error_us),
            },
            negative_life_us: negative_life_us.filter(|life_us| *life_us != 0),
            lease_us: own.lease_us.unwrap_or(self.lease_us),
            refresh_ahead: refresh_ahead.filter(|ahead| ahead.share != 0.0),
        }
    }

    fn check(&self) -> Result<(), Error> {
        self.stale.check()?;
        self.negative_life_us
            .map_or(Ok(0), |life_us| length("negative-life", life_us, false))?;
        length("lease", self.lease_us, false)?;
        match self.refresh_ahead {
            Some(RefreshAhead { share, .. }) if !(share > 0.0 && share <= 1.0) => {
                Err(Error::InvalidArgument(format!(
                    "refresh-ahead share must be over 0 and at most 1, not {share}"
                )))
            }
            _ => Ok(()),
        }
    }
}

/// The policies of all namespaces.
#[derive(Debug, Clone, Default)]
pub(super) struct Policies {
    defaults: Policy,
    /// What namespaces have of their own, and what comes of it.
    own: BTreeMap<String, (OwnPolicy, Policy)>,
}

impl Policies {
    /// Sets the policy for all, but for what they have of their own.
    pub(super) fn set(&mut self, policy: Policy) -> Result<(), Error> {
        policy.check()?;
        self.defaults = policy;
        for (own, effective) in self.own.values_mut() {
            *effective = policy.with(*own);
        }
        Ok(())
    }

    /// Sets in what one namespace differs.
    pub(super) fn set_own(&mut self, namespace: &str, own: OwnPolicy) -> Result<(), Error> {
        let policy = self.defaults.with(own);
        policy.check()?;
        if own == OwnPolicy::default() {
            self.own.remove(namespace);
            return Ok(());
        }
        if self.own.len() >= MOST_POLICIES && !self.own.contains_key(namespace) {
            return Err(Error::TooLarge(format!(
                "{MOST_POLICIES} namespaces have a policy of their own already; set one for all"
            )));
        }
        self.own.insert(namespace.to_owned(), (own, policy));
        Ok(())
    }

    #[inline]
    pub(super) fn of(&self, namespace: &str) -> &Policy {
        if self.own.is_empty() {
            return &self.defaults;
        }
        self.own
            .get(namespace)
            .map_or(&self.defaults, |(_, policy)| policy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_namespace_has_of_its_own_lies_over_what_holds_for_all() {
        let mut policies = Policies::default();
        let own = OwnPolicy {
            while_revalidate_us: Some(5),
            negative_life_us: Some(0),
            refresh_ahead: Some(RefreshAhead {
                share: 0.0,
                least_reads: 1,
            }),
            ..OwnPolicy::default()
        };
        policies.set_own("a", own).expect("proper policy");
        let all = Policy {
            stale: StaleLives {
                while_revalidate_us: 6,
                if_error_us: 7,
            },
            negative_life_us: Some(8),
            lease_us: 9,
            refresh_ahead: Some(RefreshAhead {
                share: 0.5,
                least_reads: 1,
            }),
        };
        policies.set(all).expect("proper policy");
        let expected = Policy {
            stale: StaleLives {
                while_revalidate_us: 5,
                if_error_us: 7,
            },
            negative_life_us: None,
            lease_us: 9,
            refresh_ahead: None,
        };
        assert_eq!(policies.of("a"), &expected);
        assert_eq!(policies.of("b"), &all);
        let nothing = OwnPolicy::default();
        policies.set_own("a", nothing).expect("proper policy");
        assert_eq!(policies.of("a"), &all);
    }
}
