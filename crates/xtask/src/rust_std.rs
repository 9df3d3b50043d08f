//! The standard library for another target than this machine.
//!
//! Of the toolchain, or `rustup target add`, or, on Debian, the source in the package `rust-src` of the
//! compiler's very version.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use anyhow::{Context, Result};

use crate::debian_rust_src;
use crate::progress::{note, step};
use crate::workspace::{Workspace, output};

/// Where the standard library for a target comes from.
pub(crate) enum RustStd {
    /// The toolchain has it: any cargo command can use the target.
    Installed,
    /// Cargo builds it from this `library` folder along with the crate.
    FromSource(PathBuf),
}

impl RustStd {
    /// Finds or fetches that of a target.
    pub(crate) fn provide(workspace: &Workspace, target: &str) -> Result<Self> {
        if installed(target)? {
            return Ok(Self::Installed);
        }
        let added = step(&format!("rustup target add {target}"), || {
            rustup(&["target", "add", target])
        });
        if added && installed(target)? {
            return Ok(Self::Installed);
        }
        let version = compiler_version()?;
        let library = debian_rust_src::library(&version, &workspace.out_dir()?).with_context(|| {
            format!(
                "the compiler has no target {target}, and it cannot be provided here: `rustup target add {target}` \
                 failed, and so did the way through Debian. Install the target of rustc {version} for this toolchain \
                 (by rustup, or your system's package of the same version), then repeat the command"
            )
        })?;
        Ok(Self::FromSource(library))
    }

    /// Lets a build make these parts of it, if the toolchain does not have them.
    pub(crate) fn along_with(&self, command: &mut Command, parts: &str) {
        if let Self::FromSource(library) = self {
            build(command, library, parts);
        }
    }
}

/// Lets a stable cargo build parts of the standard library from a folder, which is a nightly option.
pub(crate) fn build(command: &mut Command, library: &Path, parts: &str) {
    command
        .env("RUSTC_BOOTSTRAP", "1")
        .env("__CARGO_TESTS_ONLY_SRC_ROOT", library)
        .args(["-Z", &format!("build-std={parts}")]);
}

/// Whether the toolchain has the library for a target.
pub(crate) fn installed(target: &str) -> Result<bool> {
    Ok(libraries(target)?
        .iter()
        .any(|name| name.starts_with("libstd-")))
}

/// Names of the toolchain's library files for a target; each name holds a digest of what it was built from.
pub(crate) fn libraries(target: &str) -> Result<Vec<String>> {
    let dir = output(rustc().args(["--print", "target-libdir", "--target", target]))?;
    let Ok(entries) = fs::read_dir(dir) else {
        return Ok(Vec::new());
    };
    let mut names: Vec<String> = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    Ok(names)
}

/// The folder of the toolchain.
pub(crate) fn sysroot() -> Result<PathBuf> {
    Ok(PathBuf::from(output(rustc().args(["--print", "sysroot"]))?))
}

/// Whether rustup said it did; a machine without rustup, or without its server in reach, is no error here.
pub(crate) fn rustup(arguments: &[&str]) -> bool {
    let status = Command::new("rustup")
        .args(arguments)
        .stdin(Stdio::null())
        // A failure is nothing strange here, and no reason for a stack trace.
        .env("RUST_BACKTRACE", "0")
        .status();
    match status {
        Ok(status) => status.success(),
        Err(error) => {
            note(&format!("cannot run rustup: {error}"));
            false
        }
    }
}

fn rustc() -> Command {
    Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
}

/// The version of the compiler's LLVM, as `22.1.2`.
pub(crate) fn llvm_version() -> Result<String> {
    let told = output(rustc().arg("-vV"))?;
    let version = told
        .lines()
        .find_map(|line| line.strip_prefix("LLVM version: "));
    Ok(version.context("rustc names no LLVM")?.to_owned())
}

/// The compiler's version alone, as `1.95.0`.
fn compiler_version() -> Result<String> {
    let line = output(rustc().arg("--version"))?;
    let version = line
        .split_whitespace()
        .nth(1)
        .with_context(|| format!("rustc calls itself `{line}`"))?;
    Ok(version.to_owned())
}
