//! Readings that programs report with the time at which they were made.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::Api;
use super::reports::{report, reported, send, told};
use crate::hub::Settings;

/// A minute ago, in seconds since the epoch.
fn minute_ago() -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    now.as_secs_f64() - 60.0
}

/// A temperature; its preset is 0.5 °C.
fn flow(value: f64, time: f64) -> Value {
    json!({
        "entity": "sensor.flow", "value": value, "time": time,
        "attributes": { "device_class": "temperature", "unit_of_measurement": "°C" }
    })
}

#[tokio::test]
async fn a_reading_older_than_the_newest_changes_nothing() {
    let api = Api::new();
    let start = minute_ago();
    for (value, after, expected) in [
        (21.0, 0.0, ["published", "first", "21.0"]),
        (25.0, -0.001, ["suppressed", "late", "21.0"]),
        (21.0, 2.0, ["unchanged", "-", "21.0"]),
        // The newest is what was unchanged.
        (25.0, 1.0, ["suppressed", "late", "21.0"]),
        (21.2, 2.0, ["suppressed", "within", "21.0"]),
        (25.0, 3.0, ["published", "threshold", "25.0"]),
        (21.0, 2.0, ["suppressed", "late", "25.0"]),
    ] {
        let judged = report(&api, json!([flow(value, start + after)])).await;
        assert_eq!(told(&judged[0]), expected, "{value} after {after} s");
    }
    let held = &reported(&api).await[0];
    assert_eq!(held["state"], "25.0");
    // Each was judged, those that changed nothing too.
    assert_eq!(
        (&held["observed"], &held["suppressed"]),
        (&json!(7), &json!(5))
    );
    let metrics = api.call("GET", "/metrics", "").await;
    let metrics = str::from_utf8(&metrics.body).unwrap();
    assert!(metrics.contains("\nweirhouse_late_total 3\n"), "{metrics}");
}

#[tokio::test]
async fn readings_of_one_request_are_told_apart() {
    let api = Api::new();
    let start = minute_ago();
    let judged = report(
        &api,
        json!([
            flow(21.0, start),
            { "entity": "sensor.mode", "value": "heating" },
            flow(23.0, start + 2.0),
            flow(22.0, start + 1.0),
            { "entity": "sensor.mode", "value": "off", "time": null },
        ]),
    )
    .await;
    let judged: Vec<_> = judged.iter().map(told).collect();
    assert_eq!(
        judged,
        [
            ["published", "first", "21.0"],
            ["published", "first", "heating"],
            ["published", "threshold", "23.0"],
            ["suppressed", "late", "23.0"],
            ["published", "changed", "off"],
        ]
    );
}

#[tokio::test]
async fn what_comes_late_describes_nothing() {
    let api = Api::new();
    let start = minute_ago();
    let dated = |value: f64, time: f64, attributes: Value| json!([{ "entity": "sensor.flow", "value": value, "time": time, "attributes": attributes }]);
    let temperature =
        json!({ "device_class": "temperature", "unit_of_measurement": "°C", "valve": 1 });
    report(&api, dated(21.0, start, temperature.clone())).await;
    let late =
        json!({ "device_class": "power", "unit_of_measurement": "W", "valve": 9, "pump": 1 });
    let judged = report(&api, dated(40.0, start - 5.0, late)).await;
    assert_eq!(told(&judged[0]), ["suppressed", "late", "21.0"]);
    assert_eq!(reported(&api).await[0]["attributes"], temperature);
    // By the preset of temperatures still, which a watt is above.
    let judged = report(&api, dated(21.6, start + 1.0, temperature)).await;
    assert_eq!(told(&judged[0]), ["published", "threshold", "21.6"]);
    // An attribute that differs is judged where the reading is not late.
    let opened = json!({ "device_class": "temperature", "unit_of_measurement": "°C", "valve": 2 });
    let judged = report(&api, dated(21.6, start + 2.0, opened.clone())).await;
    assert_eq!(told(&judged[0]), ["published", "first", "21.6"]);
    assert_eq!(reported(&api).await[0]["attributes"], opened);
}

#[tokio::test]
async fn no_reading_is_from_the_future() {
    let api = Api::new();
    let now = minute_ago() + 60.0;
    for (time, expected) in [
        (now + 50.0, ["published", "first", "1.0"]),
        (now + 3_600.0, ["refused", "ahead", "-"]),
        (1e300, ["refused", "ahead", "-"]),
        (now + 50.0, ["suppressed", "within", "1.0"]),
        (0.0, ["suppressed", "late", "1.0"]),
    ] {
        let value = if expected[1] == "first" { 1.0 } else { 1.1 };
        let judged = report(&api, json!([flow(value, time)])).await;
        let mut judged = told(&judged[0]);
        if judged[0] == "refused" {
            judged[2] = "-";
        }
        assert_eq!(judged, expected, "{time}");
    }
    for time in [json!("noon"), json!(-0.5), json!(-1e300)] {
        let body = json!({ "readings": [{ "entity": "sensor.a", "value": 1, "time": time }] });
        let answer = send(&api, body.to_string()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        let told = str::from_utf8(&answer.body).unwrap();
        assert!(told.contains("time"), "{told}");
    }
}

#[tokio::test]
async fn what_is_late_is_late_after_a_restart_too() {
    let api = Api::with(tempfile::tempdir().unwrap(), Settings::default());
    let start = minute_ago();
    report(&api, json!([flow(21.0, start)])).await;
    api.hub.stop().unwrap();
    let api = api.restart();
    let judged = report(&api, json!([flow(25.0, start - 1.0)])).await;
    assert_eq!(told(&judged[0])[..2], ["suppressed", "late"]);
    assert_eq!(reported(&api).await, json!([]));
    let judged = report(&api, json!([flow(25.0, start + 1.0)])).await;
    assert_eq!(told(&judged[0]), ["published", "threshold", "25.0"]);
}
