//! Clients that are told less often.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use weirhouse_tests::foreign_client::{ForeignClient, Installed, Library};
use weirhouse_tests::home_assistant::{HomeAssistant, User};
use weirhouse_tests::program::{PATIENCE, Program};

use super::{commands, drive, equality, started};

/// One that is recognised by its token's label, and two by their users, who are no administrators.
pub(crate) const CONFIGURATION: &str = r#"
[[client]]
name = "wall"
token = "Wall"
entity = "sensor.*"
interval = "3s"

[[client]]
name = "tablet"
user = "tablet"
interval = "3s"

[[client]]
name = "display"
user = "display"
absolute = 0.5
"#;

/// Rounds of five changes.
const ROUNDS: usize = 60;

/// Far fewer changes reach such a client, and in the end it holds what the others hold.
pub(crate) fn spare_messages(
    home: &HomeAssistant,
    url: &str,
    clients: &Installed,
    users: [(&User, &str); 2],
) -> Result<()> {
    let connect = |url: &str, user: &User| -> Result<ForeignClient> {
        started(clients.start(Library::JavaScript, url, &user.token)?)
    };
    let mut pairs = Vec::new();
    for (user, prefix) in users {
        let (mut direct, mut through) = (connect(home.url(), user)?, connect(url, user)?);
        equality::of_domain(prefix, &mut direct, &mut through)?;
        pairs.push((direct, through, prefix));
    }
    drive(home, ROUNDS)?;
    for (mut direct, mut through, prefix) in pairs {
        equality::of_domain(prefix, &mut direct, &mut through)?;
        let driven = |received: &Value| received["driven"].as_u64().context("no count");
        let all = driven(&direct.tell_of("received")?)?;
        let told = driven(&through.tell_of("received")?)?;
        assert!(all >= 4 * ROUNDS as u64, "{all}");
        assert!(told > 0 && told * 4 < all, "{told} of {all}");
    }
    Ok(())
}

/// A client that is told of changes over a threshold, and may not read everything, is told of each such change: also
/// where one that does not matter came before, and whichever connection hears of it first.
pub(crate) fn lose_nothing_that_matters(
    home: &HomeAssistant,
    url: &str,
    clients: &Installed,
    user: &User,
) -> Result<()> {
    let ids: Vec<String> = (0..20)
        .map(|number| format!("sensor.gauge_{number}"))
        .collect();
    let set = |state: &str| -> Result<()> {
        ids.iter()
            .try_for_each(|id| home.set_state(id, state, &json!({})))
    };
    set("10.0")?;
    let mut client = started(clients.start(Library::JavaScript, url, &user.token)?)?;
    for (near, far) in [("10.3", "50.0"), ("50.3", "10.0")] {
        set(near)?;
        set(far)?;
        equality::until_equal("what is told", || {
            let seen = client.tell_of("entities")?;
            let states: Vec<&Value> = ids.iter().map(|id| &seen[id]["state"]).collect();
            Ok([json!(states), json!(vec![far; ids.len()])])
        })?;
    }
    Ok(())
}

/// A profile is changed while its client is connected: that one has to connect again and has the new one then, others
/// go on.
pub(crate) fn come_into_force(
    weirhouse: &Program,
    data: &Path,
    wall: &User,
    tablet: &User,
) -> Result<()> {
    let port = weirhouse.address.port();
    let [mut changed, mut kept] = [commands(port, &wall.token)?, commands(port, &tablet.token)?];
    let seen = |states: &Value, prefix: &str| -> Result<(usize, usize)> {
        let states = states.as_array().context("no states")?;
        let ids = states
            .iter()
            .filter_map(|state| state["entity_id"].as_str());
        Ok((
            ids.filter(|id| id.starts_with(prefix)).count(),
            states.len(),
        ))
    };
    for client in [&mut changed, &mut kept] {
        client.result(json!({ "type": "subscribe_entities" }))?;
    }
    let (sensors, all) = seen(&changed.result(json!({ "type": "get_states" }))?, "sensor.")?;
    assert!(sensors > 0 && sensors == all, "{sensors} of {all}");

    let file = data.join("weirhouse.toml");
    let other = CONFIGURATION.replace("sensor.*", "input_boolean.*");
    fs::write(&file, &other)?;
    assert_eq!(changed.until_closed()?, Some(1012));
    let mut changed = commands(port, &wall.token)?;
    let (switches, all) = seen(
        &changed.result(json!({ "type": "get_states" }))?,
        "input_boolean.",
    )?;
    assert!(switches > 0 && switches == all, "{switches} of {all}");
    kept.result(json!({ "type": "get_states" }))?;

    // What cannot be used changes nothing for anybody.
    fs::write(&file, other.replace("interval", "intervall"))?;
    weirhouse.hang_up()?;
    let started = std::time::Instant::now();
    let told = || -> Result<bool> {
        Ok(fs::read_to_string(data.with_extension("log"))?.contains("intervall"))
    };
    while !told()? {
        assert!(started.elapsed() < PATIENCE, "the fault is not named");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    changed.result(json!({ "type": "get_states" }))?;
    kept.result(json!({ "type": "get_states" }))?;
    fs::write(&file, CONFIGURATION)?;
    assert_eq!(changed.until_closed()?, Some(1012));
    Ok(())
}
