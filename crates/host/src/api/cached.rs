//! What the routes of the cache take alike: where a value is, and how it is
//! written. Read by hand, so that each mistake is told in words; here is what
//! the description says of it.

#![allow(dead_code, reason = "only described")]

use utoipa::IntoParams;

/// Where a value is.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct Place {
    /// The namespace
    #[param(min_length = 1, max_length = 255)]
    ns: String,
    /// The key: all that follows the namespace, `/` included
    #[param(min_length = 1, max_length = 1024)]
    key: String,
}

/// How a value is written.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Writing {
    /// Life in both levels, in seconds over 0
    #[param(minimum = 0.000_001, maximum = 316_224_000)]
    ttl: Option<f64>,
    /// Life in memory; stronger than `ttl`
    #[param(minimum = 0.000_001, maximum = 316_224_000)]
    l1_ttl: Option<f64>,
    /// Life on disk; stronger than `ttl`
    #[param(minimum = 0.000_001, maximum = 316_224_000)]
    l2_ttl: Option<f64>,
    /// Tags for invalidation
    #[param(explode, max_items = 16)]
    tag: Option<Vec<String>>,
    /// How long past its life it may be served while it is fetched anew, in seconds
    #[param(minimum = 0, maximum = 316_224_000)]
    stale_while_revalidate: Option<f64>,
    /// How long past its life it may be served when fetching it has failed, in seconds
    #[param(minimum = 0, maximum = 316_224_000)]
    stale_if_error: Option<f64>,
    /// `durable` to be answered once it is on disk
    #[param(pattern = "^durable$")]
    wait: Option<String>,
}
