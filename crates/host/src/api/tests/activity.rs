//! Who reports how often, and what becomes of it.

use axum::body::Body;
use axum::http::StatusCode;
use serde_json::{Value, json};
use weirhouse_hass::{Change, Event};
use weirhouse_runner::wit::selection::Conditions;
use weirhouse_runner::wit::updates::Rule;

use super::{Api, snapshot};
use crate::hub::{RuleFor, Settings};

async fn get(api: &Api, path: &str) -> Value {
    let answer = api.call("GET", path, "").await;
    assert_eq!(answer.status, StatusCode::OK, "{path}");
    serde_json::from_slice(&answer.body).unwrap()
}

fn change(api: &Api, entity: &str, state: &str) {
    let change = Change::Updated {
        entity_id: entity.to_owned(),
        diff: serde_json::from_value(json!({ "+": { "s": state } })).unwrap(),
    };
    api.hub.handle(Event::Changes(vec![change]));
}

#[tokio::test]
async fn the_noisiest_come_first_with_their_rule() {
    let api = Api::new();
    let none = get(&api, "/v1/activity").await;
    assert_eq!(none["entities"], json!([]));
    api.hub.handle(snapshot(&[
        ("sensor.a", "1"),
        ("sensor.b", "1"),
        ("sensor.c", "1"),
    ]));
    for state in ["2", "3", "4"] {
        change(&api, "sensor.b", state);
    }
    change(&api, "sensor.c", "2");
    let activity = get(&api, "/v1/activity").await;
    let entities = activity["entities"].as_array().unwrap();
    let order: Vec<&str> = entities
        .iter()
        .map(|entity| entity["entity_id"].as_str().unwrap())
        .collect();
    assert_eq!(order, ["sensor.b", "sensor.c", "sensor.a"]);
    let noisy = &entities[0];
    assert_eq!(noisy["name"], "A");
    assert_eq!(noisy["observed"], 4);
    assert_eq!(noisy["suppressed"], 0);
    assert_eq!(noisy["per_hour"], 180.0, "three in the first minute");
    assert_eq!(noisy["rule"]["source"], "default");
    assert_eq!(noisy["rule"]["text"], "any change");
    assert_eq!(noisy["reason"], "changed");
    assert_eq!(entities[2]["per_hour"], 0.0, "a first value is no change");

    // Nothing was reported since: nothing is sent again.
    let answer = api.call("GET", "/v1/activity", "").await;
    let again = api
        .request("GET", "/v1/activity")
        .header("if-none-match", answer.header("etag"))
        .body(Body::empty());
    assert_eq!(
        api.send(again.unwrap()).await.status,
        StatusCode::NOT_MODIFIED
    );
    change(&api, "sensor.c", "3");
    let again = api
        .request("GET", "/v1/activity")
        .header("if-none-match", answer.header("etag"))
        .header("accept-encoding", "gzip")
        .body(Body::empty());
    let changed = api.send(again.unwrap()).await;
    assert_eq!(changed.status, StatusCode::OK);
    assert_eq!(changed.header("content-encoding"), "gzip");
    assert!(changed.body.len() * 2 < answer.body.len());

    let limited = get(&api, "/v1/activity?limit=1").await;
    assert_eq!(limited["entities"].as_array().unwrap().len(), 1);
    let refused = api.call("GET", "/v1/activity?limit=0", "").await;
    assert_eq!(refused.problem(), "invalid-argument");
}

#[tokio::test]
async fn the_rule_is_that_of_the_reading_told_of() {
    let api = Api::new();
    api.hub.handle(snapshot(&[("device_tracker.a", "home")]));
    let told = async |update: Value| {
        let change = Change::Updated {
            entity_id: "device_tracker.a".to_owned(),
            diff: serde_json::from_value(json!({ "+": update })).unwrap(),
        };
        api.hub.handle(Event::Changes(vec![change]));
        let activity = get(&api, "/v1/activity").await;
        let entity = &activity["entities"][0];
        let rule = &entity["rule"];
        [
            &entity["reason"],
            &rule["source"],
            &rule["number"],
            &rule["attribute"],
            &rule["absolute"],
        ]
        .map(Value::clone)
    };
    let latitude = |latitude: f64| json!({ "a": { "latitude": latitude } });
    told(latitude(48.1)).await;
    assert_eq!(
        told(latitude(48.100_01)).await,
        [
            json!("within"),
            json!("preset"),
            json!(null),
            json!("latitude"),
            json!(0.0001)
        ]
    );
    let text = &get(&api, "/v1/activity").await["entities"][0]["rule"]["text"];
    assert!(
        text.as_str()
            .unwrap()
            .starts_with("latitude: at least 0.0001, "),
        "{text}"
    );

    // Of both at once it is the state's.
    let both = json!({ "s": "away", "a": { "latitude": 48.100_02 } });
    assert_eq!(
        told(both).await,
        [
            json!("changed"),
            json!("default"),
            json!(null),
            json!(null),
            json!(null)
        ]
    );

    let rule = |attribute: Option<&str>, absolute| RuleFor {
        conditions: Conditions {
            attribute: attribute.map(str::to_owned),
            ..Conditions::default()
        },
        rule: Rule {
            absolute: Some(absolute),
            ..Rule::default()
        },
    };
    let settings = Settings {
        rules: vec![rule(None, 1.0), rule(Some("latitude"), 2.0)],
        ..Settings::default()
    };
    api.hub.set_settings(settings).unwrap();
    assert_eq!(
        told(latitude(49.1)).await,
        [
            json!("within"),
            json!("rule"),
            json!(2),
            json!("latitude"),
            json!(2.0)
        ]
    );
}

#[tokio::test]
async fn the_history_adds_up() {
    let api = Api::new();
    let none = get(&api, "/v1/history").await;
    assert_eq!(none["points"], json!([]));
    api.hub.handle(snapshot(&[("sensor.a", "1")]));
    for state in ["2", "2", "3"] {
        change(&api, "sensor.a", state);
    }
    let history = get(&api, "/v1/history").await;
    assert_eq!(history["step_s"], 10.0);
    let points = history["points"].as_array().unwrap();
    let sum = |name: &str| {
        points
            .iter()
            .map(|it| it[name].as_u64().unwrap())
            .sum::<u64>()
    };
    let stats = get(&api, "/v1/stats").await;
    assert_eq!(
        sum("observed"),
        stats["updates"]["observed"].as_u64().unwrap()
    );
    assert_eq!(
        sum("published"),
        stats["updates"]["published"].as_u64().unwrap()
    );
    assert_eq!(sum("published"), 3, "a repeat is no change");
}

#[tokio::test]
async fn the_log_is_read_from_a_line_on() {
    let api = Api::new();
    let tail = get(&api, "/v1/log").await;
    let next = tail["next"].as_u64().unwrap();
    let rest = get(&api, &format!("/v1/log?since={next}")).await;
    assert!(rest["lines"].is_array());
    let refused = api.call("GET", "/v1/log?since=yesterday", "").await;
    assert_eq!(refused.problem(), "invalid-argument");
}
