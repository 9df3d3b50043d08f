//! The home in words.

use axum::body::Body;
use axum::http::StatusCode;
use serde_json::Value;
use weirhouse_hass::{DisconnectReason, Event};

use super::{Api, snapshot};

fn home() -> Api {
    let api = Api::new();
    api.hub
        .handle(snapshot(&[("light.a", "on"), ("sensor.b", "21.5")]));
    api
}

#[tokio::test]
async fn a_context_says_what_it_is() {
    let api = home();
    let answer = api.call("GET", "/v1/context?budget=300", "").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        answer.body,
        "Elsewhere:\nA (light.a): on\nA (sensor.b): 21.5\n"
    );
    for (header, value) in [
        ("content-type", "text/plain; charset=utf-8"),
        ("weirhouse-tokenizer", "o200k_base"),
        ("weirhouse-lines", "2"),
        ("weirhouse-omitted", "0"),
        ("weirhouse-full", "true"),
        ("weirhouse-stale", "false"),
        ("cache-control", "private, no-cache"),
    ] {
        assert_eq!(answer.header(header), value, "{header}");
    }
    assert!(answer.header("weirhouse-tokens").parse::<u32>().unwrap() < 30);
    assert!(answer.header("weirhouse-as-of").starts_with("20"));

    let again = api
        .request("GET", "/v1/context?budget=300")
        .header("if-none-match", answer.header("etag"));
    let again = api.send(again.body(Body::empty()).unwrap()).await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);
    assert!(again.body.is_empty());

    api.hub
        .handle(snapshot(&[("light.a", "off"), ("sensor.b", "21.5")]));
    let path = format!("/v1/context?since={}", answer.header("weirhouse-cursor"));
    let changed = api.call("GET", &path, "").await;
    assert_eq!(changed.body, "Elsewhere:\nA (light.a): off\n");
    assert_eq!(changed.header("weirhouse-full"), "false");
}

#[tokio::test]
async fn each_format_has_its_media_type() {
    let api = home();
    for (format, media_type) in [
        ("markdown", "text/markdown; charset=utf-8"),
        ("json", "application/json"),
    ] {
        let path = format!("/v1/context?format={format}&by=domain&tokenizer=cl100k_base");
        let answer = api.call("GET", &path, "").await;
        assert_eq!(answer.header("content-type"), media_type);
        assert_eq!(answer.header("weirhouse-tokenizer"), "cl100k_base");
    }
    let json = api.call("GET", "/v1/context?format=json", "").await.body;
    let json: Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["sections"][0]["id"], "none");
}

#[tokio::test]
async fn what_may_be_outdated_says_so_to_the_model() {
    let api = home();
    api.hub.handle(Event::Disconnected {
        reason: DisconnectReason::Binary,
        retry_in: std::time::Duration::from_secs(1),
    });
    let answer = api.call("GET", "/v1/context", "").await;
    assert!(
        answer
            .body
            .starts_with(b"These states may be out of date.\n")
    );
    assert_eq!(answer.header("weirhouse-stale"), "true");
}

#[tokio::test]
async fn nonsense_is_refused() {
    let api = home();
    for query in [
        "budget=0",
        "format=xml",
        "tokenizer=gpt-9",
        "section=hall",
        "limit=5",
    ] {
        let answer = api.call("GET", &format!("/v1/context?{query}"), "").await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        assert_eq!(answer.problem(), "invalid-argument");
    }
}
