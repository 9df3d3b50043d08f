//! What the whole-path tests share: starting the host, finding the built component.

#![forbid(unsafe_code)]

pub mod component;
pub mod home_assistant;
pub mod load;
pub mod native;
pub mod program;
pub mod skip;
