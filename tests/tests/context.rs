//! The home in words, from the program itself with its simulated home.

use anyhow::{Context as _, Result};
use serde_json::Value;
use weirhouse_tests::program::Program;

#[test]
fn a_model_is_told_the_home_within_its_budget() -> Result<()> {
    let parent = tempfile::tempdir()?;
    let data = parent.path().join("data");
    std::fs::create_dir(&data)?;
    let program = Program::start("demo", &data, &["--rate", "20"])?;
    program.wait_for_stats("a home", |stats| {
        stats["home"]["entities"].as_u64().unwrap_or_default() > 0
    })?;
    for format in ["text", "markdown", "json"] {
        for budget in [128_u32, 300, 20_000] {
            let path = format!("/v1/context?format={format}&budget={budget}");
            let answer = program.get(&path)?;
            assert_eq!(answer.status, 200, "{}", answer.text());
            let tokens: u32 = answer.header("weirhouse-tokens").parse()?;
            assert!(tokens <= budget && tokens > 0, "{tokens} of {budget}");
            let omitted: u32 = answer.header("weirhouse-omitted").parse()?;
            assert_eq!(omitted == 0, budget == 20_000, "{path}");
        }
    }
    let json: Value = serde_json::from_str(&program.get("/v1/context?format=json")?.text())?;
    let sections = json["sections"].as_array().context("there are sections")?;
    let name = sections[0]["lines"][0]["name"].as_str().unwrap_or_default();
    let words = name.replace(' ', "+");
    let asked = program.get(&format!("/v1/context?budget=128&query={words}"))?;
    assert!(asked.text().contains(name), "{}", asked.text());
    let area = sections[0]["id"].as_str().unwrap_or_default();
    let one = program.get(&format!("/v1/context?format=json&area={area}"))?;
    let one: Value = serde_json::from_str(&one.text())?;
    assert_eq!(one["sections"].as_array().map(Vec::len), Some(1));

    assert_eq!(program.get("/v1/context?near=nowhere_at_all")?.status, 400);
    assert_eq!(program.get("/v1/context?budget=1")?.status, 400);
    let metrics = program.get("/metrics")?.text();
    assert!(
        metrics.contains("weirhouse_context_reused_total"),
        "{metrics}"
    );
    assert_eq!(program.stop()?, 0);
    Ok(())
}
