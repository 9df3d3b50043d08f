//! Values that one caller fetches for all who ask.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use futures_util::future::{join, join_all};
use serde_json::Value;
use tokio::time::sleep;
use weirhouse_runner::wit::cache::StaleLives;
use weirhouse_runner::wit::fetch::{Ahead, Policy};

use super::{Answer, Api};
use crate::hub::Settings;

const PATH: &str = "/v1/fetch/weather/today";

impl Answer {
    /// The lease of a caller whose turn it is to fetch.
    fn lease(&self) -> u64 {
        assert_eq!(self.status, StatusCode::CREATED, "{:?}", self.body);
        let granted: Value = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(granted["life_s"], 30.0);
        granted["lease"].as_u64().unwrap()
    }
}

impl Api {
    async fn ask(&self) -> Answer {
        self.call("POST", PATH, "").await
    }

    async fn settle_with(&self, method: &str, lease: u64, rest: &str, body: &str) -> Answer {
        let path = format!("{PATH}?lease={lease}{rest}");
        self.call(method, &path, body.to_owned()).await
    }
}

#[tokio::test]
async fn one_of_fifty_callers_fetches() {
    let api = Arc::new(Api::new());
    let callers = (0..50).map(|_| {
        let api = Arc::clone(&api);
        tokio::spawn(async move {
            let answer = api.ask().await;
            if answer.status != StatusCode::CREATED {
                return (answer.status, answer.body);
            }
            sleep(Duration::from_millis(30)).await;
            let put = api
                .settle_with("PUT", answer.lease(), "&ttl=60&tag=sky", "sunny")
                .await;
            assert_eq!(put.header("weirhouse-kept"), "true");
            assert_eq!(put.header("weirhouse-durable"), "false");
            (put.status, put.body)
        })
    });
    let answers = join_all(callers).await;
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    let served = (StatusCode::OK, "sunny".into());
    assert_eq!(answers.iter().filter(|it| **it == served).count(), 49);
    assert!(answers.contains(&(StatusCode::NO_CONTENT, "".into())));

    let fetch = api.hub.stats().unwrap().cache.fetch;
    assert_eq!((fetch.leases, fetch.fulfilled, fetch.failed), (1, 1, 0));
    let cached = api.call("GET", "/v1/cache/weather/today", "").await;
    assert_eq!(cached.body, "sunny");
    let removed = api.call("DELETE", "/v1/cache?tag=sky", "").await;
    assert_eq!(removed.body, r#"{"removed":1}"#);
    assert!(api.ask().await.lease() > 0, "it was removed");
}

#[tokio::test]
async fn a_failed_fetch_is_not_remembered_and_the_next_in_line_gets_its_turn() {
    let api = Api::new();
    let first = api.ask().await.lease();
    let failing = async {
        sleep(Duration::from_millis(20)).await;
        let failed = api
            .settle_with("DELETE", first, "&outcome=failed", "")
            .await;
        assert_eq!(failed.status, StatusCode::NO_CONTENT);
    };
    let (next, ()) = join(api.ask(), failing).await;
    let next = next.lease();
    assert!(next > first);
    let late = api.settle_with("PUT", first, "", "late").await;
    assert_eq!(late.header("weirhouse-kept"), "false", "it has ended");
    let kept = api.settle_with("PUT", next, "", "in time").await;
    assert_eq!(kept.header("weirhouse-kept"), "true");
    assert_eq!(api.ask().await.body, "in time");
}

#[tokio::test]
async fn what_is_stale_is_served_while_it_is_fetched_anew_and_when_that_fails() {
    let api = Api::new();
    let value = "/v1/cache/weather/today?ttl=0.02&stale_while_revalidate=60&stale_if_error=60";
    api.call("PUT", value, "yesterday").await;
    assert_eq!(api.ask().await.header("weirhouse-stale-for"), "");
    sleep(Duration::from_millis(30)).await;
    let plain = api.call("GET", "/v1/cache/weather/today", "").await;
    assert_eq!(plain.problem(), "cache-miss", "only where a fetch is meant");

    let stale = api.ask().await;
    assert_eq!(
        (stale.status, &stale.body[..]),
        (StatusCode::OK, &b"yesterday"[..])
    );
    assert_eq!(stale.header("weirhouse-cache"), "l2");
    assert_eq!(stale.header("cache-control"), "private, max-age=0");
    let past: f64 = stale.header("weirhouse-stale-for").parse().unwrap();
    assert!((0.005..20.0).contains(&past), "{past}");
    let lease: u64 = stale.header("weirhouse-lease").parse().unwrap();
    assert_eq!(stale.header("weirhouse-lease-life"), "30.000");
    let second = api.ask().await;
    assert_eq!(second.body, "yesterday");
    assert_eq!(second.header("weirhouse-lease"), "", "somebody does");

    let failed = api
        .settle_with("DELETE", lease, "&outcome=failed", "")
        .await;
    assert_eq!(
        (failed.status, &failed.body[..]),
        (StatusCode::OK, &b"yesterday"[..])
    );
    let lease = api.ask().await.header("weirhouse-lease").parse().unwrap();
    api.settle_with("PUT", lease, "&ttl=60", "today").await;
    let fresh = api.ask().await;
    assert_eq!(
        (&fresh.body[..], fresh.header("weirhouse-cache")),
        (&b"today"[..], "l1")
    );
}

#[tokio::test]
async fn those_who_wait_are_served_in_place_of_a_failed_fetch() {
    let api = Api::new();
    let value = "/v1/cache/weather/today?ttl=0.02&stale_if_error=60";
    api.call("PUT", value, "yesterday").await;
    sleep(Duration::from_millis(30)).await;
    let lease = api.ask().await.lease();
    let asking = join_all((0..20).map(|_| api.ask()));
    let failing = async {
        sleep(Duration::from_millis(20)).await;
        api.settle_with("DELETE", lease, "&outcome=failed", "")
            .await
    };
    let (served, failed) = join(asking, failing).await;
    for answer in served.iter().chain([&failed]) {
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.body, "yesterday");
        assert!(!answer.header("weirhouse-stale-for").is_empty());
    }
    let fetch = api.hub.stats().unwrap().cache.fetch;
    assert_eq!((fetch.leases, fetch.failed), (1, 1));
}

#[tokio::test]
async fn that_there_is_nothing_is_remembered_as_long_as_was_said() {
    let api = Api::new();
    api.call("PUT", "/v1/cache/weather/today?ttl=0.01", "old")
        .await;
    sleep(Duration::from_millis(15)).await;
    let lease = api.ask().await.lease();
    let nothing = api
        .settle_with("DELETE", lease, "&outcome=nothing&ttl=0.5", "")
        .await;
    assert_eq!(nothing.status, StatusCode::NO_CONTENT);
    assert_eq!(nothing.header("weirhouse-kept"), "true");
    assert_eq!(nothing.header("weirhouse-durable"), "false");
    let known = api.ask().await;
    assert_eq!(known.problem(), "cache-miss");
    assert_eq!(known.header("weirhouse-cache"), "nothing");
    sleep(Duration::from_millis(510)).await;
    let lease = api.ask().await.lease();
    let durable = "&outcome=nothing&wait=durable";
    let nothing = api.settle_with("DELETE", lease, durable, "").await;
    assert_eq!(nothing.header("weirhouse-durable"), "true");
    assert!(api.ask().await.lease() > lease, "by default it is not");
}

#[tokio::test]
async fn a_write_or_a_removal_outdates_a_fetch_and_wakes_who_waits() {
    let api = Api::new();
    for (method, path) in [
        ("PUT", "/v1/cache/weather/today"),
        ("DELETE", "/v1/cache/weather/today"),
        ("DELETE", "/v1/cache/weather?glob=to*"),
        ("DELETE", "/v1/cache/weather"),
    ] {
        let lease = api.ask().await.lease();
        let writing = async {
            sleep(Duration::from_millis(20)).await;
            api.call(method, path, "newer").await
        };
        let (woken, _) = join(api.ask(), writing).await;
        let late = api.settle_with("PUT", lease, "", "older").await;
        assert_eq!(late.header("weirhouse-kept"), "false", "{method} {path}");
        if method == "PUT" {
            assert_eq!(woken.body, "newer");
            api.call("DELETE", path, "").await;
        } else {
            let turn = woken.lease();
            assert!(turn > lease, "{method} {path}");
            let failed = "&outcome=failed";
            api.settle_with("DELETE", turn, failed, "").await;
        }
    }
}

#[tokio::test]
async fn nobody_waits_longer_than_they_want() {
    let api = Api::new();
    api.ask().await.lease();
    for wait in ["0", "0.05"] {
        let path = format!("{PATH}?wait={wait}");
        let still = api.call("POST", &path, "").await;
        assert_eq!(still.status, StatusCode::ACCEPTED);
        let after: u64 = still.header("retry-after").parse().unwrap();
        assert!((28..=30).contains(&after), "{after}");
        let said: Value = serde_json::from_slice(&still.body).unwrap();
        assert!(said["at_most_s"].as_f64().unwrap() > 28.0);
    }
    let waiting = join_all((0..300).map(|_| api.ask()));
    let fetching = async {
        sleep(Duration::from_millis(50)).await;
        api.call("PUT", "/v1/cache/weather/today", "there").await;
    };
    let (answers, ()) = join(waiting, fetching).await;
    let told = |status| answers.iter().filter(|it| it.status == status).count();
    assert_eq!(
        (told(StatusCode::OK), told(StatusCode::ACCEPTED)),
        (256, 44)
    );
    api.call("DELETE", "/v1/cache/weather/today", "").await;
    api.ask().await.lease();

    let stopping = async {
        sleep(Duration::from_millis(20)).await;
        api.stop.send(true).unwrap();
    };
    let (ended, ()) = join(api.ask(), stopping).await;
    assert_eq!(ended.status, StatusCode::ACCEPTED, "the service stops");
}

#[tokio::test]
async fn what_is_on_disk_is_not_fetched_after_a_restart() {
    let api = Api::new();
    let lease = api.ask().await.lease();
    let kept = api
        .settle_with("PUT", lease, "&ttl=600&wait=durable", "dry")
        .await;
    assert_eq!(kept.header("weirhouse-durable"), "true");
    let api = api.restart();
    let found = api.ask().await;
    assert_eq!(
        (found.status, &found.body[..]),
        (StatusCode::OK, &b"dry"[..])
    );
    let outdated = api.settle_with("PUT", lease, "", "wet").await;
    assert_eq!(outdated.header("weirhouse-kept"), "false", "of another run");
}

#[tokio::test]
async fn what_is_read_often_is_fetched_ahead_by_one_of_its_readers() {
    let policy = Policy {
        stale: StaleLives {
            while_revalidate: 0,
            if_error: 0,
        },
        negative_life: None,
        lease: 30_000_000,
        refresh_ahead: Some(Ahead {
            share: 1.0,
            least_reads: 3,
        }),
    };
    let settings = Settings {
        fetch: Some(policy),
        ..Settings::default()
    };
    let api = Api::with(tempfile::tempdir().unwrap(), settings);
    api.call("PUT", "/v1/cache/weather/today", "old").await;
    let mut leases = Vec::new();
    for _ in 0..6 {
        let read = api.ask().await;
        assert_eq!(read.body, "old");
        assert_eq!(read.header("weirhouse-stale-for"), "");
        leases.push(read.header("weirhouse-lease").to_owned());
    }
    let given: Vec<usize> = (0..6).filter(|read| !leases[*read].is_empty()).collect();
    assert_eq!(given, [2], "once, to the third");
    let lease = leases[2].parse().unwrap();
    let put = api.settle_with("PUT", lease, "", "new").await;
    assert_eq!(put.header("weirhouse-kept"), "true");
    assert_eq!(api.ask().await.body, "new");
    let fetch = api.hub.stats().unwrap().cache.fetch;
    assert_eq!((fetch.leases, fetch.ahead), (1, 1));
}

#[tokio::test]
async fn malformed_requests_are_told_what_is_wrong() {
    let api = Api::new();
    let lease = api.ask().await.lease();
    let long = "k".repeat(1_025);
    for (method, path, kind, said) in [
        (
            "POST",
            format!("{PATH}?wait=61"),
            "invalid-argument",
            "0 to 60",
        ),
        (
            "POST",
            format!("{PATH}?wait=-1"),
            "invalid-argument",
            "wait=-1",
        ),
        (
            "POST",
            format!("{PATH}?lease=1"),
            "invalid-argument",
            "lease",
        ),
        (
            "POST",
            format!("/v1/fetch/weather/{long}"),
            "too-large",
            "1024",
        ),
        ("PUT", PATH.to_owned(), "invalid-argument", "`lease`"),
        (
            "PUT",
            format!("{PATH}?lease=first"),
            "invalid-argument",
            "`lease`",
        ),
        (
            "PUT",
            format!("{PATH}?lease={lease}&ttl=0"),
            "invalid-argument",
            "ttl=0",
        ),
        (
            "DELETE",
            format!("{PATH}?lease={lease}"),
            "invalid-argument",
            "`outcome`",
        ),
        (
            "DELETE",
            format!("{PATH}?lease={lease}&outcome=lost"),
            "invalid-argument",
            "`outcome`",
        ),
        (
            "DELETE",
            format!("{PATH}?lease={lease}&outcome=failed&ttl=5"),
            "invalid-argument",
            "not remembered",
        ),
        ("PATCH", PATH.to_owned(), "method-not-allowed", "Allow"),
        (
            "POST",
            "/v1/fetch/weather".to_owned(),
            "unknown-route",
            "/docs",
        ),
    ] {
        let refused = api.call(method, &path, "value").await;
        assert_eq!(refused.problem(), kind, "{method} {path}");
        let text = String::from_utf8_lossy(&refused.body).into_owned();
        assert!(text.contains(said), "{method} {path}: {text}");
    }
    let batch = format!(r#"{{"requests":[{{"method":"POST","path":"{PATH}"}}]}}"#);
    let batch = api.call("POST", "/v1/batch", batch).await;
    let batch: Value = serde_json::from_slice(&batch.body).unwrap();
    let detail = batch["responses"][0]["body"]["detail"].as_str().unwrap();
    assert!(detail.contains("by itself"), "{detail}");

    let kept = api.settle_with("PUT", lease, "", "whole").await;
    assert_eq!(
        kept.header("weirhouse-kept"),
        "true",
        "no refusal ends a lease"
    );
}
