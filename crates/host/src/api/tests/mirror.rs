//! Reads of the mirror: lists, single rows, conditions, packing.

use std::io::Read as _;

use axum::body::Body;
use axum::http::{StatusCode, header};
use serde_json::{Value, json};
use weirhouse_hass::{Class, DisconnectReason, Event};

use super::{Answer, Api, snapshot};

/// An API before a home of two rooms.
fn home() -> Api {
    let api = Api::new();
    api.hub.handle(Event::Connected { ha_version: None });
    api.hub.handle(snapshot(&[
        ("light.a", "on"),
        ("light.b", "off"),
        ("sensor.a", "1"),
        ("scene.movie", "unknown"),
        ("input_number.x", "5"),
    ]));
    for (class, json) in [
        (
            Class::Entities,
            json!([{ "entity_id": "light.a", "device_id": "lamp", "name": null }]),
        ),
        (Class::Devices, json!([{ "id": "lamp", "area_id": "hall" }])),
        (
            Class::Areas,
            json!([{ "area_id": "hall", "name": "Hall" }, { "area_id": "attic", "name": "Attic" }]),
        ),
        (Class::Floors, json!([])),
        (Class::Labels, json!([{ "label_id": "power" }])),
        (
            Class::ConfigEntries,
            json!([{ "entry_id": "e1", "domain": "demo" }]),
        ),
        (Class::Helpers, json!([])),
        (Class::Services, json!({ "light": { "turn_on": {} } })),
    ] {
        list(&api, class, &json);
    }
    api
}

fn list(api: &Api, class: Class, rows: &Value) {
    let registry = class.parse(&rows.to_string()).unwrap();
    api.hub.handle(Event::Registry(registry));
}

impl Answer {
    fn json(&self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{:?}", self.body);
        assert_eq!(self.header("content-type"), "application/json");
        serde_json::from_slice(&self.body).unwrap()
    }
}

#[tokio::test]
async fn every_list_and_every_row_answers() {
    let api = home();
    for (list, id, row) in [
        ("states", "entity_id", "light.a"),
        ("scenes", "entity_id", "scene.movie"),
        ("helpers", "entity_id", "input_number.x"),
        ("entities", "entity_id", "light.a"),
        ("devices", "id", "lamp"),
        ("areas", "area_id", "hall"),
        ("labels", "label_id", "power"),
        ("config_entries", "entry_id", "e1"),
        ("services", "id", "light.turn_on"),
    ] {
        let many = api.call("GET", &format!("/v1/{list}"), "").await.json();
        assert_eq!(
            (&many["stale"], &many["full"], &many["more"]),
            (&json!(false), &json!(true), &json!(false)),
            "{list}"
        );
        let rows = many[list].as_array().unwrap();
        assert!(rows.iter().any(|it| it[id] == row), "{list}: {many}");
        let one = api
            .call("GET", &format!("/v1/{list}/{row}"), "")
            .await
            .json();
        assert_eq!((&one[id], &one["stale"]), (&json!(row), &json!(false)));
        let none = api.call("GET", &format!("/v1/{list}/none"), "").await;
        assert_eq!(none.status, StatusCode::NOT_FOUND);
        let of_states = ["states", "scenes", "helpers"].contains(&list);
        let kind = if of_states {
            "unknown-entity"
        } else {
            "unknown-row"
        };
        assert_eq!(none.problem(), kind, "{list}");
    }
    let floors = api.call("GET", "/v1/floors", "").await.json();
    assert_eq!(floors["floors"], json!([]));
}

#[tokio::test]
async fn a_list_is_chosen_and_shaped_by_its_query() {
    let api = home();
    let answer = api
        .call(
            "GET",
            "/v1/states?area=hall&fields=state,attributes.friendly_name&expand=area",
            "",
        )
        .await
        .json();
    assert_eq!(
        answer["states"],
        json!([{
            "entity_id": "light.a", "state": "on", "attributes": { "friendly_name": "A" },
            "expanded": { "area": { "area_id": "hall", "name": "Hall" } },
        }])
    );
    let several = api
        .call(
            "GET",
            "/v1/states?entity=sensor.a,light.a&entity=light.none",
            "",
        )
        .await
        .json();
    assert_eq!(several["states"].as_array().unwrap().len(), 2);
    assert_eq!(several["missing"], json!(["light.none"]));
    // A light is no scene, whether there is one or not.
    for (list, found) in [("scenes", "scene.movie"), ("helpers", "input_number.x")] {
        let path = format!("/v1/{list}?entity=light.a,light.none,{found}&fields=state");
        let answer = api.call("GET", &path, "").await.json();
        assert_eq!(answer["missing"], json!(["light.a", "light.none"]));
        assert_eq!(answer[list][0]["entity_id"], found);
    }
    let page = api
        .call("GET", "/v1/states?limit=2&after=light.a", "")
        .await
        .json();
    assert_eq!(page["states"][0]["entity_id"], "light.b");
    assert_eq!(page["more"], true);
}

#[tokio::test]
async fn what_the_caller_has_is_not_sent_again() {
    let api = home();
    let conditional = |path: &'static str, tag: String| {
        let request = api.request("GET", path).header(header::IF_NONE_MATCH, tag);
        api.send(request.body(Body::empty()).unwrap())
    };
    for (path, change) in [
        ("/v1/states", "light.a"),
        ("/v1/states?domain=light", "light.a"),
        ("/v1/states/light.a", "light.a"),
        ("/v1/states?entity=light.a,light.b", "light.b"),
    ] {
        let first = api.call("GET", path, "").await;
        let tag = first.header("etag").to_owned();
        assert!(tag.starts_with("W/\""), "{path} {tag}");
        let again = conditional(path, tag.clone()).await;
        assert_eq!(again.status, StatusCode::NOT_MODIFIED, "{path}");
        assert!(again.body.is_empty());
        assert_eq!(again.header("etag"), tag);
        assert_eq!(again.header("cache-control"), "private, no-cache");
        let state = format!("{path}-changed");
        api.hub.handle(snapshot(&[
            ("light.a", if change == "light.a" { &state } else { "on" }),
            ("light.b", if change == "light.b" { &state } else { "off" }),
        ]));
        let changed = conditional(path, tag).await;
        assert_eq!(changed.status, StatusCode::OK, "{path}");
        assert_ne!(changed.header("etag"), first.header("etag"));
    }
}

#[tokio::test]
async fn a_cursor_brings_the_changes_after_it() {
    let api = home();
    let first = api.call("GET", "/v1/states", "").await.json();
    let cursor = first["cursor"].as_str().unwrap();
    api.hub.handle(snapshot(&[
        ("light.a", "on"),
        ("light.b", "on"),
        ("sensor.a", "1"),
        ("input_number.x", "5"),
    ]));
    let path = format!("/v1/states?since={cursor}");
    let changes = api.call("GET", &path, "").await.json();
    assert_eq!(changes["full"], false);
    let ids: Vec<&Value> = changes["states"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["entity_id"])
        .collect();
    assert_eq!(ids, ["light.b"]);
    assert_eq!(changes["removed"], json!(["scene.movie"]));
    // The registries have cursors, too.
    let areas = api.call("GET", "/v1/areas", "").await.json();
    list(
        &api,
        Class::Areas,
        &json!([{ "area_id": "hall", "name": "Big hall" }, { "area_id": "attic", "name": "Attic" }]),
    );
    let path = format!("/v1/areas?since={}", areas["cursor"].as_str().unwrap());
    let changes = api.call("GET", &path, "").await.json();
    assert_eq!(
        changes["areas"],
        json!([{ "area_id": "hall", "name": "Big hall" }])
    );
}

#[tokio::test]
async fn what_changes_between_two_pages_is_told_from_the_first_one() {
    let api = home();
    let first = api
        .call("GET", "/v1/states?limit=2&after=", "")
        .await
        .json();
    let cursor = first["cursor"].as_str().unwrap();
    api.hub.handle(snapshot(&[
        ("input_number.x", "6"),
        ("light.a", "on"),
        ("light.b", "off"),
        ("scene.movie", "unknown"),
        ("sensor.a", "1"),
    ]));
    let second = api
        .call("GET", "/v1/states?limit=9&after=light.a", "")
        .await
        .json();
    assert_eq!(
        (&second["more"], second["states"].as_array().unwrap().len()),
        (&json!(false), 3)
    );
    assert!(second.get("cursor").is_none(), "{second}");
    let path = format!("/v1/states?since={cursor}");
    let changes = api.call("GET", &path, "").await.json();
    assert_eq!(changes["states"][0]["entity_id"], "input_number.x");
    // A page of changes goes on from its own cursor.
    assert!(changes["cursor"].is_string());
}

#[tokio::test]
async fn large_answers_are_packed_for_who_takes_it() {
    let api = Api::new();
    let entities: Vec<String> = (0..2000)
        .map(|number| format!("sensor.s{number}"))
        .collect();
    let states: Vec<(&str, &str)> = entities.iter().map(|id| (id.as_str(), "1")).collect();
    api.hub.handle(snapshot(&states));
    let plain = api.call("GET", "/v1/states", "").await;
    assert_eq!(plain.header("content-encoding"), "");
    assert_eq!(plain.header("vary"), "Accept-Encoding");
    // Twice: composed, and kept.
    for _ in 0..2 {
        let request = api
            .request("GET", "/v1/states")
            .header("accept-encoding", "br, gzip");
        let packed = api.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(packed.header("content-encoding"), "gzip");
        assert_eq!(packed.header("etag"), plain.header("etag"));
        assert!(packed.body.len() * 4 < plain.body.len());
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(&packed.body[..])
            .read_to_end(&mut unpacked)
            .unwrap();
        assert_eq!(unpacked, plain.body);
    }
    // What is kept is not served once it is outdated.
    api.hub.handle(snapshot(&[("sensor.s0", "2")]));
    let after = api.call("GET", "/v1/states", "").await.json();
    assert_eq!(after["states"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_may_be_outdated_is_marked() {
    let api = home();
    api.hub.handle(Event::Disconnected {
        reason: DisconnectReason::Binary,
        retry_in: std::time::Duration::from_secs(1),
    });
    for path in [
        "/v1/states",
        "/v1/areas",
        "/v1/states/light.a",
        "/v1/areas/hall",
    ] {
        assert_eq!(
            api.call("GET", path, "").await.json()["stale"],
            true,
            "{path}"
        );
    }
    // Each class is fresh again once it was heard.
    api.hub.handle(snapshot(&[("light.a", "on")]));
    list(&api, Class::Areas, &json!([{ "area_id": "hall" }]));
    for (path, stale) in [
        ("/v1/states", false),
        ("/v1/areas", false),
        ("/v1/devices", true),
        ("/v1/states?area=hall", true),
    ] {
        assert_eq!(
            api.call("GET", path, "").await.json()["stale"],
            stale,
            "{path}"
        );
    }
}

#[tokio::test]
async fn an_old_name_leads_to_the_new_one() {
    let api = home();
    api.hub.handle(Event::Renamed {
        from: "light.old".to_owned(),
        to: "light.a".to_owned(),
    });
    let answer = api.call("GET", "/v1/states/light.old", "").await;
    assert_eq!(answer.problem(), "unknown-entity");
    let problem: Value = serde_json::from_slice(&answer.body).unwrap();
    assert!(
        problem["detail"].as_str().unwrap().contains("`light.a`"),
        "{problem}"
    );
}

#[tokio::test]
async fn the_last_mirror_is_served_until_home_assistant_was_heard() {
    let api = home();
    api.hub.save().unwrap();
    let later = api.restart();
    let states = later.call("GET", "/v1/states", "").await.json();
    assert_eq!(states["stale"], true);
    assert_eq!(states["states"].as_array().unwrap().len(), 5);
    let light = later.call("GET", "/v1/states/light.a", "").await.json();
    assert_eq!(
        (&light["state"], &light["published"]),
        (&json!("on"), &Value::Null)
    );
    let hall = later.call("GET", "/v1/states?area=hall", "").await.json();
    assert_eq!(hall["states"].as_array().unwrap().len(), 1);
    later.hub.handle(snapshot(&[("light.a", "off")]));
    let states = later.call("GET", "/v1/states", "").await.json();
    assert_eq!(
        (&states["stale"], states["states"].as_array().unwrap().len()),
        (&json!(false), 1)
    );
}
