//! The host's side of the WIT world, generated from `wit/core`.
//!
//! The types are re-exported: they are the vocabulary in which the host speaks
//! with the optimizer, whether it runs as a component or natively.

#![allow(missing_docs, clippy::all, clippy::pedantic)]

wasmtime::component::bindgen!({
    path: "../../wit/core",
    world: "optimizer",
    additional_derives: [PartialEq],
});

use cache::OwnSettings;
use fetch::OwnPolicy;
use selection::Conditions;
use updates::{Combine, Publishing, Rule};

/// Any change matters.
impl Default for Rule {
    fn default() -> Self {
        Self {
            absolute: None,
            percentage: None,
            combine: Combine::All,
            max_age: None,
            settle: None,
            publishing: Publishing::Exact,
            zero_crossing: false,
            levels: Vec::new(),
            total: false,
            learn: false,
        }
    }
}

/// Every state.
impl Default for Conditions {
    fn default() -> Self {
        Self {
            entities: Vec::new(),
            domains: Vec::new(),
            device_classes: Vec::new(),
            attribute: None,
        }
    }
}

/// As all other namespaces.
impl Default for OwnSettings {
    fn default() -> Self {
        Self {
            capacity: None,
            max_bytes: None,
            max_value_bytes: None,
            memory_life: None,
            disk_life: None,
            levels: None,
            eviction: None,
        }
    }
}

/// As all other namespaces.
impl Default for OwnPolicy {
    fn default() -> Self {
        Self {
            while_revalidate: None,
            if_error: None,
            negative_life: None,
            lease: None,
            refresh_ahead: None,
        }
    }
}

pub use exports::weirhouse::core::*;
