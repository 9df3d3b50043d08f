//! Clients that are told less often.

use anyhow::{Context as _, Result};
use serde_json::Value;
use weirhouse_tests::foreign_client::{ForeignClient, Installed, Library};
use weirhouse_tests::home_assistant::{HomeAssistant, User};

use super::{drive, equality, started};

/// One that is recognised by its token's label, and one by its user, who is no administrator.
pub(crate) const CONFIGURATION: &str = r#"
[[client]]
name = "wall"
token = "Wall"
entity = "sensor.*"
interval = "3s"

[[client]]
name = "tablet"
user = "tablet"
interval = "3s"
"#;

/// Rounds of five changes.
const ROUNDS: usize = 60;

/// Far fewer changes reach such a client, and in the end it holds what the others hold.
pub(crate) fn spare_messages(
    home: &HomeAssistant,
    url: &str,
    clients: &Installed,
    users: [(&User, &str); 2],
) -> Result<()> {
    let connect = |url: &str, user: &User| -> Result<ForeignClient> {
        started(clients.start(Library::JavaScript, url, &user.token)?)
    };
    let mut pairs = Vec::new();
    for (user, prefix) in users {
        let (mut direct, mut through) = (connect(home.url(), user)?, connect(url, user)?);
        equality::of_domain(prefix, &mut direct, &mut through)?;
        pairs.push((direct, through, prefix));
    }
    drive(home, ROUNDS)?;
    for (mut direct, mut through, prefix) in pairs {
        equality::of_domain(prefix, &mut direct, &mut through)?;
        let driven = |received: &Value| received["driven"].as_u64().context("no count");
        let all = driven(&direct.tell_of("received")?)?;
        let told = driven(&through.tell_of("received")?)?;
        assert!(all >= 4 * ROUNDS as u64, "{all}");
        assert!(told > 0 && told * 4 < all, "{told} of {all}");
    }
    Ok(())
}
