//! What a session is told beforehand: token, filter and time limits.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

/// Settings of a [`Session`](super::Session).
#[derive(Clone)]
pub struct SessionConfig {
    /// Long-lived access token, or the Supervisor's token inside an app.
    pub token: String,
    /// Which entities to subscribe to; all by default.
    pub filter: Filter,
    /// Limit for the login. Default 10 s, which is also Home Assistant's own.
    pub login_timeout: Duration,
    /// Limit for the answer to a command. Default 10 s.
    pub command_timeout: Duration,
    /// Silence after which a ping is sent. Default 30 s, below the 55 s after which Home Assistant itself would drop
    /// a dead peer.
    pub heartbeat_interval: Duration,
    /// Silence after a ping that counts as a dead connection. Default 10 s.
    pub heartbeat_timeout: Duration,
    /// Time from the first announcement of a change until the class is listed again. Default 500 ms: integrations
    /// announce in bursts.
    pub refresh_debounce: Duration,
}

impl SessionConfig {
    /// The defaults, with a token.
    pub fn new(token: impl Into<String>) -> Self {
        Self {
            token: token.into(),
            filter: Filter::default(),
            login_timeout: Duration::from_secs(10),
            command_timeout: Duration::from_secs(10),
            heartbeat_interval: Duration::from_secs(30),
            heartbeat_timeout: Duration::from_secs(10),
            refresh_debounce: Duration::from_millis(500),
        }
    }
}

/// Leaves the token out.
impl fmt::Debug for SessionConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionConfig")
            .field("filter", &self.filter)
            .field("login_timeout", &self.login_timeout)
            .field("command_timeout", &self.command_timeout)
            .field("heartbeat_interval", &self.heartbeat_interval)
            .field("heartbeat_timeout", &self.heartbeat_timeout)
            .field("refresh_debounce", &self.refresh_debounce)
            .finish_non_exhaustive()
    }
}

/// Which entities Home Assistant sends; it combines the two as its recorder does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// What to include; everything when empty.
    pub include: EntityFilter,
    /// What to leave out.
    pub exclude: EntityFilter,
}

/// A set of entities.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct EntityFilter {
    /// Whole domains, such as `sensor`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub domains: Vec<String>,
    /// Single entities.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub entities: Vec<String>,
    /// Patterns with `*` and `?`, such as `sensor.*_power`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub entity_globs: Vec<String>,
}

impl EntityFilter {
    fn is_empty(&self) -> bool {
        self.domains.is_empty() && self.entities.is_empty() && self.entity_globs.is_empty()
    }
}

impl Filter {
    pub(crate) fn subscribe_command(&self) -> Value {
        let mut command = json!({ "type": "subscribe_entities" });
        if let Value::Object(fields) = &mut command {
            for (name, filter) in [("include", &self.include), ("exclude", &self.exclude)] {
                if !filter.is_empty() {
                    fields.insert(name.to_owned(), json!(filter));
                }
            }
        }
        command
    }
}
