//! The first start of a Home Assistant, without a browser: an owner, and an access token for tests.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use ureq::http::Method;

use super::api::Api;
use super::commands::Commands;

/// The owner's user name.
pub const USER: &str = "owner";

/// The owner's password: no secret, for the server is reachable from its own machine only.
pub const PASSWORD: &str = "weirhouse";

/// The token kept in `file`; on a first start it is made, and put there.
pub(super) fn token(api: &Api, port: u16, file: &Path) -> Result<String> {
    if let Ok(token) = fs::read_to_string(file) {
        return Ok(token.trim().to_owned());
    }
    let client_id = format!("{}/", api.url());
    let user = json!({
        "client_id": client_id, "name": "Owner", "username": USER, "password": PASSWORD, "language": "en",
    });
    let created: Value = api
        .call(&Method::POST, "/api/onboarding/users", Some(&user))
        .context("cannot create the owner; a folder that was used before must hold its file access-token")?;
    let code = created["auth_code"]
        .as_str()
        .context("creating the owner gave no code")?;
    let fields = [
        ("client_id", &*client_id),
        ("grant_type", "authorization_code"),
        ("code", code),
    ];
    let session = api.post_form("/auth/token", &fields)?;
    let session = session["access_token"]
        .as_str()
        .context("the login gave no token")?;

    let mut commands = Commands::connect(port, session)?;
    let lasting =
        json!({ "type": "auth/long_lived_access_token", "client_name": "tests", "lifespan": 365 });
    let token = commands
        .call(lasting)?
        .map_err(|error| anyhow::anyhow!("no long-lived token: {error}"))?;
    let token = token
        .as_str()
        .context("the long-lived token is no text")?
        .to_owned();
    // New versions take `http:` in YAML on trial: unless it is confirmed they go back to every address and the
    // default port after five minutes. Versions before that do not know the command.
    if let Err(error) = commands.call(json!({ "type": "http/config/promote" }))?
        && error["code"] != "unknown_command"
    {
        bail!("cannot confirm the http settings: {error}");
    }
    let mut out = File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(file)?;
    out.write_all(token.as_bytes())
        .with_context(|| format!("cannot write {}", file.display()))?;
    Ok(token)
}
