//! For authors of plugins of Weirhouse: policies in a sandbox.
//!
//! A plugin is a type with [`Plugin`] and one line, [`export!`]:
//!
//! ```
//! use weirhouse_plugin::{Claim, Decision, Description, Function, Observation, Plugin, Value};
//!
//! /// Passes on what moved by 50 or more.
//! #[derive(Default)]
//! struct Coarse;
//!
//! impl Plugin for Coarse {
//!     fn describe() -> Description {
//!         Description::new("coarse", "0.1.0", "Passes on what moved by 50 or more")
//!             .claim(Claim::device_class("power"))
//!             .decides(Function::Judge)
//!     }
//!
//!     fn judge(&mut self, _now: u64, batch: &[Observation]) -> Result<Vec<Decision>, String> {
//!         let decide = |seen: &Observation| match (seen.number(), seen.published_number()) {
//!             (Some(now), Some(before)) if (now - before).abs() < 50.0 => {
//!                 Decision::suppress("moved by less than 50")
//!             }
//!             _ => Decision::abstain(),
//!         };
//!         Ok(batch.iter().map(decide).collect())
//!     }
//! }
//!
//! weirhouse_plugin::export!(Coarse);
//!
//! // Natively, without any host, by the very rules of the optimizer:
//! use weirhouse_plugin::testing::Harness;
//! let mut home = Harness::<Coarse>::new();
//! home.read(0, "sensor.kettle_power", "1000");
//! assert_eq!(home.read(1000, "sensor.kettle_power", "1049").published, None);
//! assert_eq!(
//!     home.read(2000, "sensor.kettle_power", "1050").published.as_deref(),
//!     Some("1050")
//! );
//! ```
//!
//! Build it with `crate-type = ["cdylib", "rlib"]` and
//! `cargo build --release --target wasm32-unknown-unknown`; what that makes can
//! be given to `weirhouse plugin check` and `weirhouse plugin install`. An empty
//! folder becomes such a project by `weirhouse plugin new --lang rust NAME`.
//!
//! There is no clock, no random number, no file and no network. `now` is handed
//! to every call; [`settings`], [`log`](mod@log), [`entities`] and [`store`] are there if
//! the description asks for them and the user grants them.

#![deny(unsafe_code)]

mod describe;
mod export;
mod judge;
pub mod numbers;
mod plugin;
pub mod services;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;

#[allow(
    unsafe_code,
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic
)]
#[doc(hidden)]
pub mod wit {
    wit_bindgen::generate!({
        path: "../../wit/plugin",
        world: "plugin",
        pub_export_macro: true,
        default_bindings_module: "weirhouse_plugin::wit",
        generate_all,
    });
}

pub use describe::{Capability, Function};
#[doc(hidden)]
pub use export::{Exported, Held};
pub use plugin::Plugin;
pub use services::{entities, log, settings, store};
pub use wit::exports::weirhouse::plugin::about::{Claim, Description, Setting};
pub use wit::exports::weirhouse::plugin::interval::Pace;
pub use wit::exports::weirhouse::plugin::judge::{Decision, Verdict};
pub use wit::exports::weirhouse::plugin::transform::Derived;
pub use wit::exports::weirhouse::plugin::ttl::{Entry, Lifetime};
pub use wit::weirhouse::plugin::types::{Observation, Publication, Value};
