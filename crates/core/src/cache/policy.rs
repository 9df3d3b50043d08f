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
    own: BTreeMap<String, Policy>,
}

impl Policies {
    /// Sets the policy of one namespace, or of all without one of their own.
    pub(super) fn set(&mut self, namespace: Option<&str>, policy: Policy) -> Result<(), Error> {
        policy.check()?;
        let Some(namespace) = namespace else {
            self.defaults = policy;
            return Ok(());
        };
        if self.own.len() >= MOST_POLICIES && !self.own.contains_key(namespace) {
            return Err(Error::TooLarge(format!(
                "{MOST_POLICIES} namespaces have a policy of their own already; set one for all"
            )));
        }
        self.own.insert(namespace.to_owned(), policy);
        Ok(())
    }

    pub(super) fn of(&self, namespace: &str) -> &Policy {
        if self.own.is_empty() {
            return &self.defaults;
        }
        self.own.get(namespace).unwrap_or(&self.defaults)
    }
}
