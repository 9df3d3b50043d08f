//! Who comes through Home Assistant's ingress, and what only the owner may do.

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};

use super::Api;
use crate::access::Scope;

/// Asks as the Supervisor passes a user's request on: no token, and a host that
/// is not ours.
async fn visit(api: &Api, method: &str, path: &str) -> axum::response::Response {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "homeassistant.local:8123")
        .header("x-ingress-path", "/api/hassio_ingress/secret")
        .body(Body::empty())
        .unwrap();
    api.served.for_visitors().answer(None, request).await
}

#[tokio::test]
async fn visitors_read_without_a_token_and_change_nothing() {
    let api = Api::new();
    for (method, path, status) in [
        ("GET", "/", 200),
        ("GET", "/v1/stats", 200),
        ("GET", "/v1/states", 200),
        ("GET", "/v1/cache/a/b", 403),
        ("PUT", "/v1/cache/a/b", 403),
        ("POST", "/v1/backup", 403),
        ("GET", "/nothing", 404),
    ] {
        let answer = visit(&api, method, path).await;
        assert_eq!(answer.status().as_u16(), status, "{method} {path}");
    }
}

#[tokio::test]
async fn a_batch_lets_a_visitor_do_what_each_request_alone_would() {
    let api = Api::new();
    let requests = json!([
        { "path": "/v1/stats" },
        { "method": "PUT", "path": "/v1/cache/a/b", "text": "x" },
        { "path": "/v1/cache/a/b" },
        { "path": "/v1/states" },
    ]);
    for authorization in [None, Some(format!("Bearer {}", api.token))] {
        let mut request = Request::post("/v1/batch").header("host", "homeassistant.local:8123");
        // Who comes through Home Assistant has looked, whatever token they show.
        if let Some(authorization) = &authorization {
            request = request.header("authorization", authorization);
        }
        let body = Body::from(json!({ "requests": requests }).to_string());
        let visited = api.served.for_visitors();
        let answer = visited.answer(None, request.body(body).unwrap()).await;
        let answers = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        let answers: Value = serde_json::from_slice(&answers).unwrap();
        let answers = answers["responses"].as_array().unwrap();
        let statuses: Vec<&Value> = answers.iter().map(|it| &it["status"]).collect();
        assert_eq!(statuses, [200, 403, 403, 200], "{authorization:?}");
    }
    assert_eq!(api.call("GET", "/v1/cache/a/b", "").await.status, 404);
}

#[tokio::test]
async fn only_visitors_see_the_page_in_a_frame() {
    let api = Api::new();
    let policy = |response: &axum::response::Response| {
        let policy = &response.headers()["content-security-policy"];
        policy.to_str().unwrap().to_owned()
    };
    let visited = visit(&api, "GET", "/").await;
    assert!(policy(&visited).contains("frame-ancestors 'self'"));
    let request = api.request("GET", "/").body(Body::empty()).unwrap();
    let direct = api.served.answer(None, request).await;
    assert!(policy(&direct).contains("frame-ancestors 'none'"));
}

#[tokio::test]
async fn what_a_visitor_may_cannot_be_claimed_with_headers() {
    let api = Api::new();
    let request = Request::builder()
        .uri("/v1/stats")
        .header("host", "127.0.0.1")
        .header("x-ingress-path", "/api/hassio_ingress/secret")
        .header("x-remote-user-id", "1")
        .body(Body::empty())
        .unwrap();
    let answer = api.served.answer(None, request).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_backup_is_prepared_by_the_owner_only_and_leaves_a_copy() {
    let api = Api::new();
    let reader = api.create_token("reader", &[Scope::Read, Scope::Cache]);
    let request = Request::builder()
        .method("POST")
        .uri("/v1/backup")
        .header("host", "127.0.0.1")
        .header("authorization", format!("Bearer {reader}"))
        .body(Body::empty())
        .unwrap();
    assert_eq!(api.send(request).await.status, StatusCode::FORBIDDEN);

    let copy = api.folder.path().join("l2.redb.backup");
    let prepared = api.call("POST", "/v1/backup", "").await;
    assert_eq!(prepared.status, StatusCode::NO_CONTENT);
    assert!(copy.exists());
    let finished = api.call("DELETE", "/v1/backup", "").await;
    assert_eq!(finished.status, StatusCode::NO_CONTENT);
    assert!(!copy.exists());
}
