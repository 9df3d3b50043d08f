//! The host as a library: everything behind the command line.

pub mod data_dir;
pub mod store;
