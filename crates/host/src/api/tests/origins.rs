//! Web pages of other origins.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, Response};
use tokio::sync::watch;

use super::{Api, Served};
use crate::config::{ApiConfig, Config};

/// What the API says to a browser that asks before it sends a page's request.
async fn preflight(origin: &str, method: &str) -> Response<Body> {
    let api = Api::new();
    let config = ApiConfig {
        cors_origins: vec!["https://dashboard.lan".to_owned()],
        ..Config::default().api
    };
    let (_stop, stopped) = watch::channel(false);
    let (hub, access) = (Arc::clone(&api.hub), Arc::clone(&api.access));
    let served = Served::new(hub, None, access, &config, stopped);
    let request = Request::options("/v1/stream")
        .header("host", "127.0.0.1")
        .header("origin", origin)
        .header("access-control-request-method", method)
        .body(Body::empty());
    served.answer(None, request.unwrap()).await
}

#[tokio::test]
async fn pages_of_a_named_origin_may_ask_for_all_there_is_and_others_for_nothing() {
    for method in ["GET", "PUT", "POST", "PATCH", "DELETE"] {
        let answer = preflight("https://dashboard.lan", method).await;
        let listed = |name: &str| {
            let value = answer.headers()[name].to_str().unwrap();
            value.to_ascii_lowercase()
        };
        assert_eq!(
            listed("access-control-allow-origin"),
            "https://dashboard.lan"
        );
        let methods = listed("access-control-allow-methods");
        assert!(
            methods.split(',').any(|it| it.eq_ignore_ascii_case(method)),
            "{methods}"
        );
        let headers = listed("access-control-allow-headers");
        for name in ["authorization", "if-none-match", "last-event-id"] {
            assert!(headers.contains(name), "{headers}");
        }
        let other = preflight("https://elsewhere.lan", method).await;
        assert!(!other.headers().contains_key("access-control-allow-origin"));
    }
}
