//! Which of several rules is for a series.

use super::operations;
use crate::wit::selection::{Candidate, Conditions};

operations! {
    /// The interface `selection`.
    trait Selection;

    fallible selection_first(rules: &[Conditions], candidates: &[Candidate]) -> Vec<Option<u32>>
        = weirhouse_core_selection.call_first;
}
