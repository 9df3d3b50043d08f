//! The part of Home Assistant's HTTP API that tests drive it with.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::{Method, Request, StatusCode};

/// A state as Home Assistant reports it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct EntityState {
    /// Domain and object id, as `sensor.porch`.
    pub entity_id: String,
    /// The state's text.
    pub state: String,
    /// The attributes, an object.
    pub attributes: Value,
    /// When the text last changed: RFC 3339, UTC.
    pub last_changed: String,
    /// When text or attributes last changed: RFC 3339, UTC.
    pub last_updated: String,
}

pub(super) struct Api {
    agent: Agent,
    url: String,
    token: String,
}

impl Api {
    pub(super) fn new(port: u16) -> Self {
        let agent = Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(30)))
            .http_status_as_error(false)
            // Loopback is not reached through a proxy, whatever the environment says.
            .proxy(None)
            .build()
            .into();
        Self {
            agent,
            url: format!("http://127.0.0.1:{port}"),
            token: String::new(),
        }
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn token(&self) -> &str {
        &self.token
    }

    pub(super) fn use_token(&mut self, token: &str) {
        token.clone_into(&mut self.token);
    }

    /// Whether the HTTP server answers at all.
    pub(super) fn answers(&self) -> bool {
        // Only before onboarding does it list steps; afterwards the path may be gone.
        self.agent
            .get(format!("{}/api/onboarding", self.url))
            .call()
            .is_ok_and(|response| {
                matches!(response.status(), StatusCode::OK | StatusCode::NOT_FOUND)
            })
    }

    /// Whether start-up is over: every integration is set up and states are there.
    pub(super) fn is_running(&self) -> bool {
        let config = self.call::<Value>(&Method::GET, "/api/config", None);
        config.is_ok_and(|config| config["state"] == "RUNNING")
    }

    pub(super) fn set_state(&self, entity: &str, state: &str, attributes: &Value) -> Result<()> {
        let body = json!({ "state": state, "attributes": attributes });
        self.call::<Value>(&Method::POST, &format!("/api/states/{entity}"), Some(&body))
            .map(drop)
    }

    pub(super) fn remove_state(&self, entity: &str) -> Result<()> {
        self.call::<Value>(&Method::DELETE, &format!("/api/states/{entity}"), None)
            .map(drop)
    }

    pub(super) fn call_service(&self, domain: &str, service: &str, data: &Value) -> Result<()> {
        self.call::<Value>(
            &Method::POST,
            &format!("/api/services/{domain}/{service}"),
            Some(data),
        )
        .map(drop)
    }

    pub(super) fn states(&self) -> Result<Vec<EntityState>> {
        self.call(&Method::GET, "/api/states", None)
    }

    pub(super) fn state(&self, entity: &str) -> Result<Option<EntityState>> {
        match self.send(&Method::GET, &format!("/api/states/{entity}"), None)? {
            (StatusCode::NOT_FOUND, _) => Ok(None),
            (status, text) => parsed(&Method::GET, entity, status, &text).map(Some),
        }
    }

    /// One request with the token, if there is one; anything but success is an error with the answer in it.
    pub(super) fn call<T: DeserializeOwned>(
        &self,
        method: &Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<T> {
        let (status, text) = self.send(method, path, body)?;
        parsed(method, path, status, &text)
    }

    /// Posts an HTML form, as the login does.
    pub(super) fn post_form(&self, path: &str, fields: &[(&str, &str)]) -> Result<Value> {
        let mut response = self
            .agent
            .post(format!("{}{path}", self.url))
            .send_form(fields.iter().copied())
            .with_context(|| format!("POST {path}"))?;
        let text = response
            .body_mut()
            .read_to_string()
            .with_context(|| format!("POST {path}"))?;
        parsed(&Method::POST, path, response.status(), &text)
    }

    fn send(
        &self,
        method: &Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(StatusCode, String)> {
        let at = || format!("{method} {path}");
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url));
        if !self.token.is_empty() {
            request = request.header("Authorization", format!("Bearer {}", self.token));
        }
        let sent = match body {
            Some(body) => {
                let request = request
                    .header("Content-Type", "application/json")
                    .body(body.to_string());
                self.agent.run(request.with_context(at)?)
            }
            None => self.agent.run(request.body(()).with_context(at)?),
        };
        let mut response = sent.with_context(at)?;
        // The default limit of 10 MB is below what thousands of entities need.
        let text = response
            .body_mut()
            .with_config()
            .limit(256 << 20)
            .read_to_string()
            .with_context(at)?;
        Ok((response.status(), text))
    }
}

fn parsed<T: DeserializeOwned>(
    method: &Method,
    path: &str,
    status: StatusCode,
    text: &str,
) -> Result<T> {
    if !status.is_success() {
        bail!("{method} {path}: {status}: {text}");
    }
    serde_json::from_str(text)
        .with_context(|| format!("{method} {path} answered something unexpected: {text}"))
}
