//! Further users, made as its owner would make them, and groups that its pages cannot make.

use std::fs;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::HomeAssistant;

/// Somebody who may log in.
#[derive(Debug, Clone)]
pub struct User {
    /// The user's identifier.
    pub id: String,
    /// A long-lived access token.
    pub token: String,
}

impl HomeAssistant {
    /// Makes a user in a group, such as `system-users` or `system-read-only`, with a token of this label.
    pub fn make_user(&self, name: &str, group: &str, label: &str) -> Result<User> {
        let mut owner = self.commands()?;
        let made = owner.result(json!({
            "type": "config/auth/create", "name": name, "group_ids": [group], "local_only": false,
        }))?;
        let id = made["user"]["id"]
            .as_str()
            .context("no identifier")?
            .to_owned();
        owner.result(json!({
            "type": "config/auth_provider/homeassistant/create",
            "user_id": id, "username": name, "password": "weirhouse",
        }))?;
        let session = self.log_in(name)?;
        let mut commands = super::Commands::connect(self.port, &session)?;
        let token = commands.result(json!({
            "type": "auth/long_lived_access_token", "client_name": label, "lifespan": 30,
        }))?;
        let token = token.as_str().context("the token is no text")?.to_owned();
        Ok(User { id, token })
    }

    /// An access token by user name and password, as a page gets one.
    fn log_in(&self, name: &str) -> Result<String> {
        let client_id = format!("{}/", self.url());
        let flow = json!({
            "client_id": client_id, "handler": ["homeassistant", null], "redirect_uri": client_id,
        });
        let flow = self.post("/auth/login_flow", &flow)?;
        let path = format!(
            "/auth/login_flow/{}",
            flow["flow_id"].as_str().context("no flow")?
        );
        let login = json!({ "client_id": client_id, "username": name, "password": "weirhouse" });
        let done = self.post(&path, &login)?;
        let code = done["result"]
            .as_str()
            .with_context(|| format!("no code: {done}"))?;
        let fields = [
            ("client_id", &*client_id),
            ("grant_type", "authorization_code"),
            ("code", code),
        ];
        let session = self.api.post_form("/auth/token", &fields)?;
        Ok(session["access_token"]
            .as_str()
            .context("no token")?
            .to_owned())
    }

    /// Puts a user into a group of its own, whose policy permits reading these entities only. To be called while Home
    /// Assistant is stopped: it has no command for it, but reads such groups from its storage.
    pub fn permit_only(&self, user: &User, entity_ids: &[&str]) -> Result<()> {
        let path = self.config().join(".storage/auth");
        let mut stored: Value = serde_json::from_slice(&fs::read(&path)?)?;
        let entities: serde_json::Map<String, Value> = entity_ids
            .iter()
            .map(|id| (String::from(*id), json!({ "read": true })))
            .collect();
        let group = json!({
            "id": "guests", "name": "Guests", "policy": { "entities": { "entity_ids": entities } },
        });
        let data = &mut stored["data"];
        data["groups"]
            .as_array_mut()
            .context("no groups")?
            .push(group);
        for stored in data["users"].as_array_mut().context("no users")? {
            if stored["id"] == user.id.as_str() {
                stored["group_ids"] = json!(["guests"]);
            }
        }
        fs::write(&path, stored.to_string())?;
        Ok(())
    }
}
