//! The harness in scenarios whose outcome is known.

use std::fs;
use std::path::Path;

use weirhouse_plugin::numbers::{Numbers, Ruling};
use weirhouse_plugin::testing::{Harness, ScenarioError};
use weirhouse_plugin::{Claim, Decision, Description, Function, Observation, Plugin};

/// Has no opinion on anything.
#[derive(Default)]
struct Silent;

impl Plugin for Silent {
    fn describe() -> Description {
        Description::new("silent", "0.1.0", "Has no opinion").decides(Function::Judge)
    }
}

/// Puts numbers off by ten seconds, and holds text.
#[derive(Default)]
struct Slow;

impl Plugin for Slow {
    fn describe() -> Description {
        Description::new("slow", "0.1.0", "Has time")
            .claim(Claim::entities("sensor.*"))
            .decides(Function::Judge)
            .decides(Function::JudgeNumbers)
    }

    fn reasons() -> &'static [&'static str] {
        &["there is time"]
    }

    fn judge(&mut self, _now: u64, batch: &[Observation]) -> Result<Vec<Decision>, String> {
        let decide = |_: &Observation| Decision::suppress("text");
        Ok(batch.iter().map(decide).collect())
    }

    fn judge_numbers(&mut self, _now: u64, batch: &Numbers) -> Result<Vec<Ruling>, String> {
        Ok(batch.iter().map(|_| Ruling::defer(10_000, 0)).collect())
    }
}

weirhouse_plugin::export!(Silent);
weirhouse_plugin::export!(Slow);

#[test]
fn without_an_opinion_a_scenario_ends_as_without_a_plugin() {
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/scenarios");
    let folders = fs::read_dir(&scenarios).unwrap();
    let files = folders.filter_map(|folder| fs::read_dir(folder.unwrap().path()).ok());
    let mut ran = 0;
    for entry in files.flatten() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let is_scenario = path.extension().is_some_and(|it| it == "jsonl");
        if !is_scenario || name.ends_with(".expected.jsonl") {
            continue;
        }
        let outcome = match Harness::<Silent>::new().scenario(&path) {
            Ok(outcome) => outcome,
            // It has lines that no plugin has to do with.
            Err(ScenarioError::Malformed(..)) => continue,
            Err(error) => panic!("{error}"),
        };
        let expected = fs::read_to_string(path.with_extension("expected.jsonl")).unwrap();
        assert_eq!(outcome, expected, "{name}");
        ran += 1;
    }
    assert!(ran >= 9, "only {ran} could be run");
}

#[test]
fn advice_shows_in_a_scenario() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("slow.jsonl");
    let lines = [
        r#"{"at": 0, "observe": {"entity": "sensor.a", "value": 1}}"#,
        r#"{"at": 1000, "observe": {"entity": "sensor.a", "value": 2}}"#,
        r#"{"at": 2000, "observe": {"entity": "sensor.a", "value": "three"}}"#,
        r#"{"at": 20000, "observe": {"entity": "sensor.a", "value": 4}}"#,
        r#"{"at": 40000, "advance": {}}"#,
    ];
    fs::write(&path, lines.join("\n")).unwrap();
    let outcome = Harness::<Slow>::new().scenario(&path).unwrap();
    let expected = [
        r#"{"at":0,"observe":{"verdict":"publish","reason":"first","published":1}}"#,
        r#"{"at":1000,"observe":{"verdict":"suppress","reason":"held","published":1}}"#,
        r#"{"at":2000,"observe":{"verdict":"suppress","reason":"held","published":1}}"#,
        r#"{"at":11000,"publish":{"entity":"sensor.a","value":"three","reason":"deferred"}}"#,
        r#"{"at":20000,"observe":{"verdict":"suppress","reason":"held","published":"three"}}"#,
        r#"{"at":40000,"advance":"ok"}"#,
        "",
    ];
    assert_eq!(outcome, expected.join("\n"));

    fs::write(
        &path,
        "{\"at\": 0, \"put\": {\"key\": \"a\", \"value\": 1}}",
    )
    .unwrap();
    let error = Harness::<Slow>::new().scenario(&path).unwrap_err();
    assert!(error.to_string().contains("slow.jsonl:1: `put`"), "{error}");
}
