//! Provides the compile target `wasm32-unknown-unknown`.
//!
//! If the standard library comes as source, it is built once and put into the toolchain; if the toolchain
//! cannot be written, it is built along with what needs it instead.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::progress::{note, step};
use crate::rust_std::{self, RustStd};
use crate::workspace::{Workspace, run};

/// The target's name: enough for a component that imports nothing from its host.
pub(crate) const NAME: &str = "wasm32-unknown-unknown";

/// The target, and where its standard library comes from.
pub(crate) struct WasmTarget(pub(crate) RustStd);

impl WasmTarget {
    /// Finds or provides the target.
    pub(crate) fn provide(workspace: &Workspace) -> Result<Self> {
        let std = match RustStd::provide(workspace, NAME)? {
            RustStd::Installed => RustStd::Installed,
            RustStd::FromSource(library) => install_from_source(workspace, library)?,
        };
        forget_other_std(workspace, &std)?;
        Ok(Self(std))
    }

    /// Cargo on one package for the target; profile and further arguments are the caller's.
    pub(crate) fn cargo(&self, workspace: &Workspace, subcommand: &str, package: &str) -> Command {
        let mut command = self.cargo_in(&workspace.root, workspace, subcommand);
        command.args(["--package", package]);
        command
    }

    /// Cargo for the target in the folder of any package, as a plugin's.
    pub(crate) fn cargo_in(
        &self,
        folder: &Path,
        workspace: &Workspace,
        subcommand: &str,
    ) -> Command {
        let mut command = workspace.cargo(subcommand);
        command.current_dir(folder).args(["--target", NAME]);
        // Flags in the user's environment are meant for the native compiler: a CPU or a linker named there
        // does not exist for this target.
        for name in [
            "RUSTFLAGS",
            "CARGO_ENCODED_RUSTFLAGS",
            "CARGO_BUILD_RUSTFLAGS",
        ] {
            command.env_remove(name);
        }
        self.0.along_with(&mut command, "std,panic_abort");
        command
    }
}

/// Removes what was built against another standard library than the one there is now.
///
/// Cargo tells compilers apart by their version, not by their libraries: it would go on using crates that the
/// compiler then refuses.
fn forget_other_std(workspace: &Workspace, std: &RustStd) -> Result<()> {
    let record = workspace.out_dir()?.join("std-for-wasm.libraries");
    let now = match std {
        RustStd::Installed => rust_std::libraries(NAME)?.join("\n"),
        RustStd::FromSource(library) => library.display().to_string(),
    };
    match fs::read_to_string(&record) {
        Ok(before) if before == now => return Ok(()),
        Ok(_) => {
            note(
                "the standard library is another one than before: what was built against it is removed",
            );
            remove_products(&workspace.target)?;
        }
        // A first build: nothing is known of another.
        Err(_) => {}
    }
    fs::write(&record, now).with_context(|| format!("cannot write {}", record.display()))
}

/// Removes what was built for the target, in the target folder and in those that builds made below it.
fn remove_products(target: &Path) -> Result<()> {
    let entries =
        fs::read_dir(target).with_context(|| format!("cannot read {}", target.display()))?;
    let below = entries.flatten().map(|entry| entry.path());
    for built in below
        .chain([target.to_owned()])
        .map(|folder| folder.join(NAME))
    {
        if built.is_dir() {
            note(&format!("removing {}", built.display()));
            fs::remove_dir_all(&built)
                .with_context(|| format!("cannot remove {}", built.display()))?;
        }
    }
    Ok(())
}

/// Builds the standard library once and copies it into the toolchain, if that is writable.
fn install_from_source(workspace: &Workspace, library: PathBuf) -> Result<RustStd> {
    let sysroot = rust_std::sysroot()?;
    let home = sysroot.join("lib/rustlib").join(NAME);
    let partial = sysroot.join("lib/rustlib").join(format!("{NAME}.partial"));
    // Left over from an interrupted run, or absent.
    let _ = fs::remove_dir_all(&partial);
    if let Err(error) = fs::create_dir(&partial) {
        note(&format!(
            "the toolchain in {} cannot be written ({error}):",
            sysroot.display()
        ));
        note("the standard library is built along with the component instead");
        return Ok(RustStd::FromSource(library));
    }
    let result = step(&format!("building the standard library for {NAME}"), || {
        note(&format!("it is then written to {}", home.display()));
        note(&format!(
            "remove that folder to undo it; the source is {}",
            library.display()
        ));
        let libraries = partial.join("lib");
        fs::create_dir(&libraries)?;
        for rlib in build_rlibs(workspace, &library)? {
            fs::copy(
                &rlib,
                libraries.join(rlib.file_name().unwrap_or(OsStr::new("unnamed"))),
            )?;
        }
        // An empty folder may remain of a target that was removed; a folder with files in it is not ours.
        let _ = fs::remove_dir(home.join("lib"));
        let _ = fs::remove_dir(&home);
        fs::rename(&partial, &home)
            .with_context(|| format!("cannot put the libraries into {}", home.display()))?;
        anyhow::Ok(())
    });
    if result.is_err() {
        let _ = fs::remove_dir_all(&partial);
    }
    result?;
    if !rust_std::installed(NAME)? {
        bail!(
            "the standard library was built, yet {} does not hold it",
            home.display()
        );
    }
    Ok(RustStd::Installed)
}

/// Builds an empty library with the standard library from source; returns the standard library's files.
fn build_rlibs(workspace: &Workspace, library: &Path) -> Result<Vec<PathBuf>> {
    let dir = workspace.out_dir()?.join("std-for-wasm");
    fs::create_dir_all(&dir)?;
    fs::write(
        dir.join("Cargo.toml"),
        "[workspace]\n[package]\nname = \"empty\"\nedition = \"2024\"\n[lib]\npath = \"empty.rs\"\ncrate-type = [\"cdylib\"]\n",
    )?;
    fs::write(
        dir.join("empty.rs"),
        "//! Only a reason to build the standard library.\n",
    )?;
    let target = dir.join("target");
    // Old libraries would be copied along with the new.
    let _ = fs::remove_dir_all(&target);

    let mut command = workspace.cargo("build");
    rust_std::build(&mut command, library, "std,panic_abort");
    command
        .current_dir(&dir)
        .args(["--release", "--target", NAME, "--target-dir"])
        .arg(&target)
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        // Without bitcode a guest with fat link-time optimization cannot be linked against it.
        .env("RUSTFLAGS", "-Cembed-bitcode=yes");
    run(&mut command)?;

    let built = target.join(NAME).join("release/deps");
    let mut rlibs = Vec::new();
    for entry in fs::read_dir(&built).with_context(|| format!("cannot read {}", built.display()))? {
        let path = entry?.path();
        if path.extension() == Some(OsStr::new("rlib")) {
            rlibs.push(path);
        }
    }
    if rlibs.is_empty() {
        bail!(
            "building the standard library left nothing in {}",
            built.display()
        );
    }
    Ok(rlibs)
}
