//! Noise floors: thresholds that would hide the scatter of a series.

use super::operations;
use crate::wit::learning::Proposals;

operations! {
    /// The interface `learning`.
    trait Learning;

    plain set_learning(enabled: bool) -> () = weirhouse_core_learning.call_set_learning;
    fallible propose(series: &[u32]) -> Proposals = weirhouse_core_learning.call_propose;
}
