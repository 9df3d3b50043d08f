//! A program that reports what it reads, far more often than it matters, over
//! real connections.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use weirhouse_tests::program::Program;
use weirhouse_tests::stream::Events;

const NOISY: usize = 300;

fn report(program: &Program, value: f64) -> Result<Value> {
    let attributes = json!({ "device_class": "temperature", "unit_of_measurement": "°C" });
    let reading = json!({ "entity": "sensor.flow", "value": value, "attributes": attributes });
    let body = json!({ "readings": [reading] }).to_string();
    let answer = program.post("/v1/readings", body.as_bytes())?;
    ensure!(answer.status == 200, "{}", answer.text());
    let mut answer: Value = serde_json::from_slice(&answer.body)?;
    Ok(answer["readings"][0].take())
}

#[test]
fn a_noisy_source_costs_its_readers_one_event_and_a_step_another() -> Result<()> {
    let parent = tempfile::tempdir()?;
    let data = parent.path().join("data");
    std::fs::create_dir(&data)?;
    let program = Program::start("demo", &data, &["--rate", "50"])?;
    let mut events = Events::open(&program, "entity=sensor.flow", "")?;
    let mut next = || -> Result<(String, String)> {
        let event = events.read()?;
        ensure!(event.name == "update", "{event:?}");
        let text = |member: &str| event.data[member].as_str().map(str::to_owned);
        text("state").zip(text("reason")).context("no state")
    };

    // Noise of less than half a degree, which is the preset.
    for number in 0..NOISY {
        let judged = report(&program, 21.0 + (number % 9) as f64 * 0.05)?;
        let expected = if number == 0 {
            "published"
        } else {
            "suppressed"
        };
        ensure!(judged["verdict"] == expected, "{number}: {judged}");
    }
    assert_eq!(next()?, ("21.0".to_owned(), "first".to_owned()));
    assert_eq!(report(&program, 24.5)?["verdict"], "published");
    assert_eq!(next()?, ("24.5".to_owned(), "threshold".to_owned()));

    let listed = program.json("/v1/readings")?;
    let flow = &listed["readings"][0];
    assert_eq!(flow["observed"], NOISY + 1);
    assert_eq!(flow["suppressed"], NOISY - 1);
    assert_eq!(program.delete("/v1/readings/sensor.flow")?.status, 204);
    let gone = events.read()?;
    assert_eq!(
        (&gone.data["state"], &gone.data["reason"]),
        (&Value::Null, &json!("removed"))
    );
    assert_eq!(program.stop()?, 0);
    Ok(())
}
