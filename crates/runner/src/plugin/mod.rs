//! Plugins: policies that others wrote, each in a store of its own with tight
//! limits and nothing around it but what the user granted.
//!
//! A [`Package`] is a component that was looked at and not started; an
//! [`Instance`] runs. A call that traps costs the instance, and whoever holds
//! it drops it; [`Strikes`] say when another may be started.

mod capability;
mod fault;
mod instance;
mod package;
mod services;
mod strikes;
mod surface;
pub mod wit;

pub use capability::{Capability, Function};
pub use fault::{PluginFault, Refused};
pub use instance::Instance;
pub use package::Package;
pub use services::Services;
pub use strikes::{Standing, Strikes};
pub use surface::{API_VERSION, Surface};
