//! Values in the cache, over HTTP.

use axum::body::Body;
use axum::http::{StatusCode, header};

use super::Api;
use crate::api::BODY_LIMIT_BYTES;
use crate::hub::{Namespace, Settings};
use weirhouse_runner::wit::cache::{Levels, OwnSettings};
use weirhouse_runner::wit::fetch::OwnPolicy;

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
async fn values_leave_together_by_namespace_pattern_and_tag() {
    let mut api = Api::new();
    for (path, removed, left) in [
        ("/v1/cache/a?glob=x*", 2, "a/y b/x"),
        ("/v1/cache/a?tag=t", 2, "a/x2 b/x"),
        ("/v1/cache?tag=t", 3, "a/x2"),
        ("/v1/cache?tag=none", 0, "a/x1 a/x2 a/y b/x"),
        ("/v1/cache/a", 3, "b/x"),
        ("/v1/cache/c", 0, "a/x1 a/x2 a/y b/x"),
    ] {
        // From memory and disk, and of what is on disk only.
        for restarts in [false, true] {
            let puts = [
                ("a/x1", "?tag=t"),
                ("a/x2", ""),
                ("a/y", "?tag=s&tag=t"),
                ("b/x", "?tag=t"),
            ];
            for (key, query) in puts {
                let put = api
                    .call("PUT", &format!("/v1/cache/{key}{query}"), key)
                    .await;
                assert_eq!(put.status, StatusCode::NO_CONTENT);
            }
            if restarts {
                let durable = api
                    .call("DELETE", "/v1/cache/a/none?wait=durable", "")
                    .await;
                assert_eq!(durable.status, StatusCode::NO_CONTENT);
                api = api.restart();
            }
            let answer = api.call("DELETE", path, "").await;
            assert_eq!(answer.status, StatusCode::OK, "{path} {:?}", answer.body);
            let expected = format!("{{\"removed\":{removed}}}");
            assert_eq!(answer.body, expected, "{path} {restarts}");
            let again = api
                .call(
                    "DELETE",
                    &format!(
                        "{path}{}wait=durable",
                        if path.contains('?') { '&' } else { '?' }
                    ),
                    "",
                )
                .await;
            assert_eq!(
                (&again.body[..], again.header("weirhouse-durable")),
                (&b"{\"removed\":0}"[..], "true")
            );
            for (key, _) in puts {
                let got = api.call("GET", &format!("/v1/cache/{key}"), "").await;
                let stays = left.split(' ').any(|it| it == key);
                assert_eq!(
                    got.status == StatusCode::OK,
                    stays,
                    "{path}: {key} {restarts}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_namespace_is_kept_as_its_own_settings_say_while_they_last() {
    let api = Api::new();
    let small = Namespace {
        name: "small".to_owned(),
        kept: OwnSettings {
            max_value_bytes: Some(4),
            memory_life: Some(20_000_000),
            levels: Some(Levels::MemoryOnly),
            ..OwnSettings::default()
        },
        fetched: OwnPolicy::default(),
    };
    let settings = Settings {
        namespaces: vec![small],
        ..Settings::default()
    };
    api.hub.set_settings(settings).unwrap();

    let long = api.call("PUT", "/v1/cache/small/k", "12345").await;
    assert_eq!(long.status, StatusCode::PAYLOAD_TOO_LARGE);
    let elsewhere = api.call("PUT", "/v1/cache/large/k", "12345").await;
    assert_eq!(elsewhere.status, StatusCode::NO_CONTENT);
    api.call("PUT", "/v1/cache/small/k", "1234").await;
    let life = async || {
        let got = api.call("GET", "/v1/cache/small/k", "").await;
        let life = got.header("cache-control").to_owned();
        let life = life.strip_prefix("private, max-age=");
        life.unwrap().parse::<u64>().unwrap()
    };
    assert!((15..=20).contains(&life().await));

    // Settings of its own that are taken back leave it as all others are.
    api.hub.set_settings(Settings::default()).unwrap();
    let long = api.call("PUT", "/v1/cache/small/k", "12345").await;
    assert_eq!(long.status, StatusCode::NO_CONTENT);
    assert!(life().await > 20);
}
