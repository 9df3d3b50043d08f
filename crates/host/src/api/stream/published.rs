//! What the optimizer published and asked for, as it happens: the same for all
//! streams but for their filter.
//!
//! Nothing is buffered per client beyond the hub's one ring: a client that
//! falls behind is told how many updates it missed and goes on with the
//! newest. There is no replay of what was published before the request.

use std::sync::Arc;

use serde_json::json;
use tokio::sync::broadcast::{self, error::RecvError};

use super::frame::{Event, Framing};
use crate::hub::{Hub, Notice};
use crate::mirror::Query;

/// Updates and refreshes of the entities that are asked for.
pub(super) struct Published {
    hub: Arc<Hub>,
    query: Query,
    notices: broadcast::Receiver<Arc<Notice>>,
}

impl Published {
    pub(super) fn new(hub: &Arc<Hub>, query: Query) -> Self {
        Self {
            notices: hub.subscribe(),
            hub: Arc::clone(hub),
            query,
        }
    }

    /// Waits for the next event, and appends it by `append`; `None` once there will be none.
    pub(super) async fn next(
        &mut self,
        framing: Framing,
        append: &mut impl FnMut(Framing, &Event<'_>, &[u8]),
    ) -> Option<()> {
        loop {
            match self.notices.recv().await {
                Ok(notice) if self.hub.replica().selects(&self.query, notice.entity_id()) => {
                    show(&notice, framing, append);
                    return Some(());
                }
                Ok(_) => {}
                Err(RecvError::Lagged(missed)) => {
                    let json = json!({ "missed": missed }).to_string();
                    append(framing, &Event::named("lagged"), json.as_bytes());
                    return Some(());
                }
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

fn show(notice: &Notice, framing: Framing, append: &mut impl FnMut(Framing, &Event<'_>, &[u8])) {
    let batch;
    let (event, json) = match notice {
        Notice::Update(update) => {
            batch = update.batch.to_string();
            let event = Event {
                id: Some(&batch),
                ..Event::named("update")
            };
            (event, serde_json::to_vec(update))
        }
        Notice::Refresh(refreshed) => (Event::named("refresh"), serde_json::to_vec(refreshed)),
    };
    match json {
        Ok(json) => append(framing, &event, &json),
        Err(error) => {
            tracing::error!(entity_id = notice.entity_id(), %error, "an event cannot be written as JSON");
        }
    }
}
