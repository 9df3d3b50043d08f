//! A program that is optimized for what it does: built to count that, trained, and built anew by those counts.
//!
//! What is never done lies apart then and is not read from disk at a start, and what is done often is faster.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::architecture::Architecture;
use crate::component;
use crate::fingerprint;
use crate::progress::{note, step};
use crate::rust_std;
use crate::training;
use crate::workspace::{Workspace, run, tells_its_version};

/// Builds the program of a package, as released, with these flags for the last step; gives its path. `None` where
/// there is nothing to read counts with.
pub(crate) fn build(
    workspace: &Workspace,
    package: &str,
    flags: &[&str],
) -> Result<Option<PathBuf>> {
    let Some(profdata) = llvm_profdata()? else {
        return Ok(None);
    };
    let core = component::build(workspace)?.cwasm;
    let folder = workspace.target.join("guided");
    let counts = folder.join("counts");
    let counting = step("building a program that counts what it does", || {
        let flag = format!("-Cprofile-generate={}", counts.display());
        cargo(workspace, package, flags, &folder.join("counting"), &flag)
    })?;
    let counted = folder.join(format!("{package}.profdata"));
    // No two trainings count the same, and by other counts all would be built anew.
    fingerprint::make(&counted, &[&counting, &core], training::WHAT, || {
        step("training it", || {
            training::train(&counting, &core, &folder.join("training"), &counts)
        })?;
        run(Command::new(&profdata)
            .args(["merge", "--output"])
            .args([&counted, &counts]))
    })?;
    let flag = format!("-Cprofile-use={}", counted.display());
    let program = step("building weirhouse by what was counted", || {
        cargo(workspace, package, flags, &folder.join("program"), &flag)
    })?;
    Ok(Some(program))
}

/// Builds with one flag more for all crates, in a folder of its own: cargo would build all anew for another one.
fn cargo(
    workspace: &Workspace,
    package: &str,
    flags: &[&str],
    folder: &Path,
    flag: &str,
) -> Result<PathBuf> {
    let triple = Architecture::own()?.triple();
    let given = env::var("RUSTFLAGS").unwrap_or_default();
    // The form in which a path may hold spaces.
    let all: Vec<&str> = given.split_whitespace().chain([flag]).collect();
    run(workspace
        .cargo("rustc")
        .args(["--release", "--package", package, "--bin", package])
        // With a target named, flags are not for what runs in the build.
        .args(["--target", &triple, "--target-dir"])
        .arg(folder)
        .env("CARGO_ENCODED_RUSTFLAGS", all.join("\x1f"))
        .arg("--")
        .args(flags))?;
    let name = format!("{package}{}", env::consts::EXE_SUFFIX);
    Ok(folder.join(triple).join("release").join(name))
}

/// The reader of counts of the compiler's own LLVM: of the toolchain, or of Debian.
fn llvm_profdata() -> Result<Option<PathBuf>> {
    let version = rust_std::llvm_version()?;
    let major = version.split('.').next().unwrap_or_default();
    let in_toolchain = rust_std::sysroot()?
        .join("lib/rustlib")
        .join(Architecture::own()?.triple())
        .join("bin/llvm-profdata");
    let candidates = [
        in_toolchain,
        PathBuf::from(format!("/usr/lib/llvm-{major}/bin/llvm-profdata")),
        PathBuf::from(format!("llvm-profdata-{major}")),
    ];
    let find = || candidates.iter().find(|it| tells_its_version(it)).cloned();
    if let Some(found) = find() {
        return Ok(Some(found));
    }
    step("rustup component add llvm-tools", || {
        rust_std::rustup(&["component", "add", "llvm-tools"])
    });
    let found = find();
    if found.is_none() {
        note(&format!(
            "there is no llvm-profdata of LLVM {major}, so the program is built without being trained: a tenth slower, \
             and 2 MiB more of it are resident. Install the component llvm-tools by rustup, or Debian's package llvm-{major}"
        ));
    }
    Ok(found)
}
