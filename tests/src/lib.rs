//! What the whole-path tests share: starting the host, finding the built component, reading an entity.

#![forbid(unsafe_code)]

pub mod component;
pub mod home_assistant;
pub mod load;
pub mod native;
pub mod program;
pub mod proxy;
pub mod reading;
pub mod skip;
