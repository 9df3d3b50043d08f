//! What is refused, and how.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use serde_json::{Value, json};

use super::Api;
use crate::access::{RateLimit, Scope};
use crate::api::BODY_LIMIT_BYTES;

#[tokio::test]
async fn bad_requests_are_told_apart() {
    let api = Api::new();
    let long_key = format!("/v1/cache/ns/{}", "k".repeat(1025));
    for (method, path, status, kind) in [
        ("GET", "/nothing", 404, "unknown-route"),
        ("GET", "/v1", 404, "unknown-route"),
        ("GET", "/v1/cache/ns", 405, "method-not-allowed"),
        ("DELETE", "/v1/cache", 400, "invalid-argument"),
        ("DELETE", "/v1/cache?tag=", 400, "invalid-argument"),
        ("DELETE", "/v1/cache?glob=a", 400, "invalid-argument"),
        ("DELETE", "/v1/cache/ns?tag=", 400, "invalid-argument"),
        ("DELETE", "/v1/cache/ns?glob=", 400, "invalid-argument"),
        ("DELETE", "/v1/cache/ns?glob=[", 400, "invalid-argument"),
        (
            "DELETE",
            "/v1/cache/ns?glob=a&tag=b",
            400,
            "invalid-argument",
        ),
        ("DELETE", "/v1/cache/", 404, "unknown-route"),
        ("DELETE", "/v1/cache/ns/", 404, "unknown-route"),
        ("GET", "/v1/cache/ns/", 404, "unknown-route"),
        ("POST", "/", 405, "method-not-allowed"),
        ("DELETE", "/healthz", 405, "method-not-allowed"),
        ("POST", "/v1/stats", 405, "method-not-allowed"),
        ("POST", "/v1/cache/ns/key", 405, "method-not-allowed"),
        ("PATCH", "/v1/stream", 405, "method-not-allowed"),
        ("GET", "/v1/states/sensor.nowhere", 404, "unknown-entity"),
        ("GET", "/v1/states/%ff", 400, "invalid-argument"),
        (
            "GET",
            "/v1/states/sensor.a?since=1",
            400,
            "invalid-argument",
        ),
        ("GET", "/v1/states?glob=%5Ba%5D", 400, "invalid-argument"),
        ("GET", "/v1/states?fields=nothing", 400, "invalid-argument"),
        ("GET", "/v1/states?expand=nothing", 400, "invalid-argument"),
        ("GET", "/v1/states?limit=0", 400, "invalid-argument"),
        ("GET", "/v1/states?since=nothing", 400, "invalid-argument"),
        ("GET", "/v1/areas?domain=light", 400, "invalid-argument"),
        ("GET", "/v1/areas/nowhere", 404, "unknown-row"),
        ("POST", "/v1/states", 405, "method-not-allowed"),
        ("GET", "/v1/stats?entity=a", 400, "invalid-argument"),
        ("GET", "/v1/history?limit=1", 400, "invalid-argument"),
        ("GET", "/metrics?name=a", 400, "invalid-argument"),
        ("POST", "/v1/batch?fields=a", 400, "invalid-argument"),
        ("GET", "/v1/batch", 405, "method-not-allowed"),
        ("POST", "/v1/batch", 400, "invalid-argument"),
        ("GET", "/v1/cache/ns/nowhere", 404, "cache-miss"),
        ("GET", "/v1/cache/ns/%ff", 400, "invalid-argument"),
        ("GET", "/v1/cache/ns/key?ttl=1", 400, "invalid-argument"),
        ("PUT", "/v1/cache/ns/key?ttl=0", 400, "invalid-argument"),
        ("PUT", "/v1/cache/ns/key?ttl=-1", 400, "invalid-argument"),
        ("PUT", "/v1/cache/ns/key?ttl=nan", 400, "invalid-argument"),
        ("PUT", "/v1/cache/ns/key?ttl=inf", 400, "invalid-argument"),
        ("PUT", "/v1/cache/ns/key?ttl=soon", 400, "invalid-argument"),
        ("PUT", "/v1/cache/ns/key?ttl=1e300", 400, "invalid-argument"),
        ("PUT", "/v1/cache/ns/key?ttl=1e-9", 400, "invalid-argument"),
        (
            "PUT",
            "/v1/cache/ns/key?ttl=1&ttl=2",
            400,
            "invalid-argument",
        ),
        ("PUT", "/v1/cache/ns/key?tll=1", 400, "invalid-argument"),
        (
            "PUT",
            "/v1/cache/ns/key?wait=forever",
            400,
            "invalid-argument",
        ),
        ("PUT", long_key.as_str(), 413, "too-large"),
        ("DELETE", "/v1/cache/ns/key?ttl=1", 400, "invalid-argument"),
        ("GET", "/v1/stream?entity=sensor", 400, "invalid-argument"),
        ("GET", "/v1/stream?entity=%ff", 400, "invalid-argument"),
        ("PUT", "/v1/cache/ns/key?tag=%ff", 400, "invalid-argument"),
        (
            "GET",
            "/v1/stream?entities=sensor.a",
            400,
            "invalid-argument",
        ),
    ] {
        let answer = api.call(method, path, "x").await;
        let line = format!("{method} {path}");
        assert_eq!(answer.status.as_u16(), status, "{line}");
        assert_eq!(answer.problem(), kind, "{line}");
        assert_eq!(answer.header("allow").is_empty(), status != 405, "{line}");
    }
}

#[tokio::test]
async fn without_the_token_only_page_and_health_answer() {
    let api = Api::new();
    for (path, open) in [
        ("/", true),
        ("/healthz", true),
        ("/metrics", false),
        ("/v1/stats", false),
        ("/v1/states/sensor.a", false),
        ("/v1/states", false),
        ("/v1/areas", false),
        ("/v1/batch", false),
        ("/v1/cache/ns/key", false),
        ("/v1/stream", false),
        ("/v1/nothing", false),
    ] {
        for authorization in [None, Some("Bearer wrong"), Some("Basic eDp5")] {
            let mut request = Request::get(path).header(header::HOST, "localhost:8098");
            if let Some(authorization) = authorization {
                request = request.header(header::AUTHORIZATION, authorization);
            }
            let answer = api.send(request.body(Body::empty()).unwrap()).await;
            if open {
                assert_ne!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
            } else {
                assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
                let wrong = authorization == Some("Bearer wrong");
                let kind = if wrong {
                    "invalid-token"
                } else {
                    "unauthorized"
                };
                assert_eq!(answer.problem(), kind, "{path}");
                let challenge = answer.header("www-authenticate");
                assert!(challenge.starts_with("Bearer"), "{challenge}");
                assert_eq!(challenge.contains("invalid_token"), wrong, "{challenge}");
            }
        }
    }
}

#[tokio::test]
async fn requests_for_other_hosts_are_refused() {
    let api = Api::new();
    for path in ["/", "/healthz", "/v1/stats"] {
        let request = api
            .request("GET", path)
            .header(header::HOST, "ignored")
            .body(Body::empty());
        let mut request = request.unwrap();
        request
            .headers_mut()
            .insert(header::HOST, "rebound.example:8098".parse().unwrap());
        assert_eq!(api.send(request).await.problem(), "misdirected", "{path}");
    }
    let request = Request::get("/healthz").body(Body::empty()).unwrap();
    assert_eq!(api.send(request).await.problem(), "invalid-argument");
}

#[tokio::test]
async fn several_hosts_are_none() {
    let api = Api::new();
    let request = api
        .request("GET", "/healthz")
        .header(header::HOST, "localhost")
        .body(Body::empty());
    let answer = api.send(request.unwrap()).await;
    assert_eq!(answer.problem(), "invalid-argument");
}

#[tokio::test]
async fn a_body_that_would_have_to_be_unpacked_is_refused() {
    let api = Api::new();
    for (method, path) in [("PUT", "/v1/cache/ns/key"), ("POST", "/v1/batch")] {
        let send = |encoding: &'static str| {
            let request = api
                .request(method, path)
                .header(header::CONTENT_ENCODING, encoding);
            api.send(request.body(Body::from("{\"requests\":[]}")).unwrap())
        };
        let packed = send("gzip").await;
        assert_eq!(packed.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{path}");
        assert_eq!(packed.problem(), "unsupported-media-type");
        assert!(send("identity").await.status.is_success(), "{path}");
    }
}

#[tokio::test]
async fn an_oversized_body_is_refused_and_harms_nothing() {
    let api = Api::new();
    api.call("PUT", "/v1/cache/ns/key", "before").await;
    let answer = api
        .call("PUT", "/v1/cache/ns/key", vec![0; BODY_LIMIT_BYTES + 1])
        .await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(answer.problem(), "too-large");
    assert_eq!(api.call("GET", "/v1/cache/ns/key", "").await.body, "before");
}

#[tokio::test]
async fn a_token_reaches_what_its_scopes_say_and_nothing_else() {
    let mut api = Api::new();
    let owner = api.token.clone();
    let routes = [
        ("GET", "/v1/stats", Scope::Read),
        ("GET", "/metrics", Scope::Read),
        ("GET", "/v1/states/sensor.a", Scope::Read),
        ("PUT", "/v1/cache/ns/key", Scope::Cache),
        ("GET", "/v1/cache/ns/key", Scope::Cache),
        ("DELETE", "/v1/cache/ns/key", Scope::Cache),
        ("DELETE", "/v1/cache/ns", Scope::Cache),
        ("DELETE", "/v1/cache?tag=a", Scope::Cache),
    ];
    for scope in Scope::ALL {
        api.token = api.create_token(scope.name(), &[scope]);
        for (method, path, needed) in routes {
            let answer = api.call(method, path, "x").await;
            let line = format!("{} {method} {path}", scope.name());
            if scope == needed || scope == Scope::Admin {
                assert_ne!(answer.status, StatusCode::FORBIDDEN, "{line}");
                continue;
            }
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{line}");
            assert_eq!(answer.problem(), "forbidden", "{line}");
            let challenge = answer.header("www-authenticate");
            let names = format!("scope=\"{}\"", needed.name());
            assert!(challenge.contains(&names), "{line}: {challenge}");
        }
        // That there is nothing is told to every token.
        let nothing = api.call("GET", "/v1/nothing", "").await;
        assert_eq!(nothing.problem(), "unknown-route");
    }
    api.token = owner;
    assert_eq!(
        api.call("GET", "/v1/stats", "").await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_come_back() {
    let mut api = Api::new();
    api.token = api.create_token("wild", &[Scope::Read]);
    api.access.set_limit(RateLimit {
        per_second: 1,
        burst: 2,
    });
    for _ in 0..2 {
        let answer = api.call("GET", "/v1/states/sensor.a", "").await;
        assert_eq!(answer.problem(), "unknown-entity");
    }
    let refused = api.call("GET", "/v1/states/sensor.a", "").await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.problem(), "rate-limited");
    assert_eq!(refused.header("retry-after"), "1");
}

#[tokio::test]
async fn each_request_of_a_batch_counts() {
    let mut api = Api::new();
    api.token = api.create_token("wild", &[Scope::Read]);
    api.access.set_limit(RateLimit {
        per_second: 1,
        burst: 3,
    });
    let requests = vec![json!({ "path": "/v1/stats" }); 3];
    let body = json!({ "requests": requests }).to_string();
    let answer = api.call("POST", "/v1/batch", body).await;
    let answer: Value = serde_json::from_slice(&answer.body).unwrap();
    let statuses = answer["responses"].as_array().unwrap().iter();
    let statuses: Vec<&Value> = statuses.map(|it| &it["status"]).collect();
    assert_eq!(statuses, [200, 200, 429]);
}

#[tokio::test]
async fn headers_without_end_are_refused() {
    let api = Api::new();
    let request = api
        .request("GET", "/v1/stats")
        .header("x-much", "x".repeat(20_000))
        .body(Body::empty());
    let answer = api.send(request.unwrap()).await;
    assert_eq!(answer.status, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    assert_eq!(answer.problem(), "headers-too-large");
}
