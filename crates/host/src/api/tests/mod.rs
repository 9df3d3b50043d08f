//! The API from outside: real requests, a real hub, no sockets.

mod activity;
mod batches;
mod breakers;
mod contexts;
mod dated_reports;
mod description;
mod fetching;
mod mirror;
mod origins;
mod readings;
mod refusals;
mod reports;
mod shaped_streams;
mod streams;
mod values;
mod visitors;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::response::Response;
use futures_util::StreamExt as _;
use serde_json::Value;
use tokio::sync::watch;
use weirhouse_hass::Event;

use super::Api as Served;
use crate::access::{Access, RateLimit, Scope, TokensLock};
use crate::config::Config;
use crate::data_dir::DataDir;
use crate::hub::{self, Hub, Settings};
use crate::store::{RedbOptions, RedbStore};

/// An API with a hub behind it.
struct Api {
    hub: Arc<Hub>,
    served: Served,
    token: String,
    access: Arc<Access>,
    stop: watch::Sender<bool>,
    folder: tempfile::TempDir,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Api {
    fn new() -> Self {
        Self::on(tempfile::tempdir().unwrap())
    }

    /// One on a folder that may have been used.
    fn on(folder: tempfile::TempDir) -> Self {
        Self::with(folder, Settings::default())
    }

    /// One that works like this.
    fn with(folder: tempfile::TempDir, settings: Settings) -> Self {
        let token = DataDir::open(folder.path()).unwrap().token().unwrap();
        let access = Access::open(folder.path(), &token, RateLimit::default()).unwrap();
        let access = Arc::new(access);
        let hub = Arc::new(open_hub(folder.path(), settings));
        let (stop, stopped) = watch::channel(false);
        let config = Config::default().api;
        Self {
            served: Served::new(
                Arc::clone(&hub),
                None,
                Arc::clone(&access),
                &config,
                stopped,
            ),
            hub,
            token: token.expose().to_owned(),
            access,
            stop,
            folder,
        }
    }

    /// Ends it, and starts another on the same folder.
    fn restart(self) -> Self {
        let Self {
            hub,
            served,
            folder,
            ..
        } = self;
        drop((hub, served));
        Self::on(folder)
    }

    /// A token of its own with these scopes.
    fn create_token(&self, name: &str, scopes: &[Scope]) -> String {
        let lock = TokensLock::take(self.folder.path()).unwrap();
        let scopes = scopes.iter().copied().collect();
        let now = std::time::SystemTime::now();
        let secret = lock.create(name, scopes, now, None).unwrap();
        self.access.reload().unwrap();
        secret.expose().to_owned()
    }

    /// A request that may pass.
    fn request(&self, method: &str, path: &str) -> axum::http::request::Builder {
        Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "127.0.0.1:8098")
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token))
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.served.answer(None, request).await;
        let (parts, body) = response.into_parts();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: to_bytes(body, 1 << 25).await.unwrap(),
        }
    }

    /// Lets time pass until nothing waits for a batch.
    async fn settle(&self) {
        while let Some(wait) = self.hub.deadline() {
            tokio::time::sleep(wait).await;
            self.hub.tick();
        }
    }

    /// Stops the server, and gives what a stream carried until then.
    async fn finish(&self, response: Response) -> Vec<String> {
        // The stream looks for the stop before it looks for updates, so it is
        // read first; it never ends by itself.
        let mut body = response.into_body().into_data_stream();
        let mut text = String::new();
        while let Ok(Some(chunk)) =
            tokio::time::timeout(Duration::from_millis(200), body.next()).await
        {
            text += str::from_utf8(&chunk.unwrap()).unwrap();
        }
        self.stop.send(true).unwrap();
        let end = tokio::time::timeout(Duration::from_secs(5), body.next()).await;
        assert!(end.expect("the stream ends").is_none());
        text.split_terminator("\n\n").map(str::to_owned).collect()
    }

    async fn call(&self, method: &str, path: &str, body: impl Into<Body>) -> Answer {
        let request = self.request(method, path).body(body.into()).unwrap();
        self.send(request).await
    }
}

/// A hub with the real optimizer and a store on disk.
fn open_hub(folder: &Path, settings: Settings) -> Hub {
    let opened = RedbStore::open(&folder.join("l2.redb"), RedbOptions::default()).unwrap();
    hub::tests::open(folder, Arc::new(opened.store), settings)
}

/// A connection whose states are these.
fn snapshot(states: &[(&str, &str)]) -> Event {
    let states = states.iter().map(|(entity, state)| {
        let json = format!(r#"{{"s":"{state}","a":{{"friendly_name":"A"}},"c":"c","lc":1.5}}"#);
        ((*entity).to_owned(), serde_json::from_str(&json).unwrap())
    });
    Event::Snapshot(states.collect())
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
