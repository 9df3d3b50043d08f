//! For authors of plugins: policies written against WIT, in a sandbox.
//!
//! There is nothing to use yet. The crate holds the name and the place; the
//! plugin world comes with `wit/plugin`.

#![no_std]
#![forbid(unsafe_code)]
