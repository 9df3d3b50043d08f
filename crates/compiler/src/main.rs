//! `weirhouse-compile`: a WebAssembly component in, or what becomes one, machine code out.
//!
//! Run as a child process when something is installed, so that the daemon
//! carries no compiler and its memory goes back to the system afterwards.

#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Parser;
use wit_component::ComponentEncoder;

/// Compiles a WebAssembly component ahead of time for `weirhouse`.
///
/// A core module that describes a component, as `cargo build` makes one, is made that component first.
///
/// The output is machine code: load it only from folders that nobody else can
/// write. It fits exactly one version of weirhouse.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The component to compile, or the module of one (.wasm).
    input: PathBuf,

    /// Where the machine code goes (.cwasm); replaced in one step.
    #[arg(short, long)]
    output: PathBuf,

    /// Write the component as well: the input, or what was made of it if it is
    /// a core module.
    #[arg(long, value_name = "FILE")]
    component: Option<PathBuf>,

    /// Compile for the baseline of this triple, for example
    /// aarch64-unknown-linux-gnu, in place of this machine's own processor.
    #[arg(long)]
    target: Option<String>,

    /// Compile for an engine that counts instructions, which only tests have.
    #[arg(long, hide = true)]
    counting: bool,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let wasm = std::fs::read(&arguments.input)
        .with_context(|| format!("cannot read {}", arguments.input.display()))?;
    let wasm = component_of(wasm)
        .with_context(|| format!("{} is no component", arguments.input.display()))?;
    if let Some(path) = &arguments.component {
        write(path, &wasm)?;
    }
    let target = arguments.target.as_deref();
    let machine_code = weirhouse_runner::compile(&wasm, target, arguments.counting)
        .map_err(anyhow::Error::from)
        .with_context(|| {
            format!(
                "{} is no component that can be compiled here",
                arguments.input.display()
            )
        })?;
    write(&arguments.output, &machine_code)
}

/// A module that `wit-bindgen` has put its world into becomes a component; what is one already stays as it is.
fn component_of(wasm: Vec<u8>) -> anyhow::Result<Vec<u8>> {
    // The fields behind the magic number: a version, and a layer, which is 0 for a module.
    if wasm.get(6..8) != Some(&[0, 0]) {
        return Ok(wasm);
    }
    ComponentEncoder::default()
        .validate(true)
        .module(&wasm)
        .and_then(ComponentEncoder::encode)
        .context("it is a core module, and none that `wit-bindgen` described")
}

/// A reader never meets half a file: written beside, then renamed.
fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".part");
    std::fs::write(&unfinished, bytes)
        .and_then(|()| std::fs::rename(&unfinished, path))
        .with_context(|| format!("cannot write {}", path.display()))
}
