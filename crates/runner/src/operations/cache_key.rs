//! Keys for calls with arguments.

use super::operations;
use crate::wit::cache_key::Part;

operations! {
    /// The interface `cache-key`.
    trait CacheKey;

    fallible cache_key(parts: &[Part]) -> String = weirhouse_core_cache_key.call_make;
}
