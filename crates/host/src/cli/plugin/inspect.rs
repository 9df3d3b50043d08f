//! `weirhouse plugin inspect`: what a component is and wants.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use weirhouse_runner::plugin::Package;

use super::super::exit::Failure;
use super::super::output;
use super::Tried;

/// Show what a component is and wants, without running more than its description
#[derive(Debug, Args)]
pub(super) struct Inspect {
    /// A component, or the core module of one
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

impl Inspect {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let tried = Tried::load(&self.file)?;
        let package = &tried.made.package;
        let text = if self.json {
            format!("{:#}\n", as_json(package, &tried.made.sha256))
        } else {
            described(package, &tried.made.sha256, tried.made.component.len())
        };
        output::write(text.as_bytes())
    }
}

fn as_json(package: &Package, sha256: &str) -> serde_json::Value {
    let about = package.description();
    let surface = package.surface();
    let names = |names: &mut dyn Iterator<Item = String>| names.collect::<Vec<_>>();
    json!({
        "name": about.name,
        "version": about.version,
        "summary": about.summary,
        "author": about.author,
        "licence": about.licence,
        "sha256": sha256,
        "interface": surface.api_version,
        "imports": names(&mut surface.imports.iter().map(ToString::to_string)),
        "exports": names(&mut surface.exports.iter().map(ToString::to_string)),
        "functions": about.functions,
        "capabilities": about.capabilities,
        "claims": about.claims.iter().map(|claim| json!({
            "entities": claim.entities,
            "device_classes": claim.device_classes,
            "entries": claim.entries,
        })).collect::<Vec<_>>(),
        "settings": about.settings.iter().map(|setting| json!({
            "name": setting.name,
            "summary": setting.summary,
            "kind": setting.kind,
            "default": setting.default,
        })).collect::<Vec<_>>(),
    })
}

/// The same for people.
pub(super) fn described(package: &Package, sha256: &str, bytes: usize) -> String {
    let about = package.description();
    let mut text = String::new();
    let mut line = |what: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(text, "{what:11}{value}");
        }
    };
    line("name", &about.name);
    line("version", &about.version);
    line("summary", &about.summary);
    line("author", &about.author);
    line("licence", &about.licence);
    line("sha256", sha256);
    line("size", &format!("{} KiB", bytes.div_ceil(1024)));
    line(
        "interface",
        &format!("weirhouse:plugin {}", package.surface().api_version),
    );
    line("decides", &about.functions.join(", "));
    let needs = match package.needs() {
        Ok(needs) if needs.is_empty() => "nothing".to_owned(),
        Ok(needs) => needs
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", "),
        Err(unknown) => format!("{}, which there is not", unknown.join(", ")),
    };
    line("needs", &needs);
    for claim in &about.claims {
        let mut parts = Vec::new();
        for (what, globs) in [
            ("entities", &claim.entities),
            ("device classes", &claim.device_classes),
            ("cache entries", &claim.entries),
        ] {
            if !globs.is_empty() {
                parts.push(format!("{what} {}", globs.join(", ")));
            }
        }
        line("claims", &parts.join("; "));
    }
    for setting in &about.settings {
        let default = &setting.default;
        line(
            "setting",
            &format!(
                "{} ({}, {default}): {}",
                setting.name, setting.kind, setting.summary
            ),
        );
    }
    text
}
