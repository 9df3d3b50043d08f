//! Every operation of the WIT world, one trait for each interface.
//!
//! [`Component`] performs them in WebAssembly. The traits are what scenarios,
//! replays and tests are written against, so that the same core compiled
//! natively can stand in as the reference. What each operation means is said
//! once, in `wit/core`.

mod cache;
mod cache_key;
mod clock;
mod context;
mod delivery;
mod entities;
mod fetch;
mod filter;
mod flow;
mod learning;
mod metrics;
mod removals;
mod resilience;
mod schedule;
mod state;
mod updates;

pub use cache::Cache;
pub use cache_key::CacheKey;
pub use clock::Clock;
pub use context::Context;
pub use delivery::Delivery;
pub use entities::Entities;
pub use fetch::Fetch;
pub use filter::Filter;
pub use flow::Flow;
pub use learning::Learning;
pub use metrics::Metrics;
pub use removals::Removals;
pub use resilience::Resilience;
pub use schedule::Schedule;
pub use state::State;
pub use updates::Updates;

use crate::component::Component;
use crate::fault::Fault;

/// The optimizer: all interfaces of the world.
pub trait Optimizer:
    Cache
    + CacheKey
    + Clock
    + Context
    + Delivery
    + Entities
    + Fetch
    + Filter
    + Flow
    + Learning
    + Metrics
    + Removals
    + Resilience
    + Schedule
    + State
    + Updates
{
}

impl<T> Optimizer for T where
    T: Cache
        + CacheKey
        + Clock
        + Context
        + Delivery
        + Entities
        + Fetch
        + Filter
        + Flow
        + Learning
        + Metrics
        + Removals
        + Resilience
        + Schedule
        + State
        + Updates
{
}

/// Declares the trait of an interface and forwards it to the component. `plain`
/// operations always answer; `fallible` ones may be refused by the optimizer.
macro_rules! operations {
    ($(#[$doc:meta])* trait $trait:ident;
    $($kind:ident $name:ident($($arg:ident: $type:ty),*) -> $answer:ty
        = $interface:ident.$call:ident;)*) => {
        $(#[$doc])*
        pub trait $trait {
            $(
                #[allow(clippy::too_many_arguments, reason = "as many as it has in WIT")]
                #[doc = concat!("Calls `", stringify!($interface), ".", stringify!($call), "`.")]
                fn $name(&mut self $(, $arg: $type)*) -> Result<$answer, super::Fault>;
            )*
        }

        impl $trait for super::Component {
            $(
                fn $name(&mut self $(, $arg: $type)*) -> Result<$answer, super::Fault> {
                    let answer = self.enter(stringify!($name), |bindings, store| {
                        bindings.$interface().$call(store $(, $arg)*)
                    })?;
                    operations!(@$kind answer)
                }
            )*
        }
    };
    (@plain $answer:ident) => { Ok($answer) };
    (@fallible $answer:ident) => { $answer.map_err(super::Fault::Refused) };
}

use operations;
