//! What a series is judged by, and when time asks for it: what only a reading
//! that is judged in full needs.

use alloc::sync::Arc;

use crate::rule::Rule;
use crate::time::NEVER_US;

/// The rules of a series, and its timer.
#[derive(Default)]
pub(super) struct Terms {
    pub(super) rules: Rules,
    pub(super) timing: Timing,
}

/// The rules of one series.
#[derive(Default)]
pub(super) struct Rules {
    pub(super) own: Option<Arc<Rule>>,
    pub(super) preset: Option<Arc<Rule>>,
}

/// When time asks for a series.
#[derive(Clone, Copy)]
pub(super) struct Timing {
    /// When the baseline was published.
    pub(super) published_us: u64,
    /// The earliest timer in the heap for this series; [`NEVER_US`] for none.
    pub(super) timer_us: u64,
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

impl Default for Timing {
    fn default() -> Self {
        Self {
            published_us: 0,
            timer_us: NEVER_US,
        }
    }
}
