//! Which entities pass at all.

use super::operations;
use crate::wit::filter::Rules;

operations! {
    /// The interface `filter`.
    trait Filter;

    fallible filter_kept(rules: &Rules, entities: &[String]) -> Vec<u8> = weirhouse_core_filter.call_kept;
}
