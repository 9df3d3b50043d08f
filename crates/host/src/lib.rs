//! The host as a library: everything behind the command line.

pub mod access;
pub mod api;
pub mod cli;
pub mod clients;
pub mod companion;
pub mod config;
pub mod context;
pub mod data_dir;
pub mod demo;
pub mod hub;
pub mod log_tail;
pub mod mirror;
pub mod mqtt;
pub mod page;
pub mod plugins;
mod quantity;
mod request;
pub mod run;
pub mod scenario;
pub mod store;
pub mod supervisor;
pub mod trace;
mod watch;
