//! Readings that programs report.

use std::time::Duration;

use axum::body::Body;
use axum::http::{StatusCode, header};
use serde_json::{Map, Value, json};
use weirhouse_runner::wit::updates::Rule;

use super::{Answer, Api, snapshot};
use crate::access::Scope;
use crate::hub::{MOST_REPORTED, Settings};

pub(super) async fn send(api: &Api, body: String) -> Answer {
    let request = api
        .request("POST", "/v1/readings")
        .header(header::CONTENT_TYPE, "application/json");
    api.send(request.body(Body::from(body)).unwrap()).await
}

pub(super) async fn report(api: &Api, readings: Value) -> Vec<Value> {
    let answer = send(api, json!({ "readings": readings }).to_string()).await;
    assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.body);
    let answer: Value = serde_json::from_slice(&answer.body).unwrap();
    answer["readings"].as_array().unwrap().clone()
}

pub(super) async fn reported(api: &Api) -> Value {
    let answer = api.call("GET", "/v1/readings", "").await;
    let answer: Value = serde_json::from_slice(&answer.body).unwrap();
    answer["readings"].clone()
}

fn text(answer: &Answer) -> &str {
    str::from_utf8(&answer.body).unwrap()
}

/// Verdict, reason and what is published.
pub(super) fn told(judgement: &Value) -> [&str; 3] {
    ["verdict", "reason", "published"].map(|member| judgement[member].as_str().unwrap_or("-"))
}

/// Lets time pass until no batch waits. What else does, such as the last value
/// of a sensor that went quiet, waits for longer.
async fn batches_leave(api: &Api) {
    let soon = |wait: &Duration| *wait < Duration::from_secs(1);
    while let Some(wait) = api.hub.deadline().filter(soon) {
        tokio::time::sleep(wait).await;
        api.hub.tick();
    }
}

#[tokio::test]
async fn readings_are_judged_as_those_of_the_home_and_leave_in_batches() {
    let api = Api::new();
    let request = api.request("GET", "/v1/stream").body(Body::empty());
    let stream = api.served.answer(None, request.unwrap()).await;
    let flow = |value: Value| {
        json!({
            "entity": "sensor.flow", "value": value,
            "attributes": { "device_class": "temperature", "unit_of_measurement": "°C" }
        })
    };
    let judged = report(&api, json!([flow(json!(21.0))])).await;
    assert_eq!(told(&judged[0]), ["published", "first", "21.0"]);
    // The preset of temperatures, 0.5 °C; each is judged, the last counts.
    let judged = report(
        &api,
        json!([
            flow(json!(21.2)),
            flow(json!("21.20")),
            { "entity": "sensor.mode", "value": "heating" },
            flow(json!(21.6)),
        ]),
    )
    .await;
    let judged: Vec<_> = judged.iter().map(told).collect();
    assert_eq!(
        judged,
        [
            ["suppressed", "within", "21.0"],
            ["suppressed", "within", "21.0"],
            ["published", "first", "heating"],
            ["published", "threshold", "21.6"],
        ]
    );
    let again = report(&api, json!([flow(json!(21.6))])).await;
    assert_eq!(told(&again[0]), ["unchanged", "-", "21.6"]);
    batches_leave(&api).await;

    let held = reported(&api).await;
    let names: Vec<&Value> = held
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["entity"])
        .collect();
    assert_eq!(names, ["sensor.flow", "sensor.mode"]);
    assert_eq!(held[0]["state"], "21.6");
    assert_eq!(held[0]["attributes"]["device_class"], "temperature");
    assert_eq!(held[0]["published"]["reason"], "threshold");
    assert_eq!(
        (&held[0]["observed"], &held[0]["suppressed"]),
        (&json!(4), &json!(2))
    );

    let gone = api.call("DELETE", "/v1/readings/sensor.flow", "").await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    let twice = api.call("DELETE", "/v1/readings/sensor.flow", "").await;
    assert_eq!(twice.status, StatusCode::NOT_FOUND);
    let events = api.finish(stream).await;
    let updates = events.iter().map(|event| {
        let (_, data) = event.split_once("data: ").unwrap();
        let data: Value = serde_json::from_str(data.trim()).unwrap();
        let member = |name: &str| data[name].as_str().unwrap_or("-").to_owned();
        [member("entity_id"), member("state"), member("reason")]
    });
    let updates: Vec<[String; 3]> = updates.collect();
    assert_eq!(
        updates,
        [
            ["sensor.flow", "21.6", "threshold"],
            ["sensor.mode", "heating", "first"],
            ["sensor.flow", "-", "removed"],
        ]
    );
}

#[tokio::test]
async fn the_last_of_what_was_held_back_leaves_when_a_source_goes_quiet() {
    let rule = Rule {
        absolute: Some(1.0),
        settle: Some(50_000),
        ..Rule::default()
    };
    let settings = Settings {
        default_rule: rule,
        ..Settings::default()
    };
    let api = Api::with(tempfile::tempdir().unwrap(), settings);
    for (value, verdict) in [(1.0, "published"), (1.5, "suppressed")] {
        let judged = report(&api, json!([{ "entity": "sensor.a", "value": value }])).await;
        assert_eq!(told(&judged[0])[0], verdict);
    }
    batches_leave(&api).await;
    let published = &reported(&api).await[0]["published"];
    assert_eq!(
        (&published["state"], &published["reason"]),
        (&json!("1.5"), &json!("settle"))
    );
}

#[tokio::test]
async fn what_home_assistant_has_is_its_own() {
    let api = Api::new();
    report(
        &api,
        json!([{ "entity": "sensor.a", "value": 1 }, { "entity": "sensor.b", "value": 1 }]),
    )
    .await;
    api.hub.handle(snapshot(&[("sensor.a", "5")]));
    let judged = report(&api, json!([{ "entity": "sensor.a", "value": 2 }])).await;
    assert_eq!(told(&judged[0]), ["refused", "home-assistant", "-"]);
    let held = reported(&api).await;
    assert_eq!(held.as_array().unwrap().len(), 1);
    assert_eq!(held[0]["entity"], "sensor.b");
    // Neither is shown as the other.
    let home = api.call("GET", "/v1/states/sensor.a", "").await;
    assert!(text(&home).contains("\"state\":\"5\""));
    let other = api.call("GET", "/v1/states/sensor.b", "").await;
    assert_eq!(other.status, StatusCode::NOT_FOUND);
    let all = api.call("GET", "/v1/states", "").await;
    assert!(!text(&all).contains("sensor.b"));
}

#[tokio::test]
async fn no_more_entities_are_held_than_there_may_be() {
    let api = Api::new();
    let many = |from: usize, to: usize| {
        let readings =
            (from..to).map(|it| json!({ "entity": format!("sensor.s{it}"), "value": it }));
        Value::Array(readings.collect())
    };
    for from in (0..MOST_REPORTED).step_by(1_000) {
        let judged = report(&api, many(from, from + 1_000)).await;
        assert!(judged.iter().all(|it| told(it)[0] == "published"));
    }
    let judged = report(&api, many(MOST_REPORTED - 1, MOST_REPORTED + 1)).await;
    assert_eq!(told(&judged[0])[0], "unchanged");
    assert_eq!(told(&judged[1]), ["refused", "too-many", "-"]);
    api.call("DELETE", "/v1/readings/sensor.s0", "").await;
    let judged = report(&api, many(MOST_REPORTED, MOST_REPORTED + 1)).await;
    assert_eq!(told(&judged[0])[0], "published");
}

#[tokio::test]
async fn nonsense_is_refused_whole_and_changes_nothing() {
    let api = Api::new();
    let long = "x".repeat(256);
    let attributes = json!({ "a": "x".repeat(4 << 10) });
    let many: Map<String, Value> = (0..33).map(|it| (it.to_string(), it.into())).collect();
    for (reading, status, words) in [
        (
            json!({ "entity": "sensor.a", "value": 1, "attributes": many }),
            400,
            "32 members",
        ),
        (json!({ "entity": "flow", "value": 1 }), 400, "entity id"),
        (
            json!({ "entity": "Sensor.a", "value": 1 }),
            400,
            "entity id",
        ),
        (
            json!({ "entity": format!("sensor.{long}"), "value": 1 }),
            400,
            "entity id",
        ),
        (json!({ "entity": "sensor.a" }), 400, "value"),
        (
            json!({ "entity": "sensor.a", "value": "" }),
            400,
            "`value` must",
        ),
        (
            json!({ "entity": "sensor.a", "value": [1] }),
            400,
            "`value` must",
        ),
        (
            json!({ "entity": "sensor.a", "value": long }),
            400,
            "`value` must",
        ),
        (
            json!({ "entity": "sensor.a", "value": 1, "unit": "W" }),
            400,
            "unit",
        ),
        (
            json!({ "entity": "sensor.a", "value": 1, "attributes": 5 }),
            400,
            "an object",
        ),
        (
            json!({ "entity": "sensor.a", "value": 1, "attributes": attributes }),
            400,
            "4 KiB",
        ),
    ] {
        let body = json!({ "readings": [{ "entity": "sensor.good", "value": 1 }, reading] });
        let answer = send(&api, body.to_string()).await;
        assert_eq!(answer.status.as_u16(), status, "{reading}");
        assert!(
            text(&answer).contains(words),
            "{reading}: {}",
            text(&answer)
        );
    }
    let many = vec![json!({ "entity": "sensor.a", "value": 1 }); 1_001];
    let answer = send(&api, json!({ "readings": many }).to_string()).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(reported(&api).await, json!([]));
    assert_eq!(report(&api, json!([])).await, Vec::<Value>::new());
}

#[tokio::test]
async fn other_values_than_numbers_are_told_as_they_are() {
    let api = Api::new();
    let judged = report(
        &api,
        json!([
            { "entity": "sensor.text", "value": "é" },
            { "entity": "sensor.flag", "value": true },
            { "entity": "sensor.nothing", "value": null },
        ]),
    )
    .await;
    let published: Vec<&str> = judged.iter().map(|it| told(it)[2]).collect();
    assert_eq!(published, ["é", "true", "unknown"]);
}

#[tokio::test]
async fn what_is_reported_is_judged_on_after_a_restart() {
    let api = Api::with(tempfile::tempdir().unwrap(), Settings::default());
    let flow = |value: f64| {
        let attributes = json!({ "device_class": "temperature", "unit_of_measurement": "°C" });
        json!([{ "entity": "sensor.flow", "value": value, "attributes": attributes }])
    };
    report(&api, flow(21.0)).await;
    api.hub.stop().unwrap();
    let api = api.restart();
    assert_eq!(reported(&api).await, json!([]));
    // Only what is reported again is known; by what it was judged, still is.
    let judged = report(&api, flow(21.2)).await;
    assert_eq!(told(&judged[0])[0], "suppressed");
    let judged = report(&api, flow(21.7)).await;
    assert_eq!(told(&judged[0])[0], "published");
}

#[tokio::test]
async fn only_who_may_push_reports() {
    let api = Api::new();
    for (scope, status) in [(Scope::Push, 200), (Scope::Read, 403), (Scope::Cache, 403)] {
        let token = api.create_token(scope.name(), &[scope]);
        let request = api.request("GET", "/v1/readings");
        let mut request = request.body(Body::empty()).unwrap();
        let value = format!("Bearer {token}").parse().unwrap();
        request.headers_mut().insert(header::AUTHORIZATION, value);
        assert_eq!(api.send(request).await.status.as_u16(), status, "{scope:?}");
    }
}
