//! What a series is judged by: what only a reading that is judged in full needs.

use alloc::sync::Arc;

use crate::rule::Rule;

/// What is known of a series beside its history.
#[derive(Default)]
pub(super) struct Terms {
    pub(super) rules: Rules,
    /// When the baseline was published.
    pub(super) published_us: u64,
}

/// The rules of one series.
#[derive(Default)]
pub(super) struct Rules {
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
