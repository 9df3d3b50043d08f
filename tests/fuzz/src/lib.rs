//! What the fuzz targets share: operations made of bytes, and what must hold after each.
//!
//! The targets themselves, in `fuzz_targets`, only hand bytes over to here.

#![forbid(unsafe_code)]

pub mod argument;
pub mod machine;
pub mod operation;
