//! The running API against its own description, by schemathesis.

use std::env;
use std::process::Command;

use anyhow::{Context as _, Result};
use weirhouse_tests::program::Program;
use weirhouse_tests::skip::skip;

/// Cases per operation beside those that follow from the description.
const EXAMPLES: &str = "10";

#[test]
fn the_api_does_what_its_description_says() -> Result<()> {
    let Some(schemathesis) = env::var_os("WEIRHOUSE_SCHEMATHESIS") else {
        let reason = env::var("WEIRHOUSE_SCHEMATHESIS_MISSING")
            .unwrap_or_else(|_| "WEIRHOUSE_SCHEMATHESIS names no program".to_owned());
        return skip(&reason);
    };
    let parent = tempfile::tempdir()?;
    let data = parent.path().join("data");
    std::fs::create_dir(&data)?;
    // Nobody settles what is fetched here: those who wait get their turn soon.
    let config = data.join("weirhouse.toml");
    std::fs::write(config, "[cache]\nlease = \"50ms\"\n")?;
    let program = Program::start("demo", &data, &["--rate", "5"])?;
    let output = Command::new(schemathesis)
        .current_dir(parent.path())
        .arg("--config-file")
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/schemathesis/schemathesis.toml"
        ))
        .arg("run")
        .arg(format!("http://{}/v1/openapi.json", program.address))
        .args([
            "--header",
            &format!("Authorization: Bearer {}", program.token),
        ])
        // The same cases in every run.
        .args(["--generation-deterministic", "--max-examples", EXAMPLES])
        // It would wait for the end of a stream.
        .args(["--exclude-path", "/v1/stream"])
        .args([
            "--request-timeout",
            "120",
            "--no-color",
            "--continue-on-failure",
        ])
        .env("PYTHONUTF8", "1")
        .output()
        .context("cannot start schemathesis")?;
    let told = String::from_utf8_lossy(&output.stdout);
    let trouble = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}\n{trouble}");
    // What it found nothing wrong with, it must have looked at.
    assert!(told.contains("Test cases:"), "{told}");
    assert!(program.stop()? == 0);
    Ok(())
}
