//! The router from outside: real requests, a real hub, no sockets.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use serde_json::Value;
use tokio::sync::watch;
use tower::ServiceExt as _;

use super::{AllowedHosts, BODY_LIMIT_BYTES, router};
use crate::data_dir::{DataDir, Token};
use crate::hub::Hub;

/// An API with a hub behind it.
struct Api {
    hub: Arc<Hub>,
    router: Router,
    token: Token,
    stop: watch::Sender<bool>,
    _folder: tempfile::TempDir,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Api {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let token = DataDir::open(folder.path()).unwrap().token().unwrap();
        let hub = Arc::new(Hub::new());
        let (stop, stopped) = watch::channel(false);
        let hosts = AllowedHosts::new([127, 0, 0, 1].into(), []);
        Self {
            router: router(Arc::clone(&hub), token.clone(), hosts, stopped),
            hub,
            token,
            stop,
            _folder: folder,
        }
    }

    /// A request that may pass.
    fn request(&self, method: &str, path: &str) -> axum::http::request::Builder {
        Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "127.0.0.1:8098")
            .header(
                header::AUTHORIZATION,
                format!("Bearer {}", self.token.expose()),
            )
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: to_bytes(body, 1 << 24).await.unwrap(),
        }
    }

    async fn call(&self, method: &str, path: &str, body: impl Into<Body>) -> Answer {
        let request = self.request(method, path).body(body.into()).unwrap();
        self.send(request).await
    }
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// Checks that this is a complete problem document, and names its kind.
    fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem: Value = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(problem["status"], self.status.as_u16());
        assert_eq!(problem["request_id"], self.header("x-request-id"));
        for member in ["title", "detail", "request_id"] {
            assert!(
                problem[member]
                    .as_str()
                    .is_some_and(|text| !text.is_empty()),
                "{member}"
            );
        }
        let kind = problem["type"].as_str().unwrap();
        kind.strip_prefix("urn:weirhouse:problem:")
            .unwrap()
            .to_owned()
    }
}

#[tokio::test]
async fn bad_requests_are_told_apart() {
    let api = Api::new();
    let long_key = format!("/v1/cache/ns/{}", "k".repeat(1025));
    for (method, path, status, kind) in [
        ("GET", "/nothing", 404, "unknown-route"),
        ("GET", "/v1", 404, "unknown-route"),
        ("GET", "/v1/cache/ns", 404, "unknown-route"),
        ("GET", "/v1/cache/ns/", 404, "unknown-route"),
        ("POST", "/", 405, "method-not-allowed"),
        ("DELETE", "/healthz", 405, "method-not-allowed"),
        ("POST", "/v1/stats", 405, "method-not-allowed"),
        ("POST", "/v1/cache/ns/key", 405, "method-not-allowed"),
        ("PATCH", "/v1/stream", 405, "method-not-allowed"),
        ("GET", "/v1/states/sensor.nowhere", 404, "unknown-entity"),
        ("GET", "/v1/states/%ff", 400, "invalid-argument"),
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
                assert_eq!(answer.problem(), "unauthorized", "{path}");
                assert!(answer.header("www-authenticate").starts_with("Bearer"));
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
async fn values_come_back_as_they_were_put() {
    let api = Api::new();
    for (path, content_type, value) in [
        ("/v1/cache/ns/plain", Some("text/plain"), b"hello".to_vec()),
        ("/v1/cache/ns/empty", Some("application/json"), Vec::new()),
        (
            "/v1/cache/ns/null",
            Some("application/json"),
            b"null".to_vec(),
        ),
        ("/v1/cache/ns/bytes", None, vec![0, 159, 146, 150, 255]),
        ("/v1/cache/ns/a/b//c", None, b"slashes".to_vec()),
        ("/v1/cache/ns/..%2f..%2fetc", None, b"dots".to_vec()),
        (
            "/v1/cache/a%2Fb/c",
            None,
            b"slash in the namespace".to_vec(),
        ),
        (
            "/v1/cache/n%20s/%C3%A4%3F%23",
            None,
            b"blank and umlaut".to_vec(),
        ),
        ("/v1/cache/ns/full", None, vec![7; BODY_LIMIT_BYTES]),
    ] {
        let mut request = api.request("PUT", &format!("{path}?ttl=60.5&tag=a&tag=b"));
        if let Some(content_type) = content_type {
            request = request.header(header::CONTENT_TYPE, content_type);
        }
        let put = api
            .send(request.body(Body::from(value.clone())).unwrap())
            .await;
        assert_eq!(put.status, StatusCode::NO_CONTENT, "{path} {:?}", put.body);
        assert_eq!(put.header("weirhouse-durable"), "false");

        let got = api.call("GET", path, "").await;
        assert_eq!(got.status, StatusCode::OK, "{path}");
        assert_eq!(got.body, value, "{path}");
        assert_eq!(got.header("weirhouse-cache"), "l1", "{path}");
        assert_eq!(
            got.header("content-type"),
            content_type.unwrap_or("application/octet-stream")
        );
        let life = got
            .header("cache-control")
            .strip_prefix("private, max-age=");
        assert!(
            (55..=60).contains(&life.unwrap().parse::<u64>().unwrap()),
            "{life:?}"
        );

        let deleted = api.call("DELETE", path, "").await;
        assert_eq!(deleted.status, StatusCode::NO_CONTENT, "{path}");
        assert_eq!(deleted.header("weirhouse-existed"), "true", "{path}");
        let again = api.call("DELETE", path, "").await;
        assert_eq!(again.header("weirhouse-existed"), "false", "{path}");
        let missed = api.call("GET", path, "").await;
        assert_eq!(missed.problem(), "cache-miss", "{path}");
        assert_eq!(missed.header("weirhouse-cache"), "miss", "{path}");
    }
}

#[tokio::test]
async fn keys_and_namespaces_do_not_run_together() {
    let api = Api::new();
    api.call("PUT", "/v1/cache/a%2Fb/c", "one").await;
    api.call("PUT", "/v1/cache/a/b/c", "two").await;
    assert_eq!(api.call("GET", "/v1/cache/a%2Fb/c", "").await.body, "one");
    assert_eq!(api.call("GET", "/v1/cache/a/b/c", "").await.body, "two");
}

#[tokio::test]
async fn a_waiting_writer_hears_from_the_disk() {
    let api = Api::new();
    let put = api
        .call("PUT", "/v1/cache/ns/key?wait=durable", "value")
        .await;
    assert_eq!(put.status, StatusCode::NO_CONTENT, "{:?}", put.body);
    assert_eq!(put.header("weirhouse-durable"), "true");
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
async fn streams_end_when_the_server_stops() {
    let api = Api::new();
    let request = api
        .request("GET", "/v1/stream")
        .body(Body::empty())
        .unwrap();
    let response = api.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(
        response.headers()[header::CONTENT_TYPE],
        "text/event-stream"
    );
    api.stop.send(true).unwrap();
    let rest = to_bytes(response.into_body(), 1 << 20);
    let rest = tokio::time::timeout(Duration::from_secs(5), rest).await;
    assert!(rest.expect("the stream ends").is_ok());
}
