//! What the whole-path tests share: starting the host and foreign clients, finding the built component, reading an entity.

#![forbid(unsafe_code)]

pub mod browser;
pub mod component;
pub mod container;
pub mod foreign_client;
pub mod home_assistant;
pub mod load;
pub mod native;
pub mod plugin;
pub mod program;
pub mod proxy;
pub mod reading;
pub mod skip;
pub mod stream;
pub mod supervisor;
