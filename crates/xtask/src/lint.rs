//! `cargo xtask lint`: format and lints of every package, no warning allowed, a page that its sources build, and WIT that
//! runs what was built for its releases.

use std::process::ExitCode;

use anyhow::Result;

use crate::page;
use crate::plugins;
use crate::progress::{note, step};
use crate::provided;
use crate::wasm_target::WasmTarget;
use crate::wit_versions;
use crate::workspace::{Workspace, run as run_command};

/// Checks all packages, so that one run shows everything there is to mend.
pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    let mut failed = Vec::new();
    let mut check = |what: &str, command: &mut std::process::Command| {
        if step(&format!("checking {what}"), || run_command(command)).is_err() {
            failed.push(what.to_owned());
        }
    };
    check("format", workspace.cargo("fmt").args(["--all", "--check"]));
    let target = WasmTarget::provide(workspace)?;
    for package in &workspace.packages {
        let mut clippy = if package.only_for_wasm() {
            target.cargo(workspace, "clippy", &package.name)
        } else {
            let mut clippy = workspace.cargo("clippy");
            clippy.args(["--package", &package.name, "--all-targets"]);
            clippy
        };
        check(
            &package.name,
            clippy.args(["--quiet", "--", "-D", "warnings"]),
        );
    }
    for source in plugins::packages(workspace)? {
        let name = plugins::name(&source);
        // Where lines break in a template depends on the name that it gets.
        if !plugins::is_template(&source) {
            let mut format = workspace.cargo("fmt");
            check(
                &format!("format of {name}"),
                format.current_dir(&source).arg("--check"),
            );
        }
        let mut clippy = target.cargo_in(&source, workspace, "clippy");
        clippy
            // With what generates bindings as their builds have it.
            .args(["--quiet", "--lib", "--examples", "--release"])
            .args(plugins::lock(&source))
            .arg("--target-dir")
            .arg(plugins::target_dir(workspace))
            .args(["--", "-D", "warnings"]);
        check(&name, &mut clippy);
    }
    match step("checking the WIT of plugins", || {
        wit_versions::check(workspace)
    }) {
        Ok(releases) => note(&format!("compatible releases: {}", releases.len())),
        Err(error) => {
            note(&format!("{error:#}"));
            failed.push("the WIT of plugins".to_owned());
        }
    }
    match page::lacking() {
        None => {
            if let Err(error) = page::check(workspace) {
                note(&format!("{error:#}"));
                failed.push("the page".to_owned());
            }
        }
        Some(lacking) => {
            note(&format!("the page is not checked: that needs {lacking}"));
            if provided::requires_all() {
                failed.push("the page".to_owned());
            }
        }
    }
    if failed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    note(&format!("to be mended: {}", failed.join(", ")));
    Ok(ExitCode::FAILURE)
}
