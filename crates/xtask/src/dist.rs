//! `cargo xtask dist`: what the app's image installs.

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::component;
use crate::progress::note;
use crate::release;
use crate::workspace::{Workspace, run};

/// Puts the program, its optimizer and the compiler of plugins into `target/dist`.
pub(crate) fn run_dist(workspace: &Workspace) -> Result<ExitCode> {
    let component = component::build(workspace)?;
    let program = release::build(workspace)?;
    let folder = workspace.target.join("dist");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;

    let installed = folder.join("weirhouse");
    fs::copy(&program, &installed)
        .with_context(|| format!("cannot write {}", installed.display()))?;
    let compiler = folder.join("weirhouse-compile");
    fs::copy(&component.compiler, &compiler)
        .with_context(|| format!("cannot write {}", compiler.display()))?;
    // For the baseline of the architecture: the image runs on other processors
    // than this one.
    let triple = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let optimizer = folder.join("weirhouse-core.cwasm");
    run(std::process::Command::new(&component.compiler)
        .arg(&component.wasm)
        .arg("-o")
        .arg(&optimizer)
        .args(["--target", &triple]))?;
    for path in [installed, compiler, optimizer] {
        let bytes = fs::metadata(&path)
            .with_context(|| format!("cannot read {}", path.display()))?
            .len();
        note(&format!(
            "{} ({} KiB)",
            path.display(),
            bytes.div_ceil(1024)
        ));
    }
    Ok(ExitCode::SUCCESS)
}
