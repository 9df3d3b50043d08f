//! Readings on which somebody else has a say.

use super::operations;
use crate::wit::types::Instant;

operations! {
    /// The interface `advice`.
    trait Advice;

    fallible observe_advised(
        now: Instant,
        series: &[u32],
        text: &str,
        lengths: &[u32],
        opinions: &[u8],
        numbers: &[f64],
        delays: &[i64]
    ) -> Vec<u8> = weirhouse_core_advice.call_observe;
}
