//! The host's side of the plugin world, generated from `wit/plugin`.

#![allow(missing_docs, clippy::all, clippy::pedantic)]

wasmtime::component::bindgen!({
    path: "../../wit/plugin",
    world: "plugin",
    additional_derives: [PartialEq],
});

pub use exports::weirhouse::plugin::{
    about, interval, judge, judge_numbers, state, transform, ttl,
};
pub use weirhouse::plugin::{entities, log, settings, store, types};
