//! What readers of a hub see, without HTTP in between.

use anyhow::{Context as _, Result, bail};
use weirhouse::hub::Hub;
use weirhouse::mirror::{Found, Query, Source};

/// The answer about one entity, JSON text.
pub fn entity(hub: &Hub, entity_id: &str) -> Result<String> {
    let query = Query::of(Source::States);
    match hub.replica().one(&query, entity_id, |_| false)? {
        Found::New(_, body) => String::from_utf8(body).context("an answer is text"),
        other => bail!("{entity_id}: {other:?}"),
    }
}
