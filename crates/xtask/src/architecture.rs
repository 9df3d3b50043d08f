//! The architectures of the app, and how programs are built for one of them.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::rust_std::RustStd;
use crate::workspace::{Workspace, run, tells_its_version};

/// What the app runs on, as Rust calls it.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Architecture {
    /// 64-bit ARM, as of a Raspberry Pi
    Aarch64,
    /// 64-bit Intel and AMD
    #[value(name = "x86_64")]
    X86_64,
}

impl Architecture {
    /// That of this machine.
    pub(crate) fn own() -> Result<Self> {
        let mut known = Self::value_variants().iter().copied();
        known
            .find(|architecture| architecture.name() == std::env::consts::ARCH)
            .with_context(|| format!("the app does not run on {}", std::env::consts::ARCH))
    }

    fn name(self) -> &'static str {
        match self {
            Self::Aarch64 => "aarch64",
            Self::X86_64 => "x86_64",
        }
    }

    /// The target of programs for it.
    pub(crate) fn triple(self) -> String {
        format!("{}-unknown-linux-gnu", self.name())
    }

    /// The linker of the target, as Debian names it.
    fn linker(self) -> String {
        format!("{}-linux-gnu-gcc", self.name())
    }

    /// What holds that linker, in Debian.
    fn packages(self) -> &'static str {
        match self {
            Self::Aarch64 => "gcc-aarch64-linux-gnu and libc6-dev-arm64-cross",
            Self::X86_64 => "gcc-x86-64-linux-gnu and libc6-dev-amd64-cross",
        }
    }
}

/// Builds programs for one architecture.
pub(crate) enum Programs {
    /// That of this machine.
    Own,
    /// Another one.
    Other(Architecture, RustStd),
}

impl Programs {
    /// Finds or provides what builds for it.
    pub(crate) fn of(workspace: &Workspace, architecture: Architecture) -> Result<Self> {
        if architecture.name() == std::env::consts::ARCH {
            return Ok(Self::Own);
        }
        let linker = architecture.linker();
        if !tells_its_version(&linker) {
            bail!(
                "there is no {linker}, which links programs for {}: install it, on Debian with the packages {}, then \
                 repeat the command",
                architecture.name(),
                architecture.packages()
            );
        }
        let std = RustStd::provide(workspace, &architecture.triple())?;
        Ok(Self::Other(architecture, std))
    }

    /// The folder below the target folder for what the image installs.
    pub(crate) fn folder(&self) -> String {
        match self {
            Self::Own => "dist".to_owned(),
            Self::Other(architecture, _) => format!("dist-{}", architecture.name()),
        }
    }

    /// Builds the program of a package; gives its path.
    pub(crate) fn build(
        &self,
        workspace: &Workspace,
        package: &str,
        profile: &str,
        features: &[&str],
        flags: &[&str],
    ) -> Result<PathBuf> {
        let mut command = workspace.cargo("rustc");
        command.args(["--profile", profile, "--package", package, "--bin", package]);
        let mut built = workspace.target.clone();
        if let Self::Other(architecture, std) = self {
            let triple = architecture.triple();
            let variable = triple.to_uppercase().replace('-', "_");
            command.args(["--target", &triple]).env(
                format!("CARGO_TARGET_{variable}_LINKER"),
                architecture.linker(),
            );
            std.along_with(&mut command, "std,panic_abort,panic_unwind");
            built.push(triple);
        }
        run(command.args(features).arg("--").args(flags))?;
        let name = format!("{package}{}", std::env::consts::EXE_SUFFIX);
        Ok(built.join(profile).join(name))
    }
}
