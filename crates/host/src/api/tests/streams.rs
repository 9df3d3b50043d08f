//! Server-sent events.

use std::collections::HashMap;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{StatusCode, header};
use serde_json::Value;

use super::{Api, snapshot};
use crate::access::{Scope, TokensLock};
use crate::api::stream::MAX_STREAMS;

#[tokio::test]
async fn a_stream_carries_what_it_was_asked_for_and_ends_with_the_server() {
    let api = Api::new();
    let request = api.request("GET", "/v1/stream?entity=sensor.a&entity=light.*");
    let request = request.body(Body::empty()).unwrap();
    let response = api.served.answer(None, request).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(
        response.headers()[header::CONTENT_TYPE],
        "text/event-stream"
    );
    api.hub.handle(snapshot(&[
        ("sensor.a", "1"),
        ("sensor.b", "2"),
        ("light.c", "on"),
    ]));
    api.settle().await;
    let events = api.finish(response).await;
    let seen: Vec<(String, Value)> = events.iter().map(|event| update(event)).collect();
    let entities: Vec<&Value> = seen.iter().map(|(_, data)| &data["entity_id"]).collect();
    assert_eq!(entities, ["sensor.a", "light.c"]);
    for (id, data) in &seen {
        assert_eq!(*id, data["batch"].to_string());
        assert_eq!(data["reason"], "first");
    }
}

#[tokio::test]
async fn an_offer_of_another_protocol_is_not_taken_up() {
    let api = Api::new();
    for (offer, status) in [("h2c", 200), ("foo/2", 200), ("websocket", 426)] {
        let request = api
            .request("GET", "/v1/stream")
            .header(header::UPGRADE, offer)
            .body(Body::empty());
        let response = api.served.answer(None, request.unwrap()).await;
        // A WebSocket needs the rest of its handshake, too.
        assert_eq!(response.status().as_u16(), status, "{offer}");
    }
}

#[tokio::test]
async fn a_slow_stream_is_told_what_it_missed() {
    let api = Api::new();
    let request = api
        .request("GET", "/v1/stream")
        .body(Body::empty())
        .unwrap();
    let response = api.served.answer(None, request).await;
    // Nobody reads while far more happens than is kept.
    let entities: Vec<String> = (0..6000)
        .map(|number| format!("sensor.s{number}"))
        .collect();
    let states: Vec<(&str, &str)> = entities
        .iter()
        .map(|entity| (entity.as_str(), "1"))
        .collect();
    api.hub.handle(snapshot(&states));
    api.settle().await;
    let events = api.finish(response).await;
    let missed = events[0]
        .strip_prefix("event: lagged\ndata: ")
        .map(|data| {
            serde_json::from_str::<Value>(data).unwrap()["missed"]
                .as_u64()
                .unwrap()
        })
        .unwrap();
    let received = events.len() as u64 - 1;
    assert_eq!(missed + received, 6000);
    assert!(
        missed > 0 && received > 0,
        "{missed} missed, {received} received"
    );
}

#[tokio::test]
async fn streams_are_bounded_and_free_their_place() {
    let api = Api::new();
    let open = || async {
        let request = api
            .request("GET", "/v1/stream")
            .body(Body::empty())
            .unwrap();
        api.served.answer(None, request).await
    };
    let mut streams = Vec::new();
    for _ in 0..MAX_STREAMS {
        streams.push(open().await);
    }
    assert_eq!(open().await.status(), StatusCode::SERVICE_UNAVAILABLE);
    streams.pop();
    assert_eq!(open().await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_stream_ends_with_its_token() {
    let mut api = Api::new();
    api.token = api.create_token("guest", &[Scope::Read]);
    let request = api.request("GET", "/v1/stream").body(Body::empty());
    let response = api.served.answer(None, request.unwrap()).await;
    assert_eq!(response.status(), StatusCode::OK);
    let lock = TokensLock::take(api.folder.path()).unwrap();
    lock.revoke("guest").unwrap();
    api.access.reload().unwrap();
    let ended = to_bytes(response.into_body(), 1 << 20);
    tokio::time::timeout(Duration::from_secs(5), ended)
        .await
        .expect("the stream ends")
        .unwrap();
}

/// The id and the data of an event `update`.
fn update(event: &str) -> (String, Value) {
    let fields: HashMap<&str, &str> = event
        .lines()
        .filter_map(|line| line.split_once(": "))
        .collect();
    assert_eq!(fields["event"], "update");
    let data = serde_json::from_str(fields["data"]).unwrap();
    (fields["id"].to_owned(), data)
}
