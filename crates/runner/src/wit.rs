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

pub use exports::weirhouse::core::{
    cache, clock, entities, metrics, schedule, state, types, updates,
};
