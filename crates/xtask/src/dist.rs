//! `cargo xtask dist`: what the app's image installs.
//!
//! It runs on the image's own base, and is built for that.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::component;
use crate::progress::{note, step};
use crate::workspace::{Workspace, run};

/// Puts the program, its optimizer and the compiler of plugins into `target/dist`.
pub(crate) fn run_dist(workspace: &Workspace) -> Result<ExitCode> {
    let component = component::build_wasm(workspace)?;
    let program = step(
        "building weirhouse for the image (the first time takes minutes)",
        || build_program(workspace, "weirhouse", "release", &[], &RESIDENT),
    )?;
    // That of developers is built in less time, compiles for all architectures, and is more than twice as large.
    let compiler = step("building the compiler of plugins for the image", || {
        build_program(
            workspace,
            "weirhouse-compile",
            "compact",
            &["--no-default-features"],
            &[],
        )
    })?;
    let folder = workspace.target.join("dist");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;

    let installed = folder.join("weirhouse");
    fs::copy(&program, &installed)
        .with_context(|| format!("cannot write {}", installed.display()))?;
    let installed_compiler = folder.join("weirhouse-compile");
    fs::copy(&compiler, &installed_compiler)
        .with_context(|| format!("cannot write {}", installed_compiler.display()))?;
    // For the baseline of the architecture: the image runs on other processors
    // than this one.
    let triple = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let optimizer = folder.join("weirhouse-core.cwasm");
    run(Command::new(&compiler)
        .arg(&component)
        .arg("-o")
        .arg(&optimizer)
        .args(["--target", &triple]))?;
    for path in [installed, installed_compiler, optimizer] {
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

/// What keeps a program small that is always resident. Of the C library it carries what it uses: the whole one would be
/// 2 MiB more. Functions are copied into their callers less readily: half a MiB, for no time that can be measured.
const RESIDENT: [&str; 4] = [
    "-C",
    "target-feature=+crt-static",
    "-C",
    "llvm-args=--inline-threshold=100",
];

/// Builds a program, with half a megabyte of relocations packed into some kilobytes: that is read, and stays resident, at
/// each start. The loader has known the form since glibc 2.36.
fn build_program(
    workspace: &Workspace,
    package: &str,
    profile: &str,
    features: &[&str],
    link: &[&str],
) -> Result<PathBuf> {
    run(workspace
        .cargo("rustc")
        .args(["--profile", profile, "--package", package, "--bin", package])
        .args(features)
        .args(["--", "-C", "link-arg=-Wl,-z,pack-relative-relocs"])
        .args(link))?;
    let name = format!("{package}{}", std::env::consts::EXE_SUFFIX);
    Ok(workspace.target.join(profile).join(name))
}
