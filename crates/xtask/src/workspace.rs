//! Where the workspace and its products are, and how cargo is called from here.
//!
//! Calls cargo by package, never for the whole workspace: that would unify features, and with them put
//! the compiler's code generator into the daemon.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// The workspace this program was built from.
pub(crate) struct Workspace {
    /// Folder of the workspace's `Cargo.toml`.
    pub(crate) root: PathBuf,
    /// Cargo's target folder, which the user may have moved.
    pub(crate) target: PathBuf,
    /// The workspace's packages, in cargo's order.
    pub(crate) packages: Vec<Package>,
}

/// What `cargo metadata` says of one package; other fields are ignored.
#[derive(Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    crate_types: Vec<String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    target_directory: PathBuf,
    workspace_root: PathBuf,
}

impl Package {
    /// Whether all it builds are dynamic libraries for a WebAssembly host: nothing to run natively.
    pub(crate) fn only_for_wasm(&self) -> bool {
        self.targets
            .iter()
            .all(|target| target.crate_types == ["cdylib"])
    }
}

impl Workspace {
    /// Asks cargo about the workspace that holds this crate.
    pub(crate) fn load() -> Result<Self> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        let mut command = Command::new(cargo());
        command
            .args([
                "metadata",
                "--no-deps",
                "--format-version=1",
                "--manifest-path",
            ])
            .arg(manifest);
        let json = output(&mut command)?;
        let metadata: Metadata =
            serde_json::from_str(&json).context("cargo metadata answered something unexpected")?;
        Ok(Self {
            root: metadata.workspace_root,
            target: metadata.target_directory,
            packages: metadata.packages,
        })
    }

    /// `target/weirhouse`, where these commands put what they make; created if missing.
    pub(crate) fn out_dir(&self) -> Result<PathBuf> {
        let dir = self.target.join("weirhouse");
        fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
        Ok(dir)
    }

    /// Cargo in the workspace's root, building for this machine.
    ///
    /// The user's `RUSTFLAGS` stay: they are meant for this machine. A default target from the
    /// environment does not, because the products are looked for where cargo puts native ones.
    pub(crate) fn cargo(&self, subcommand: &str) -> Command {
        let mut command = Command::new(cargo());
        command
            .current_dir(&self.root)
            .arg(subcommand)
            .env_remove("CARGO_BUILD_TARGET");
        // `cargo run` describes this crate to us in the environment; that must not look like a description
        // of the crates that the nested cargo builds.
        for (name, _) in env::vars_os() {
            let describes_us = name.to_str().is_some_and(|name| {
                name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
            });
            if describes_us {
                command.env_remove(name);
            }
        }
        command
    }
}

/// The cargo that runs this program, so that nested builds use the same toolchain.
pub(crate) fn cargo() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Runs a command whose output goes through to the user.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot run {}", shown(command)))?;
    if !status.success() {
        bail!("{} failed ({status})", shown(command));
    }
    Ok(())
}

/// Runs a command and returns its standard output without the final line break; errors go through.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stderr(std::process::Stdio::inherit())
        .output()
        .with_context(|| format!("cannot run {}", shown(command)))?;
    if !output.status.success() {
        bail!("{} failed ({})", shown(command), output.status);
    }
    let text = String::from_utf8(output.stdout)
        .with_context(|| format!("{} wrote no UTF-8", shown(command)))?;
    Ok(text.trim_end().to_owned())
}

/// Whether a program is there and runs.
pub(crate) fn tells_its_version(program: impl AsRef<OsStr>) -> bool {
    let asked = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    asked.is_ok_and(|status| status.success())
}

/// A command as a person would type it, for messages.
pub(crate) fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut text = program
        .file_name()
        .unwrap_or(program.as_os_str())
        .to_string_lossy()
        .into_owned();
    for argument in command.get_args() {
        text.push(' ');
        text.push_str(&argument.to_string_lossy());
    }
    text
}
