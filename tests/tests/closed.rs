//! The core is closed: its component imports nothing that does anything.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use weirhouse_tests::component;

#[test]
fn loading_needs_nothing_from_outside() -> Result<()> {
    // The runner's linker is empty, so any needed import would fail this.
    let engine = weirhouse_runner::Engine::new()?;
    weirhouse_runner::Component::load(&engine, &component::path()?)?;
    Ok(())
}

#[test]
fn only_the_runner_names_wasmtime_and_only_the_host_opens_ports() -> Result<()> {
    let crates: PathBuf = [env!("CARGO_MANIFEST_DIR"), "../crates"].iter().collect();
    let manifest = |name: &str| {
        let path = crates.join(name).join("Cargo.toml");
        std::fs::read_to_string(&path).with_context(|| path.display().to_string())
    };
    let forbidden = [
        ("core", &["tokio", "wasmtime", "weirhouse-", "std"][..]),
        (
            "component",
            &["tokio", "wasmtime", "weirhouse-hass", "weirhouse-runner"],
        ),
        ("runner", &["tokio", "weirhouse-core", "weirhouse-hass"]),
        (
            "hass",
            &[
                "wasmtime",
                "weirhouse-core",
                "weirhouse-runner",
                "axum",
                "redb",
            ],
        ),
        // WebSockets are served here; those to Home Assistant are dialled in `hass`.
        ("host", &["wasmtime", "weirhouse-core"]),
    ];
    for (name, words) in forbidden {
        let text = manifest(name)?;
        let dependencies = text
            .split("[dependencies]")
            .nth(1)
            .context("no dependencies")?;
        let dependencies = dependencies.split("\n[").next().unwrap_or_default();
        for line in dependencies.lines() {
            let dependency = line.split(['.', ' ', '=']).next().unwrap_or_default();
            for word in words {
                assert!(
                    dependency != *word && !(word.ends_with('-') && dependency.starts_with(word)),
                    "crates/{name} must not depend on {dependency}"
                );
            }
        }
    }
    Ok(())
}
