//! `weirhouse-compile`: a WebAssembly component in, machine code out.
//!
//! Run as a child process when something is installed, so that the daemon
//! carries no compiler and its memory goes back to the system afterwards.

#![forbid(unsafe_code)]

use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;

/// Compiles a WebAssembly component ahead of time for `weirhouse`.
///
/// The output is machine code: load it only from folders that nobody else can
/// write. It fits exactly one version of weirhouse.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The component to compile (.wasm).
    input: PathBuf,

    /// Where the machine code goes (.cwasm); replaced in one step.
    #[arg(short, long)]
    output: PathBuf,

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
    let target = arguments.target.as_deref();
    let machine_code = weirhouse_runner::compile(&wasm, target, arguments.counting)
        .map_err(anyhow::Error::from)
        .with_context(|| {
            format!(
                "{} is no component that can be compiled here",
                arguments.input.display()
            )
        })?;
    // A reader never meets half a file: written beside, then renamed.
    let unfinished = arguments.output.with_extension("cwasm.part");
    std::fs::write(&unfinished, machine_code)
        .and_then(|()| std::fs::rename(&unfinished, &arguments.output))
        .with_context(|| format!("cannot write {}", arguments.output.display()))
}
