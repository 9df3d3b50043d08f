//! What a client is told by Weirhouse, held against what Home Assistant tells it.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use weirhouse_tests::foreign_client::ForeignClient;
use weirhouse_tests::home_assistant::{Commands, HomeAssistant};
use weirhouse_tests::program::{PATIENCE, Program};

/// What Weirhouse answers itself, and some of what passes. Home Assistant's order counts in lists.
const LISTS: [&str; 9] = [
    "get_services",
    "config/entity_registry/list",
    "config/entity_registry/list_for_display",
    "config/device_registry/list",
    "config/area_registry/list",
    "config/floor_registry/list",
    "config/label_registry/list",
    "get_config",
    "auth/current_user",
];

/// Every answer is the same, also right after something was changed by the one who asks.
pub(crate) fn of_answers(home: &HomeAssistant, weirhouse: &Program) -> Result<()> {
    let mut direct = home.commands()?;
    let mut through = Commands::connect(weirhouse.address.port(), home.token())?;
    for kind in LISTS {
        until_equal(kind, || {
            Ok([
                direct.result(json!({ "type": kind }))?,
                through.result(json!({ "type": kind }))?,
            ])
        })?;
    }
    of_states(&mut direct, &mut through)?;

    // What a client changed itself is in the list that it asks for next, and in the order that was asked for.
    for name in ["Cellar", "Attic", "Hall"] {
        let area =
            through.result(json!({ "type": "config/area_registry/create", "name": name }))?;
        let listed = through.result(json!({ "type": "config/area_registry/list" }))?;
        assert!(
            listed.as_array().context("no list")?.contains(&area),
            "{listed}"
        );
    }
    let areas = direct.result(json!({ "type": "config/area_registry/list" }))?;
    let mut ids: Vec<&str> = areas
        .as_array()
        .context("no list")?
        .iter()
        .filter_map(|area| area["area_id"].as_str())
        .collect();
    ids.reverse();
    let reorder = json!({ "type": "config/area_registry/reorder", "area_ids": ids });
    through.result(reorder)?;
    until_equal("the order of areas", || {
        let list = json!({ "type": "config/area_registry/list" });
        Ok([direct.result(list.clone())?, through.result(list)?])
    })?;
    for (state, number) in [("on", 1), ("off", 2)] {
        through.result(json!({
            "type": "call_service", "domain": "input_boolean", "service": format!("turn_{state}"),
            "target": { "entity_id": "input_boolean.lamp" }, "service_data": {},
        }))?;
        let states = through.result(json!({ "type": "get_states" }))?;
        let lamp = states.as_array().context("no list")?.iter();
        let lamp = lamp
            .filter(|it| it["entity_id"] == "input_boolean.lamp")
            .collect::<Vec<_>>();
        assert_eq!(
            (lamp.len(), &lamp[0]["state"]),
            (1, &json!(state)),
            "{number}"
        );
    }
    Ok(())
}

fn of_states(direct: &mut Commands, through: &mut Commands) -> Result<()> {
    let listed = |commands: &mut Commands| -> Result<Value> {
        let states = commands.result(json!({ "type": "get_states" }))?;
        let states = states.as_array().context("no list")?.iter().map(|it| {
            let id = it["entity_id"].as_str().unwrap_or_default().to_owned();
            (id, state(it))
        });
        Ok(json!(states.collect::<BTreeMap<_, _>>()))
    };
    until_equal("get_states", || Ok([listed(direct)?, listed(through)?]))
}

/// Both clients hold the same collection of entities, once.
pub(crate) fn of_collections(
    direct: &mut ForeignClient,
    through: &mut ForeignClient,
) -> Result<()> {
    of_domain("", direct, through)
}

/// The second holds, of the entities of the first, those whose identifiers begin like this.
pub(crate) fn of_domain(
    prefix: &str,
    direct: &mut ForeignClient,
    through: &mut ForeignClient,
) -> Result<()> {
    direct.wait_for("entities", |it| {
        it.as_object().is_some_and(|it| !it.is_empty())
    })?;
    until_equal("the collections of entities", || {
        let mut both = [direct.tell_of("entities")?, through.tell_of("entities")?];
        for (index, entities) in both.iter_mut().enumerate() {
            let entities = entities.as_object_mut().context("no entities")?;
            if index == 0 {
                entities.retain(|entity_id, _| entity_id.starts_with(prefix));
            }
            for entity in entities.values_mut() {
                *entity = with_coarse_times(entity);
            }
        }
        Ok(both)
    })
}

/// A state object without what no feed tells.
pub(crate) fn state(state: &Value) -> Value {
    let mut state = state.clone();
    if let Some(members) = state.as_object_mut() {
        let reported = members.remove("last_reported");
        assert!(reported.is_some_and(|it| it.is_string()), "{members:?}");
    }
    state
}

/// A `state_changed` event, in the same way.
pub(crate) fn event(event: &Value) -> Value {
    let mut event = event.clone();
    for name in ["old_state", "new_state"] {
        let told = &mut event["data"][name];
        if told.is_object() {
            *told = state(told);
        }
    }
    event
}

/// Times to a tenth of a second: the library cuts what Weirhouse has rounded to the microsecond before, and so may tell
/// a millisecond more.
fn with_coarse_times(entity: &Value) -> Value {
    let mut entity = entity.clone();
    for name in ["last_changed", "last_updated"] {
        if let Some(text) = entity[name].as_str() {
            entity[name] = json!(text.get(..text.len() - 3));
        }
    }
    entity
}

/// Waits until two answers are equal: what changes by itself may do so between the two.
pub(crate) fn until_equal(what: &str, mut ask: impl FnMut() -> Result<[Value; 2]>) -> Result<()> {
    let started = Instant::now();
    loop {
        let [one, other] = ask()?;
        if one == other {
            return Ok(());
        }
        if started.elapsed() > PATIENCE {
            bail!("{what} differs:\n{one}\n{other}");
        }
        thread::sleep(Duration::from_millis(50));
    }
}
