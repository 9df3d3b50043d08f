//! Users who may not read everything.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use weirhouse_tests::foreign_client::{ForeignClient, Installed, Library};
use weirhouse_tests::home_assistant::{HomeAssistant, User};
use weirhouse_tests::program::Program;

use super::{commands, equality, metric, profiles, started, weirhouse};

/// What the guest may read.
const PERMITTED: [&str; 3] = ["sensor.allowed", "input_boolean.lamp", "sensor.later"];

pub(crate) fn are_those_of_home_assistant(
    home: &mut HomeAssistant,
    clients: &Installed,
) -> Result<()> {
    let reader = home.make_user("reader", "system-read-only", "Reader")?;
    let guest = home.make_user("guest", "system-users", "Guest")?;
    let admin = home.make_user("admin", "system-admin", "Admin")?;
    let wall = home.make_user("wall", "system-admin", "Wall")?;
    let tablet = home.make_user("tablet", "system-users", "Tablet")?;
    let display = home.make_user("display", "system-read-only", "Display")?;
    home.stop()?;
    home.permit_only(&guest, &PERMITTED)?;
    home.start_again()?;
    home.set_state("sensor.allowed", "1", &json!({}))?;
    home.set_state("sensor.secret", "do not tell", &json!({}))?;

    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let weirhouse = weirhouse(home, &data, profiles::CONFIGURATION)?;
    let url = format!("http://{}", weirhouse.address);
    let pair = |user: &User| -> Result<[ForeignClient; 2]> {
        let direct = clients.start(Library::JavaScript, home.url(), &user.token)?;
        let through = clients.start(Library::JavaScript, &url, &user.token)?;
        Ok([started(direct)?, started(through)?])
    };
    let ([mut direct, mut through], mut readers) = (pair(&guest)?, pair(&reader)?);
    equality::of_collections(&mut direct, &mut through)?;
    let [one, other] = &mut readers;
    equality::of_collections(one, other)?;

    // Everything that happens from now on, too.
    for number in 0..30 {
        home.set_state("sensor.allowed", &number.to_string(), &json!({}))?;
        home.set_state(
            "sensor.secret",
            &format!("do not tell {number}"),
            &json!({}),
        )?;
        if number == 10 {
            home.set_state("sensor.later", "1", &json!({}))?;
            home.set_state("sensor.later_secret", "do not tell", &json!({}))?;
        }
    }
    equality::of_collections(&mut direct, &mut through)?;
    let seen = through.tell_of("entities")?;
    let seen: Vec<&String> = seen.as_object().context("no entities")?.keys().collect();
    assert_eq!(
        seen,
        ["input_boolean.lamp", "sensor.allowed", "sensor.later"]
    );
    assert!(readers[1].tell_of("entities")?["sensor.secret"].is_object());

    profiles::spare_messages(home, &url, clients, [(&wall, "sensor."), (&tablet, "")])?;
    profiles::lose_nothing_that_matters(home, &url, clients, &display)?;
    commands_are_judged_by_home_assistant(home, &weirhouse, &guest)?;
    profiles::come_into_force(&weirhouse, &data, &wall, &tablet)?;
    for user in [&wall, &tablet, &reader] {
        a_revoked_token_ends_its_connections(home, &weirhouse, user)?;
    }
    rights_that_are_taken_away_are_gone(home, &weirhouse, &admin)
}

/// Whatever a guest asks for, the answer is Home Assistant's.
fn commands_are_judged_by_home_assistant(
    home: &HomeAssistant,
    weirhouse: &Program,
    guest: &User,
) -> Result<()> {
    let before = metric(weirhouse, "weirhouse_client_commands_total{by=\"mirror\"}")?;
    let mut direct = commands(home.port(), &guest.token)?;
    let mut through = commands(weirhouse.address.port(), &guest.token)?;
    for command in [
        json!({ "type": "get_states" }),
        json!({ "type": "config/entity_registry/list" }),
        json!({ "type": "get_services" }),
        json!({ "type": "subscribe_events", "event_type": "state_changed" }),
        json!({ "type": "subscribe_events", "event_type": "user_updated" }),
        json!({ "type": "subscribe_events" }),
        json!({ "type": "config/auth/list" }),
        json!({ "type": "call_service", "domain": "input_boolean", "service": "turn_on",
            "target": { "entity_id": "input_boolean.lamp" } }),
    ] {
        let answers = [
            direct.call(command.clone())?,
            through.call(command.clone())?,
        ];
        let [theirs, ours] = answers.map(|answer| answer.map_err(|error| error["code"].clone()));
        let comparable = |answer: &Result<Value, Value>| match answer {
            // Each call has a context of its own.
            Ok(result) => Ok(result
                .get("context")
                .map_or_else(|| result.clone(), |_| json!("called"))),
            Err(error) => Err(error.clone()),
        };
        assert_eq!(comparable(&theirs), comparable(&ours), "{command}");
        if let Ok(result) = &ours {
            let told = result.to_string();
            assert!(!told.contains("do not tell"), "{told}");
        }
    }
    let after = metric(weirhouse, "weirhouse_client_commands_total{by=\"mirror\"}")?;
    assert!(
        (after - before).abs() < 0.5,
        "the mirror that all share answered a guest"
    );
    Ok(())
}

/// An administrator who becomes a guest: his connection ends, and the next is that of a guest.
fn rights_that_are_taken_away_are_gone(
    home: &HomeAssistant,
    weirhouse: &Program,
    admin: &User,
) -> Result<()> {
    let mut client = commands(weirhouse.address.port(), &admin.token)?;
    let count = |answer: &Value| answer.as_array().map(Vec::len);
    let all = client.result(json!({ "type": "get_states" }))?;
    assert!(all.to_string().contains("do not tell"));
    client.result(json!({ "type": "subscribe_entities" }))?;

    home.commands()?.result(json!({
        "type": "config/auth/update", "user_id": admin.id, "group_ids": ["guests"],
    }))?;
    client.until_closed()?;
    let mut client = commands(weirhouse.address.port(), &admin.token)?;
    let now = client.result(json!({ "type": "get_states" }))?;
    assert!(!now.to_string().contains("do not tell") && count(&now) == Some(PERMITTED.len()));

    // A user who may no longer log in loses his connection, as at Home Assistant itself.
    home.commands()?.result(json!({
        "type": "config/auth/update", "user_id": admin.id, "is_active": false,
    }))?;
    client.until_closed()?;
    assert!(commands(weirhouse.address.port(), &admin.token).is_err());
    Ok(())
}

/// One user's token is revoked in Home Assistant: what it opened here ends, whether the mirror or Home Assistant serves
/// it, while somebody else's goes on.
fn a_revoked_token_ends_its_connections(
    home: &HomeAssistant,
    weirhouse: &Program,
    user: &User,
) -> Result<()> {
    let port = weirhouse.address.port();
    let mut bystander = commands(port, home.token())?;
    let [mut subscribed, mut idle] = [commands(port, &user.token)?, commands(port, &user.token)?];
    subscribed.result(json!({ "type": "subscribe_entities" }))?;
    idle.result(json!({ "type": "get_states" }))?;

    // By another connection of the same user, as his profile page does it.
    let mut own = commands(home.port(), &user.token)?;
    let tokens = own.result(json!({ "type": "auth/refresh_tokens" }))?;
    let mut tokens = tokens.as_array().context("no tokens")?.iter();
    let current = tokens.find(|token| token["is_current"] == true);
    let id = &current.context("no current token")?["id"];
    // Home Assistant may end this connection before it answers.
    let _ = own.call(json!({ "type": "auth/delete_refresh_token", "refresh_token_id": id }));
    subscribed.until_closed().context("one that follows")?;
    idle.until_closed().context("one that only asked")?;
    assert!(commands(port, &user.token).is_err());
    bystander.result(json!({ "type": "get_states" }))?;
    Ok(())
}
