//! The harness itself: a real Home Assistant starts, is driven, and restarts as the same one.

use anyhow::{Context as _, Result};
use serde_json::json;
use weirhouse_tests::home_assistant::{ConfigFolderOptions, HomeAssistant};

#[test]
fn keeps_states_while_it_runs_and_its_token_for_ever() -> Result<()> {
    let options = ConfigFolderOptions::default();
    let Some(mut home_assistant) = HomeAssistant::start_or_skip(&options)? else {
        return Ok(());
    };

    for number in 0..50 {
        let attributes = json!({ "unit_of_measurement": "W", "number": number });
        home_assistant.set_state(
            &format!("sensor.meter_{number:02}"),
            &format!("{}.5", number * 10),
            &attributes,
        )?;
    }
    let states = home_assistant.states()?;
    for number in 0..50 {
        let id = format!("sensor.meter_{number:02}");
        let found = states
            .iter()
            .find(|state| state.entity_id == id)
            .with_context(|| format!("{id} is missing"))?;
        assert_eq!(found.state, format!("{}.5", number * 10));
        assert_eq!(found.attributes["number"], number);
    }
    // The demo, the template sensors and the input numbers are there beside ours.
    assert!(
        states
            .iter()
            .any(|state| state.entity_id.starts_with("light.")),
        "no light of the demo"
    );
    for (prefix, expected) in [
        ("sensor.noisy_", options.noisy_sensors),
        ("input_number.base_", options.input_numbers),
    ] {
        let found = states
            .iter()
            .filter(|state| state.entity_id.starts_with(prefix))
            .count();
        assert_eq!(found, usize::from(expected), "{prefix}…");
    }

    home_assistant.remove_state("sensor.meter_00")?;
    assert_eq!(home_assistant.state("sensor.meter_00")?, None);
    let base = json!({ "entity_id": "input_number.base_00", "value": 77.5 });
    home_assistant.call_service("input_number", "set_value", &base)?;
    let base = home_assistant
        .state("input_number.base_00")?
        .context("the input number is missing")?;
    assert_eq!(base.state, "77.5");

    let (url, token, pid) = (
        home_assistant.url().to_owned(),
        home_assistant.token().to_owned(),
        home_assistant.pid(),
    );
    home_assistant.restart()?;
    assert_ne!(home_assistant.pid(), pid, "it is a new process");
    assert_eq!(
        (home_assistant.url(), home_assistant.token()),
        (&*url, &*token)
    );
    // Answers with the same token; states that no integration stands behind are gone, as they ought to be.
    assert!(home_assistant.state("input_number.base_00")?.is_some());
    assert_eq!(home_assistant.state("sensor.meter_01")?, None);

    home_assistant.stop()?;
    assert!(
        home_assistant.states().is_err(),
        "it still answers after it was stopped"
    );
    Ok(())
}
