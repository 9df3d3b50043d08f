//! Checks that the core, with all it depends on, does without the standard library.
//!
//! The core's own `#![no_std]` says nothing of its dependencies: one crate whose default features were left
//! on brings the standard library back, unnoticed.

use std::env;
use std::process::Command;

use anyhow::{Context, Result};

use crate::rust_std::{self, RustStd};
use crate::wasm_target::{self, WasmTarget};
use crate::workspace::{Workspace, run};

/// A crate that defines the panic handler. The standard library defines one too, and the compiler refuses
/// two: so this compiles only if nothing the core needs links the standard library.
const PROBE: &str = "\
#![no_std]
extern crate weirhouse_core as _;
#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    loop {}
}
";

/// Fails if the core does not build, or if it needs the standard library.
pub(crate) fn check(workspace: &Workspace, target: &WasmTarget) -> Result<()> {
    match &target.0 {
        RustStd::FromSource(library) => {
            // Only these two libraries are built, so there is no standard library to find.
            let mut build = workspace.cargo("build");
            rust_std::build(&mut build, library, "core,alloc");
            run(build.args(["--package", "weirhouse-core", "--target", wasm_target::NAME]))
        }
        RustStd::Installed => {
            run(&mut target.cargo(workspace, "build", "weirhouse-core"))?;
            let built = workspace.target.join(wasm_target::NAME).join("debug");
            let probe = workspace.out_dir()?.join("no_std_probe.rs");
            std::fs::write(&probe, PROBE)
                .with_context(|| format!("cannot write {}", probe.display()))?;
            let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
            rustc
                .args([
                    "--crate-type=rlib",
                    "--edition=2024",
                    "--emit=metadata",
                    "--target",
                    wasm_target::NAME,
                ])
                .arg(format!(
                    "--extern=weirhouse_core={}",
                    built.join("libweirhouse_core.rlib").display()
                ))
                .arg(format!("-Ldependency={}", built.join("deps").display()))
                // Macros that run in the compiler are built for this machine.
                .arg(format!(
                    "-Ldependency={}",
                    workspace.target.join("debug/deps").display()
                ))
                .arg("--out-dir")
                .args([workspace.out_dir()?, probe]);
            run(&mut rustc).context(
                "a crate with a panic handler of its own does not compile with the core; if the compiler names a \
                 duplicate `panic_impl`, one of the core's dependencies brings the standard library",
            )
        }
    }
}
