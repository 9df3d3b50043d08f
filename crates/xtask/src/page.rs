//! `cargo xtask page`: the page of the program, built from its sources.
//!
//! The product is committed, so that building the program needs no Node.js; the check tells when the two differ.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};

use crate::fingerprint;
use crate::progress::{note, step};
use crate::workspace::{Workspace, run as run_command};

/// The oldest Node.js that the build tool runs with.
const NODE: (u32, u32) = (20, 19);

/// Builds the page and puts it where the program takes it from, or, with `check`, only compares the two.
pub(crate) fn run(workspace: &Workspace, check: bool) -> Result<ExitCode> {
    if let Some(lacking) = lacking() {
        bail!("building the page needs {lacking}");
    }
    if check {
        self::check(workspace)?;
        return Ok(ExitCode::SUCCESS);
    }
    let built = build(workspace)?;
    let product = product(workspace);
    fs::copy(&built, &product)
        .with_context(|| format!("cannot copy the page to {}", product.display()))?;
    note(&format!("wrote {}", product.display()));
    Ok(ExitCode::SUCCESS)
}

/// Fails if the committed page is not what its sources build.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let built = build(workspace)?;
    let product = product(workspace);
    if fingerprint::sha256_of(&built)? != fingerprint::sha256_of(&product)? {
        bail!(
            "{} is not what crates/host/page builds: run `cargo xtask page`",
            product.display()
        );
    }
    Ok(())
}

/// What this machine lacks to build the page, if anything.
pub(crate) fn lacking() -> Option<String> {
    let (major, minor) = NODE;
    let needed = format!("Node.js {major}.{minor} or newer with npm");
    let version = |program| {
        let output = Command::new(program)
            .arg("--version")
            .stderr(Stdio::null())
            .output();
        let output = output.ok().filter(|output| output.status.success())?;
        String::from_utf8(output.stdout).ok()
    };
    let Some(node) = version("node") else {
        return Some(needed);
    };
    let mut numbers = node.trim().trim_start_matches('v').split('.');
    let mut number = || numbers.next().and_then(|text| text.parse::<u32>().ok());
    let found = number().zip(number());
    if found.is_none_or(|found| found < NODE) {
        return Some(format!("{needed}, and not {}", node.trim()));
    }
    version("npm").is_none().then_some(needed)
}

fn product(workspace: &Workspace) -> PathBuf {
    workspace.root.join("crates/host/src/page/index.html")
}

/// Installs what the lock file names, unless that was done, and builds into the target folder.
fn build(workspace: &Workspace) -> Result<PathBuf> {
    let sources = workspace.root.join("crates/host/page");
    let npm = |arguments: &[&str]| {
        let mut npm = Command::new("npm");
        npm.current_dir(&sources)
            .args(arguments)
            .stdin(Stdio::null())
            // The compiler of TypeScript reports faults there.
            .stdout(io::stderr());
        npm
    };
    // npm's own record of what is installed; it is written last.
    let installed = sources.join("node_modules/.package-lock.json");
    let (lock, manifest) = (
        sources.join("package-lock.json"),
        sources.join("package.json"),
    );
    fingerprint::make(&installed, &[&lock, &manifest], "", || {
        step("installing what builds the page", || {
            run_command(&mut npm(&[
                "ci",
                "--ignore-scripts",
                "--no-audit",
                "--no-fund",
            ]))
        })
    })?;
    let folder = workspace.out_dir()?.join("page");
    let out = folder.display().to_string();
    step("building the page", || {
        run_command(&mut npm(&[
            "run",
            "--silent",
            "build",
            "--",
            "--outDir",
            &out,
            "--emptyOutDir",
            "--logLevel",
            "warn",
        ]))
    })?;
    Ok(folder.join("index.html"))
}
