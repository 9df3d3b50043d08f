//! Every operation of the WIT world, one trait for each interface.
//!
//! [`Component`] performs them in WebAssembly. The traits are what scenarios,
//! replays and tests are written against, so that the same core compiled
//! natively can stand in as the reference. What each operation means is said
//! once, in `wit/core`.

mod advice;
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
mod selection;
mod shaping;
mod state;
mod updates;

pub use advice::Advice;
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
pub use selection::Selection;
pub use shaping::Shaping;
pub use state::State;
pub use updates::Updates;

use crate::component::Component;
use crate::fault::Fault;

/// The optimizer: all interfaces of the world.
pub trait Optimizer:
    Advice
    + Cache
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
    + Selection
    + Shaping
    + State
    + Updates
{
}

impl<T> Optimizer for T where
    T: Advice
        + Cache
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
        + Selection
        + Shaping
        + State
        + Updates
{
}

/// Declares the trait of an interface and forwards it to the component. `plain`
/// operations always answer; `fallible` ones may be refused by the optimizer.
/// The fallible ones on one key of the cache stand apart: before their own
/// arguments they take a moment and a place, which crosses as one text. Those
/// that write come last, and take a value as well, which crosses with the place.
macro_rules! operations {
    ($(#[$doc:meta])* trait $trait:ident $({
        $($keyed:ident($($keyed_arg:ident: $keyed_type:ty),*) -> $keyed_answer:ty
            = $keyed_interface:ident.$keyed_call:ident;)*
    } $({
        $($writing:ident($($writing_arg:ident: $writing_type:ty),*) -> $writing_answer:ty
            = $writing_interface:ident.$writing_call:ident;)*
    })?)?;
    $($kind:ident $name:ident($($arg:ident: $type:ty),*) -> $answer:ty
        = $interface:ident.$call:ident;)*) => {
        $(#[$doc])*
        pub trait $trait {
            $($(
                #[allow(clippy::too_many_arguments, reason = "as many as it has in WIT")]
                #[doc = concat!("Calls `", stringify!($keyed_interface), ".", stringify!($keyed_call), "`.")]
                fn $keyed(
                    &mut self,
                    now: crate::wit::types::Instant,
                    namespace: &str,
                    key: &str
                    $(, $keyed_arg: $keyed_type)*
                ) -> Result<$keyed_answer, super::Fault>;
            )*
            $($(
                #[doc = concat!("Calls `", stringify!($writing_interface), ".", stringify!($writing_call), "`.")]
                fn $writing(
                    &mut self,
                    now: crate::wit::types::Instant,
                    namespace: &str,
                    key: &str,
                    value: &[u8]
                    $(, $writing_arg: $writing_type)*
                ) -> Result<$writing_answer, super::Fault>;
            )*)?)?
            $(
                #[allow(clippy::too_many_arguments, reason = "as many as it has in WIT")]
                #[doc = concat!("Calls `", stringify!($interface), ".", stringify!($call), "`.")]
                fn $name(&mut self $(, $arg: $type)*) -> Result<$answer, super::Fault>;
            )*
        }

        impl $trait for super::Component {
            $($(
                fn $keyed(
                    &mut self,
                    now: crate::wit::types::Instant,
                    namespace: &str,
                    key: &str
                    $(, $keyed_arg: $keyed_type)*
                ) -> Result<$keyed_answer, super::Fault> {
                    let answer = self.enter_at(
                        stringify!($keyed),
                        namespace,
                        key,
                        |bindings, store, place, namespace_length| {
                            bindings.$keyed_interface().$keyed_call(
                                store, now, place, namespace_length $(, $keyed_arg)*
                            )
                        },
                    )?;
                    answer.map_err(super::Fault::Refused)
                }
            )*
            $($(
                fn $writing(
                    &mut self,
                    now: crate::wit::types::Instant,
                    namespace: &str,
                    key: &str,
                    value: &[u8]
                    $(, $writing_arg: $writing_type)*
                ) -> Result<$writing_answer, super::Fault> {
                    let answer = self.enter_joined(
                        stringify!($writing),
                        [value, namespace.as_bytes(), key.as_bytes()],
                        |bindings, store, joined, [namespace_length, key_length]| {
                            bindings.$writing_interface().$writing_call(
                                store, now, joined, namespace_length, key_length $(, $writing_arg)*
                            )
                        },
                    )?;
                    answer.map_err(super::Fault::Refused)
                }
            )*)?)?
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
