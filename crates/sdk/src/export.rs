//! From a type with [`Plugin`] to the exports of a component.

use std::marker::PhantomData;

use crate::numbers::{Decisions, Numbers, columns};
use crate::wit::exports::weirhouse::plugin as exports;
use crate::{Decision, Derived, Description, Entry, Lifetime, Observation, Pace, Plugin};

/// Makes a [`Plugin`] the one that this component is. Once per crate.
#[macro_export]
macro_rules! export {
    ($plugin:ty) => {
        const _: () = {
            ::std::thread_local! {
                static PLUGIN: ::std::cell::RefCell<$plugin> = ::std::cell::RefCell::default();
            }

            impl $crate::Held for $plugin {
                fn with<T>(call: impl FnOnce(&mut Self) -> T) -> T {
                    PLUGIN.with_borrow_mut(call)
                }
            }

            #[cfg(target_arch = "wasm32")]
            type Exported = $crate::Exported<$plugin>;
            #[cfg(target_arch = "wasm32")]
    $crate::wit::export!(Exported with_types_in $crate::wit);
        };
    };
}

/// Where the one instance of a plugin is; [`export!`] writes it.
#[doc(hidden)]
pub trait Held: Plugin {
    /// Runs a call on it. A component has one thread, and calls never nest.
    fn with<T>(call: impl FnOnce(&mut Self) -> T) -> T;
}

/// The exports of a plugin.
#[doc(hidden)]
pub struct Exported<P>(PhantomData<P>);

impl<P: Held> exports::about::Guest for Exported<P> {
    fn describe() -> Description {
        P::describe()
    }
}

impl<P: Held> exports::judge::Guest for Exported<P> {
    fn judge(now: u64, batch: Vec<Observation>) -> Result<Vec<Decision>, String> {
        P::with(|plugin| plugin.judge(now, &batch))
    }
}

impl<P: Held> exports::judge_numbers::Guest for Exported<P> {
    fn reasons() -> Vec<String> {
        P::reasons().iter().map(|it| (*it).to_owned()).collect()
    }

    fn judge(now: u64, batch: Numbers) -> Result<Decisions, String> {
        let rulings = P::with(|plugin| plugin.judge_numbers(now, &batch))?;
        Ok(columns(&rulings))
    }
}

impl<P: Held> exports::interval::Guest for Exported<P> {
    fn intervals(now: u64, batch: Vec<Pace>) -> Result<Vec<Option<u32>>, String> {
        P::with(|plugin| plugin.intervals(now, &batch))
    }
}

impl<P: Held> exports::ttl::Guest for Exported<P> {
    fn lifetimes(now: u64, batch: Vec<Entry>) -> Result<Vec<Option<Lifetime>>, String> {
        P::with(|plugin| plugin.lifetimes(now, &batch))
    }
}

impl<P: Held> exports::transform::Guest for Exported<P> {
    fn transform(now: u64, batch: Vec<Observation>) -> Result<Vec<Vec<Derived>>, String> {
        P::with(|plugin| plugin.transform(now, &batch))
    }
}

impl<P: Held> exports::state::Guest for Exported<P> {
    fn snapshot() -> Vec<u8> {
        P::with(|plugin| plugin.snapshot())
    }

    fn restore(snapshot: Vec<u8>) -> Result<(), String> {
        P::with(|plugin| plugin.restore(&snapshot))
    }
}
