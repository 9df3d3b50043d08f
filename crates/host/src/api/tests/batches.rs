//! Many requests in one.

use std::io::Read as _;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{Answer, Api, snapshot};
use crate::access::Scope;

async fn batch(api: &Api, requests: Value) -> Vec<Value> {
    let answer = send(api, json!({ "requests": requests }).to_string()).await;
    assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.body);
    let answer: Value = serde_json::from_slice(&answer.body).unwrap();
    answer["responses"].as_array().unwrap().clone()
}

async fn send(api: &Api, body: String) -> Answer {
    api.call("POST", "/v1/batch", body).await
}

#[tokio::test]
async fn answers_come_in_order_each_with_its_own_status() {
    let api = Api::new();
    api.hub
        .handle(snapshot(&[("sensor.a", "1"), ("sensor.b", "2")]));
    let answers = batch(
        &api,
        json!([
            { "path": "/v1/states/sensor.b?fields=state" },
            { "path": "/v1/states/sensor.none" },
            { "path": "/v1/states?entity=sensor.a,sensor.b" },
            { "method": "DELETE", "path": "/v1/states" },
            { "path": "no-slash" },
            { "path": "/v1/stream" },
            { "method": "POST", "path": "/v1/batch" },
            { "method": "bad method", "path": "/v1/stats" },
            { "path": "/v1/stats", "headers": { "Authorization": "Bearer other" } },
            { "path": "/v1/stats", "body": {}, "text": "" },
            { "path": "/v1/stats" },
        ]),
    )
    .await;
    let statuses: Vec<u64> = answers
        .iter()
        .map(|it| it["status"].as_u64().unwrap())
        .collect();
    assert_eq!(
        statuses,
        [200, 404, 200, 405, 400, 404, 404, 400, 400, 400, 200]
    );
    assert_eq!(answers[0]["body"]["state"], "2");
    let problem = &answers[1]["body"];
    assert_eq!(problem["type"], "urn:weirhouse:problem:unknown-entity");
    assert!(
        problem["request_id"].as_str().unwrap().ends_with(".1"),
        "{problem}"
    );
    assert_eq!(answers[2]["body"]["states"].as_array().unwrap().len(), 2);
    // What a problem refers to comes with it.
    assert_eq!(answers[3]["headers"]["allow"], "GET,HEAD");
    for number in [5, 6] {
        let detail = answers[number]["body"]["detail"].as_str().unwrap();
        assert!(detail.contains("by itself"), "{detail}");
    }
    let tag = answers[2]["headers"]["etag"].as_str().unwrap();
    let again = batch(
        &api,
        json!([{ "path": "/v1/states?entity=sensor.a,sensor.b", "headers": { "if-none-match": tag } }]),
    )
    .await;
    assert_eq!(
        (&again[0]["status"], &again[0]["body"]),
        (&json!(304), &Value::Null)
    );
}

#[tokio::test]
async fn a_write_comes_after_what_precedes_it_and_before_what_follows() {
    let api = Api::new();
    let key = "/v1/cache/ns/key";
    let answers = batch(
        &api,
        json!([
            { "path": key },
            { "method": "PUT", "path": key, "body": { "n": 1 } },
            { "path": key },
            { "method": "PUT", "path": key, "text": "plain" },
            { "path": key },
            { "method": "PUT", "path": key, "base64": "AP8=", "headers": { "content-type": "application/octet-stream" } },
            { "path": key },
            { "method": "PUT", "path": key, "text": "{not json", "headers": { "content-type": "application/json" } },
            { "path": key },
            { "method": "PUT", "path": key, "body": null },
            { "path": key },
            { "method": "DELETE", "path": key },
            { "path": key },
        ]),
    )
    .await;
    let reads: Vec<&Value> = answers.iter().step_by(2).collect();
    assert_eq!(
        (&reads[0]["status"], &reads[6]["status"]),
        (&json!(404), &json!(404))
    );
    assert_eq!(reads[1]["body"], json!({ "n": 1 }));
    assert_eq!(reads[2]["text"], "plain");
    assert_eq!(reads[3]["base64"], "AP8=");
    assert_eq!(reads[4]["text"], "{not json");
    assert!(
        reads[5].get("body").is_some_and(Value::is_null),
        "{}",
        reads[5]
    );
    assert_eq!(reads[5]["headers"]["content-type"], "application/json");
    assert_eq!(answers[11]["headers"]["weirhouse-existed"], "true");
}

#[tokio::test]
async fn what_is_no_batch_is_refused_whole() {
    let api = Api::new();
    for body in [
        "",
        "[]",
        "{}",
        r#"{"requests":{}}"#,
        r#"{"requests":[{}]}"#,
        r#"{"requests":[{"path":"/","colour":1}]}"#,
    ] {
        assert_eq!(
            send(&api, body.to_owned()).await.problem(),
            "invalid-argument",
            "{body}"
        );
    }
    assert!(batch(&api, json!([])).await.is_empty());
    let many = vec![json!({ "path": "/v1/stats" }); 101];
    let answer = send(&api, json!({ "requests": many }).to_string()).await;
    assert_eq!(answer.problem(), "too-large");
}

#[tokio::test]
async fn answers_over_the_bound_are_refused_one_by_one() {
    let api = Api::new();
    api.call("PUT", "/v1/cache/ns/big", vec![b'x'; 1 << 20])
        .await;
    let many = vec![json!({ "path": "/v1/cache/ns/big" }); 18];
    let answers = batch(&api, json!(many)).await;
    let statuses: Vec<u64> = answers
        .iter()
        .map(|it| it["status"].as_u64().unwrap())
        .collect();
    assert_eq!(statuses[..16], [200; 16]);
    assert_eq!(statuses[16..], [413; 2]);
}

#[tokio::test]
async fn an_answer_keeps_its_own_headers_and_the_whole_is_packed() {
    let mut api = Api::new();
    api.token = api.create_token("reader", &[Scope::Read]);
    let entities: Vec<String> = (0..100).map(|number| format!("sensor.s{number}")).collect();
    let states: Vec<(&str, &str)> = entities.iter().map(|id| (id.as_str(), "1")).collect();
    api.hub.handle(snapshot(&states));
    let requests = json!([
        { "path": "/v1/cache/ns/key" },
        { "path": "/v1/context?budget=128" },
        { "path": "/v1/states" },
        { "method": "POST", "path": "/v1/backup" },
        { "path": "/v1/nothing" },
    ]);
    let id = "x".repeat(128);
    let request = api
        .request("POST", "/v1/batch")
        .header("accept-encoding", "gzip")
        .header("x-request-id", &id);
    let body = json!({ "requests": requests }).to_string();
    let answer = api.send(request.body(body.into()).unwrap()).await;
    assert_eq!(answer.header("content-encoding"), "gzip");
    assert_eq!(answer.header("x-request-id"), id);
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(&answer.body[..])
        .read_to_end(&mut plain)
        .unwrap();
    let answers: Value = serde_json::from_slice(&plain).unwrap();
    let answers = &answers["responses"];
    let challenge = answers[0]["headers"]["www-authenticate"].as_str().unwrap();
    assert!(challenge.contains("scope=\"cache\""), "{challenge}");
    let problem_id = answers[0]["body"]["request_id"].as_str().unwrap();
    assert_eq!(problem_id, format!("{}.0", &id[..126]));
    assert_eq!(answers[1]["headers"]["weirhouse-full"], "true");
    assert_eq!(answers[2]["body"]["states"].as_array().unwrap().len(), 100);
    let details: Vec<&str> = [3, 4]
        .map(|number: usize| answers[number]["body"]["detail"].as_str().unwrap())
        .into();
    assert!(details[0].contains("by itself"), "{details:?}");
    assert!(details[1].contains("there is no"), "{details:?}");
}
