//! What a series is judged by: what only a reading that is judged in full needs.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::{Deref, DerefMut};

use crate::rule::Rule;

/// What a baseline's time of publication is while it has none.
pub(super) const NEVER_PUBLISHED_US: i64 = i64::MIN;

/// The terms of all series, by handle.
#[derive(Default)]
pub(crate) struct TermsTable(pub(super) Vec<Terms>);

impl Deref for TermsTable {
    type Target = Vec<Terms>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for TermsTable {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

/// What is known of a series beside its history.
pub(crate) struct Terms {
    pub(super) rules: Rules,
    /// When the baseline was published, on the monotonic clock; before its zero
    /// where that was before a restart.
    pub(super) published_us: i64,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            rules: Rules::default(),
            published_us: NEVER_PUBLISHED_US,
        }
    }
}

impl Terms {
    /// Dates a baseline of which nothing more is known.
    pub(super) fn date(&mut self, now_us: u64) {
        if self.published_us == NEVER_PUBLISHED_US {
            self.published_us = now_us.cast_signed();
        }
    }
}

/// The rules of one series.
#[derive(Default)]
pub(crate) struct Rules {
    pub(super) own: Option<Arc<Rule>>,
    pub(super) preset: Option<Arc<Rule>>,
}

/// The rules that series share.
#[derive(Default)]
pub(super) struct SharedRules {
    /// For series that have no other.
    pub(super) default: Rule,
    /// Whether presets apply.
    pub(super) presets: bool,
}

impl Rules {
    /// The rule that counts: its own, else its preset, else the default.
    #[inline]
    pub(super) fn effective<'rule>(&'rule self, shared: &'rule SharedRules) -> &'rule Rule {
        let preset = self.preset.as_ref().filter(|_| shared.presets);
        let one = self.own.as_ref().or(preset);
        one.map_or(&shared.default, Arc::as_ref)
    }
}
