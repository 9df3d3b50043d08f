//! What can be read: states, figures, health, the page.

use std::collections::HashSet;

use axum::body::Body;
use axum::http::StatusCode;
use serde_json::Value;
use weirhouse_hass::Event;

use super::{Api, snapshot};
use crate::hub::Report;

#[tokio::test]
async fn answers_are_marked() {
    let api = Api::new();
    let request = api
        .request("GET", "/v1/stats")
        .header("x-request-id", "mine-1");
    let answer = api.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("x-request-id"), "mine-1");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(
        answer
            .header("content-security-policy")
            .contains("default-src 'none'")
    );

    let page = api.call("GET", "/", "").await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(
        page.header("content-security-policy")
            .contains("script-src 'nonce-")
    );
    assert!(!page.header("x-request-id").is_empty());
}

#[tokio::test]
async fn a_state_is_home_assistants_with_what_was_published() {
    let api = Api::new();
    let nothing = api.call("GET", "/v1/states/sensor.a", "").await;
    assert!(nothing.problem() == "unknown-entity");
    api.hub.handle(Event::Connected { ha_version: None });
    api.hub.handle(snapshot(&[("sensor.a", "21.5")]));
    api.settle().await;
    let answer = api.call("GET", "/v1/states/sensor.a", "").await;
    assert_eq!(answer.status, StatusCode::OK);
    let state: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(state["entity_id"], "sensor.a");
    assert_eq!(state["state"], "21.5");
    assert_eq!(state["attributes"]["friendly_name"], "A");
    assert_eq!(state["last_changed"], "1970-01-01T00:00:01.500000+00:00");
    assert_eq!(state["stale"], false);
    assert_eq!(state["published"]["state"], "21.5");
    assert_eq!(state["published"]["reason"], "first");
}

#[tokio::test]
async fn figures_agree_in_both_formats() {
    let api = Api::new();
    api.hub
        .handle(snapshot(&[("sensor.a", "1"), ("sensor.b", "2")]));
    api.settle().await;
    api.call("PUT", "/v1/cache/ns/key", "value").await;
    api.call("GET", "/v1/cache/ns/key", "").await;
    api.call("GET", "/v1/cache/ns/other", "").await;
    api.hub.report(vec![Report {
        entity_id: "sensor.c".into(),
        state: "3".into(),
        attributes: None,
        time: None,
    }]);
    api.settle().await;
    let stats = api.call("GET", "/v1/stats", "").await;
    let stats: Value = serde_json::from_slice(&stats.body).unwrap();
    let metrics = api.call("GET", "/metrics", "").await;
    assert!(
        metrics
            .header("content-type")
            .starts_with("text/plain; version=0.0.4")
    );
    let metrics = String::from_utf8(metrics.body.to_vec()).unwrap();
    for (metric, pointer, expected) in [
        ("weirhouse_home_entities", "/home/entities", 2),
        ("weirhouse_reported_entities", "/home/reported", 1),
        ("weirhouse_readings_total", "/updates/observed", 3),
        (
            "weirhouse_published_total{by=\"reading\"}",
            "/updates/published",
            3,
        ),
        ("weirhouse_batches_total", "/batches/batches", 2),
        (
            "weirhouse_cache_hits_total{level=\"l1\"}",
            "/cache/l1/hits",
            1,
        ),
        (
            "weirhouse_cache_misses_total{level=\"l2\"}",
            "/cache/l2/misses",
            1,
        ),
    ] {
        assert_eq!(stats.pointer(pointer), Some(&expected.into()), "{pointer}");
        let line = format!("{metric} {expected}");
        assert!(metrics.lines().any(|found| found == line), "{line}");
    }
    // Every family is described once, before its samples.
    let described: Vec<&str> = metrics
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
        .collect();
    let once: HashSet<&str> = described.iter().copied().collect();
    assert_eq!(described.len(), once.len());
}

#[tokio::test]
async fn health_tells_its_parts() {
    let api = Api::new();
    let answer = api.call("GET", "/healthz", "").await;
    assert_eq!(answer.status, StatusCode::OK);
    let health: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(health["ok"], true);
    let parts = health["components"].as_array().unwrap();
    let home = parts
        .iter()
        .find(|part| part["component"] == "home-assistant");
    assert_eq!(home.unwrap()["ok"], false);
}

/// What people and dashboards read.
const DOCUMENT: &str = include_str!("../../../../../docs/metrics.md");

#[tokio::test]
async fn the_metrics_served_are_the_metrics_documented() {
    let api = Api::new();
    api.call("GET", "/v1/nothing", "").await;
    let metrics = api.call("GET", "/metrics", "").await;
    let metrics = String::from_utf8(metrics.body.to_vec()).unwrap();
    assert!(metrics.contains("weirhouse_requests_total{status=\"4xx\"} 1\n"));
    let served: HashSet<(&str, &str)> = metrics
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '))
        .collect();
    let documented: HashSet<(&str, &str)> = DOCUMENT
        .lines()
        .filter_map(|line| {
            let (name, rest) = line.strip_prefix("| `")?.split_once("` | ")?;
            Some((name, rest.split_once(' ')?.0))
        })
        .collect();
    assert_eq!(served, documented);
}
