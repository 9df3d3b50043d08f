//! `GET /v1/stream`: published updates and refreshes as server-sent events.
//!
//! Nothing is buffered per client beyond the hub's one ring: a client that
//! falls behind is told how many updates it missed and goes on with the
//! newest. There is no replay of what was published before the request.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::HeaderName;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream};
use serde_json::json;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::Shared;
use super::entity_filter::EntityFilter;
use super::openapi::Problems;
use super::problem::{Kind, Problem};
use super::query::Query;
use crate::access::{Caller, Revocation};
use crate::hub::Notice;

/// Most streams open at once: many more than a home has readers, few enough
/// that forgotten ones cannot use up the process's sockets.
pub(super) const MAX_STREAMS: usize = 256;

/// Comments keep proxies from closing a silent stream; most wait 30 s or more.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Every published update as event `update`, every refresh asked of Home
/// Assistant as event `refresh`; `?entity=` filters.
///
/// The `id` of an update is the number of its batch. `lagged` says with `missed` how
/// many events there were, filtered ones included, while the client did
/// not read. The stream ends when the server stops or the token is no longer
/// accepted.
#[utoipa::path(
    get,
    path = "/v1/stream",
    tag = "Read",
    params((
        "entity" = Option<Vec<String>>,
        Query,
        explode,
        description = "An entity id such as `sensor.porch`, or a domain such as `sensor.*`; may be repeated"
    )),
    responses(
        (status = 200, description = "Events without end", content_type = "text/event-stream", body = String),
        Problems<503>
    )
)]
pub(super) async fn get(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Arc<Caller>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let query = Query::parse(query.as_deref(), &["entity"])?;
    let filter = EntityFilter::new(query.all("entity")).map_err(Problem::invalid)?;
    let permit = Arc::clone(&shared.streams)
        .try_acquire_owned()
        .map_err(|_| {
            Problem::new(
                Kind::TooManyStreams,
                format!("{MAX_STREAMS} streams are open; close one or try again later"),
            )
        })?;
    let events = events(Open {
        notices: shared.hub.subscribe(),
        filter,
        stop: shared.stop.clone(),
        revocation: shared.access.revocation(&caller),
        _permit: permit,
    });
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE).text("keep-alive");
    // Asks proxies such as nginx not to collect the stream before passing it on.
    let unbuffered = [(HeaderName::from_static("x-accel-buffering"), "no")];
    Ok((unbuffered, Sse::new(events).keep_alive(keep_alive)).into_response())
}

/// One client's stream.
struct Open {
    notices: broadcast::Receiver<Arc<Notice>>,
    filter: EntityFilter,
    stop: watch::Receiver<bool>,
    revocation: Revocation,
    _permit: OwnedSemaphorePermit,
}

fn events(open: Open) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(open, |mut open| async move {
        loop {
            let received = tokio::select! {
                // A closed channel means that the server is gone: end as well.
                _ = open.stop.wait_for(|stop| *stop) => return None,
                () = open.revocation.wait() => return None,
                received = open.notices.recv() => received,
            };
            let event = match received {
                Ok(notice) if open.filter.matches(notice.entity_id()) => event_of(&notice),
                Ok(_) => continue,
                Err(RecvError::Lagged(missed)) => Event::default()
                    .event("lagged")
                    .data(json!({ "missed": missed }).to_string()),
                Err(RecvError::Closed) => return None,
            };
            return Some((Ok(event), open));
        }
    })
}

fn event_of(notice: &Notice) -> Event {
    let (event, json) = match notice {
        Notice::Update(update) => (
            Event::default()
                .event("update")
                .id(update.batch.to_string()),
            serde_json::to_string(update),
        ),
        Notice::Refresh(refreshed) => (
            Event::default().event("refresh"),
            serde_json::to_string(refreshed),
        ),
    };
    match json {
        Ok(json) => event.data(json),
        Err(error) => {
            tracing::error!(entity_id = notice.entity_id(), %error, "an event cannot be written as JSON");
            event.comment("an event could not be written")
        }
    }
}
