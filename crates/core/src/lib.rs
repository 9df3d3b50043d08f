//! All policy of Weirhouse.
#![no_std]
#![forbid(unsafe_code)]
