//! The host as a library: everything behind the command line.

pub mod api;
pub mod cli;
pub mod data_dir;
pub mod demo;
pub mod hub;
pub mod mirror;
pub mod page;
pub mod run;
pub mod scenario;
pub mod store;
pub mod trace;
