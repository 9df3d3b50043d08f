//! Breakers for calls of other programs.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::Value;

use super::{Answer, Api};
use crate::access::Scope;

fn json(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}

/// A permit for a call.
async fn permit(api: &Api, query: &str) -> u64 {
    let answer = api
        .call("POST", &format!("/v1/breakers/cloud{query}"), "")
        .await;
    assert_eq!(answer.status, StatusCode::CREATED, "{:?}", answer.body);
    json(&answer)["permit"].as_u64().unwrap()
}

async fn report(api: &Api, permit: u64, how: &str) -> Value {
    let path = format!("/v1/breakers/cloud?permit={permit}&{how}");
    let answer = api.call("PUT", &path, "").await;
    assert_eq!(answer.status, StatusCode::OK, "{how}: {:?}", answer.body);
    json(&answer)
}

#[tokio::test]
async fn a_breaker_opens_after_failures_in_a_row_and_is_closed_by_probes() {
    let api = Api::new();
    let settings = "?failures=3&open=3&successes=1";
    for how in ["outcome=timeout", "outcome=503", "outcome=connection"] {
        // What is the caller's fault counts as nothing.
        let excluded = permit(&api, settings).await;
        report(&api, excluded, "outcome=404").await;
        let failing = permit(&api, settings).await;
        report(&api, failing, how).await;
    }
    let refused = api.call("POST", "/v1/breakers/cloud", "").await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.problem(), "breaker-open");
    assert_eq!(refused.header("retry-after"), "3");
    let listed = json(&api.call("GET", "/v1/breakers", "").await);
    let cloud = &listed["breakers"][0];
    assert_eq!(
        (&cloud["name"], &cloud["state"]),
        (&"cloud".into(), &"open".into())
    );
    assert_eq!(
        (&cloud["opened"], &cloud["rejected"]),
        (&1.into(), &1.into())
    );
    assert!(cloud["probe_in_s"].as_f64().unwrap() <= 3.0);
    let metrics = api.call("GET", "/metrics", "").await;
    for sample in [
        "closed{breaker=\"cloud\"} 0",
        "opened_total{breaker=\"cloud\"} 1",
    ] {
        let line = format!("\nweirhouse_breaker_{sample}\n");
        assert!(str::from_utf8(&metrics.body).unwrap().contains(&line));
    }

    tokio::time::sleep(Duration::from_millis(3_010)).await;
    let probe = permit(&api, "").await;
    let meanwhile = api.call("POST", "/v1/breakers/cloud", "").await;
    assert_eq!(meanwhile.status, StatusCode::SERVICE_UNAVAILABLE);
    let after = report(&api, probe, "outcome=success").await;
    assert_eq!(after["breaker"]["state"], "closed");
    assert_eq!(after["retry_in_s"], Value::Null);
}

#[tokio::test]
async fn what_a_breaker_was_asked_to_be_holds_until_it_is_asked_otherwise() {
    let api = Api::new();
    permit(&api, "?failures=2").await;
    permit(&api, "?open=100").await;
    let mut state = Value::Null;
    for expected in ["closed", "open"] {
        let call = permit(&api, "").await;
        state = report(&api, call, "outcome=timeout").await["breaker"].take();
        assert_eq!(state["state"], expected);
    }
    assert!(state["probe_in_s"].as_f64().unwrap() > 90.0, "{state}");
}

#[tokio::test]
async fn the_answer_to_a_failure_says_when_to_try_again() {
    let api = Api::new();
    let call = permit(&api, "").await;
    for (how, least, most) in [
        ("outcome=timeout", 0.9, 1.1),
        ("outcome=timeout&attempt=2", 1.8, 2.2),
        ("outcome=429&retry_after=7", 7.0, 7.0),
        ("outcome=503&initial=4&cap=10", 3.6, 4.4),
        (
            "outcome=503&attempt=4&attempts=9&initial=4&cap=10",
            9.0,
            10.0,
        ),
    ] {
        let told = report(&api, call, how).await;
        let wait = told["retry_in_s"].as_f64().unwrap();
        assert!((least..=most).contains(&wait), "{how}: {wait}");
    }
    for how in [
        "outcome=timeout&attempt=3",
        "outcome=401",
        "outcome=429",
        "outcome=cancelled",
        "outcome=503&retry_after=61",
    ] {
        assert_eq!(
            report(&api, call, how).await["retry_in_s"],
            Value::Null,
            "{how}"
        );
    }
}

#[tokio::test]
async fn a_breaker_that_is_forgotten_lets_the_next_call_through() {
    let api = Api::new();
    let call = permit(&api, "?failures=1").await;
    let told = report(&api, call, "outcome=500").await;
    assert_eq!(told["breaker"]["state"], "open");
    let path = "/v1/breakers/cloud";
    let forgotten = api.call("DELETE", path, "").await;
    assert_eq!(forgotten.status, StatusCode::NO_CONTENT);
    for (method, path) in [
        ("DELETE", path),
        ("PUT", "/v1/breakers/cloud?permit=1&outcome=success"),
    ] {
        let unknown = api.call(method, path, "").await;
        assert_eq!(unknown.problem(), "unknown-row");
    }
    permit(&api, "").await;
}

#[tokio::test]
async fn nonsense_is_refused() {
    let api = Api::new();
    permit(&api, "").await;
    for (method, query, words) in [
        ("POST", "failures=0", "failures"),
        ("POST", "open=0", "open"),
        ("POST", "open=-1", "open"),
        ("POST", "open=NaN", "open"),
        ("POST", "successes=1.5", "successes"),
        ("POST", "sucesses=1", "unknown"),
        ("PUT", "outcome=success", "permit"),
        ("PUT", "permit=0", "outcome"),
        ("PUT", "permit=0&outcome=600", "outcome"),
        ("PUT", "permit=0&outcome=503&attempt=0", "attempt"),
        ("PUT", "permit=0&outcome=503&attempts=1001", "attempts"),
    ] {
        let path = format!("/v1/breakers/cloud?{query}");
        let answer = api.call(method, &path, "").await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{method} {query}");
        let detail = json(&answer)["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(words), "{method} {query}: {detail}");
    }
    let name = "n".repeat(256);
    let long = api.call("POST", &format!("/v1/breakers/{name}"), "").await;
    assert_eq!(long.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn who_may_read_may_look_and_not_call() {
    let mut api = Api::new();
    permit(&api, "").await;
    api.token = api.create_token("page", &[Scope::Read]);
    let listed = api.call("GET", "/v1/breakers", "").await;
    assert_eq!(json(&listed)["breakers"][0]["name"], "cloud");
    for method in ["POST", "PUT", "DELETE"] {
        let path = "/v1/breakers/cloud?permit=0&outcome=success";
        let answer = api.call(method, path, "").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method}");
    }
}
