//! Names to numbers.

use super::operations;
use crate::wit::entities::{Facts, Series};

operations! {
    /// The interface `entities`.
    trait Entities;

    fallible intern(series: &[Series]) -> Vec<u32> = weirhouse_core_entities.call_intern;
    fallible names(handles: &[u32]) -> Vec<Series> = weirhouse_core_entities.call_names;
    plain all_handles() -> Vec<u32> = weirhouse_core_entities.call_all;
    fallible release(entities: &[u32]) -> u32 = weirhouse_core_entities.call_release;
    fallible describe(entity: u32, facts: &Facts) -> () = weirhouse_core_entities.call_describe;
}
