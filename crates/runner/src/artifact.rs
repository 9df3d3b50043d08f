//! Precompiled components: `.cwasm` files, which are machine code.
//!
//! Loading one runs it. Only files that this project's own compiler wrote, in a
//! folder only its owner can write, may reach [`load`]; nothing that came over
//! a wire or from a user does.

use std::path::Path;

use wasmtime::component::Component;

use crate::engine::Engine;
use crate::fault::LoadError;

/// Maps a precompiled component into memory.
#[allow(unsafe_code)]
pub(crate) fn load(engine: &Engine, path: &Path) -> Result<Component, LoadError> {
    std::fs::File::open(path).map_err(|source| LoadError::Read {
        path: path.to_owned(),
        source,
    })?;
    // SAFETY: the file is machine code that this project's compiler wrote and
    // that ships with the program (see the module's contract); wasmtime itself
    // refuses files of another version, configuration or architecture.
    unsafe { Component::deserialize_file(engine.wasmtime(), path) }.map_err(|error| {
        LoadError::Incompatible {
            path: path.to_owned(),
            reason: format!("{error:#}"),
        }
    })
}

/// Compiles a component, for this machine or for the baseline of `target`.
///
/// `target` is a triple such as `aarch64-unknown-linux-gnu`; naming one makes
/// the result independent of the compiling machine's own processor.
///
/// With `counting`, it is for an engine that counts instructions, and for no
/// other.
#[cfg(feature = "compile")]
pub fn compile(
    wasm: &[u8],
    target: Option<&str>,
    counting: bool,
) -> Result<Vec<u8>, wasmtime::Error> {
    let mut config = crate::engine::config(counting);
    if let Some(triple) = target {
        config.target(triple)?;
    }
    wasmtime::Engine::new(&config)?.precompile_component(wasm)
}
