//! `GET /v1/stream`: what changes, as server-sent events or over a WebSocket.
//!
//! Two kinds of streams share the route. Without `significance` a stream
//! carries what the home's own rules publish, the same for everybody; with it,
//! states shaped for this one client. A request that asks for a WebSocket gets
//! the same over one: it is the same stream, with the same parameters, bounds
//! and description.

mod frame;
mod options;
mod published;
mod shaped;
mod socket;

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, sleep_until};

use super::Shared;
use super::openapi::Problems;
use super::origin::RequestOrigin;
use super::problem::{Kind, Problem};
use super::upgrade::{self, Upgrade};
use crate::access::{Caller, Revocation};
use crate::request;
use frame::Framing;
use options::Options;
use published::Published;
use shaped::Shaped;

/// Most streams open at once: many more than a home has readers, few enough
/// that forgotten ones cannot use up the process's sockets.
pub(super) const MAX_STREAMS: usize = 256;

/// Comments keep proxies from closing a silent stream; most wait 30 s or more.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Streams so far.
#[derive(Debug, Default)]
pub(super) struct StreamCounts {
    /// Events sent.
    pub(super) events: AtomicU64,
}

/// What changes, as events without end.
///
/// Without `significance`, or with `home`, these are what the home's own rules publish: every published update as event
/// `update`, whose `id` is the number of its batch, and every refresh asked of Home Assistant as `refresh`. `lagged`
/// says with `missed` how many events there were, filtered ones included, while the client did not read.
///
/// With any other `significance` the stream is shaped for this client. Every change that matters to it is an event
/// `change` with the state object, or the `fields` of it; `merged` says how many earlier changes it stands for, and is
/// left out at 0. An entity that is gone, or has left the places asked for, is `removed`.
/// A client that reads slowly gets the newest state of each entity.
/// The `id` is a cursor: `Last-Event-ID` or `since` resume there, with all that has changed since. `cursor` opens a
/// stream; `reset` opens one that begins with all `entities` asked for, or interrupts it: forget what you hold. Both
/// name the `request_id` of the request that opened the stream, as the log does in every line about it; what the home
/// does has no request here, but its own `context`, as Home Assistant gives it.
///
/// A request with `Upgrade: websocket` gets the same as text messages, one for each event, with the members `event`,
/// `data` and, where there is one, `id`. It takes no messages from the client.
///
/// The stream ends when the server stops or the token is no longer accepted.
#[utoipa::path(
    get,
    path = "/v1/stream",
    tag = "Read",
    params(
        ("entity" = Option<Vec<String>>, Query, explode, description = "Entity ids such as `sensor.porch`, domains such as `sensor.*` and patterns such as `*_power`, of which one must fit; may be repeated"),
        ("domain" = Option<Vec<String>>, Query, explode, description = "Only entities of these domains"),
        ("glob" = Option<Vec<String>>, Query, explode, description = "Only entities that match a pattern such as `sensor.*_power`"),
        ("area" = Option<Vec<String>>, Query, explode, description = "Only what belongs to it, by Home Assistant's rules for targets"),
        ("floor" = Option<Vec<String>>, Query, explode, description = "Only what belongs to it, by Home Assistant's rules for targets"),
        ("device" = Option<Vec<String>>, Query, explode, description = "Only what belongs to it, by Home Assistant's rules for targets"),
        ("label" = Option<Vec<String>>, Query, explode, description = "Only what belongs to it, by Home Assistant's rules for targets"),
        ("significance" = Option<String>, Query, description = "What matters: `home` for what the home's own rules publish, `none` for every change, or how far a number must be from what this client got last: `0.5`, or `5%`"),
        ("interval" = Option<String>, Query, description = "Least time between two events of one entity, such as `5s`; the newest state follows at its end"),
        ("max_stale" = Option<String>, Query, description = "How long a number may differ from what was sent, such as `5m`, although the difference does not matter"),
        ("fields" = Option<Vec<String>>, Query, explode, description = "Only these members of a state, such as `state,attributes.unit_of_measurement`; without attributes, changes of attributes do not matter"),
        ("snapshot" = Option<bool>, Query, description = "Whether to begin with all entities"),
        ("since" = Option<String>, Query, description = "Begin with what changed since this cursor"),
        ("Last-Event-ID" = Option<String>, Header, description = "The same, as clients of server-sent events send it by themselves; stronger than `since`")
    ),
    responses(
        (status = 101, description = "The same events over a WebSocket, to a request that asks for one"),
        (status = 200, description = "Events without end", content_type = "text/event-stream", body = String),
        Problems<426>,
        Problems<503>
    )
)]
pub(super) async fn get(
    State(shared): State<Arc<Shared>>,
    Extension(origin): Extension<RequestOrigin>,
    mut request: Request,
) -> Result<Response, Problem> {
    let (id, caller) = (origin.request_id, origin.caller.as_ref()?);
    let options = Options::read(request.uri().query(), request.headers())?;
    if upgrade::is_wanted(request.headers()) {
        let upgrade = Upgrade::of(&mut request)?;
        let open = Open::new(&shared, caller, &id, options)?;
        let (answer, connection) = upgrade.accept();
        tokio::spawn(request::within(id, async move {
            match connection.await {
                Ok(connection) => socket::serve(open, connection).await,
                Err(error) => tracing::debug!(%error, "a client was gone before it was answered"),
            }
        }));
        return Ok(answer);
    }
    let open = Open::new(&shared, caller, &id, options)?;
    let head = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache"),
        // Asks proxies such as nginx not to collect the stream before passing it on.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    Ok((head, Body::from_stream(server_sent(open))).into_response())
}

/// One client's stream.
struct Open {
    source: Source,
    stop: watch::Receiver<bool>,
    revocation: Revocation,
    /// The request that opened it.
    id: Arc<str>,
    shared: Arc<Shared>,
    _permit: OwnedSemaphorePermit,
}

/// Where its events come from.
enum Source {
    Published(Box<Published>),
    Shaped(Box<Shaped>),
}

/// What comes next in a stream.
enum Next {
    /// Events.
    Events(Vec<u8>),
    /// Nothing has happened for a while.
    Silence,
    /// There will be no more.
    End(End),
}

/// Why a stream ends.
#[derive(Debug, Clone, Copy)]
enum End {
    /// The server stops.
    Stop,
    /// The token is no longer accepted.
    Revoked,
    /// Its events cannot be had any more.
    Broken,
}

impl Open {
    fn new(
        shared: &Arc<Shared>,
        caller: &Arc<Caller>,
        id: &Arc<str>,
        options: Options,
    ) -> Result<Self, Problem> {
        let Options { query, shape } = options;
        let hub = &shared.hub;
        hub.replica().check(&query)?;
        let permit = Arc::clone(&shared.streams)
            .try_acquire_owned()
            .map_err(|_| {
                Problem::new(
                    Kind::TooManyStreams,
                    format!("{MAX_STREAMS} streams are open; close one or try again later"),
                )
            })?;
        let source = match shape {
            None => Source::Published(Box::new(Published::new(hub, query))),
            Some((profile, resume)) => {
                let stream = Shaped::open(hub, query, profile, resume, id)?;
                Source::Shaped(Box::new(stream))
            }
        };
        Ok(Self {
            source,
            stop: shared.stop.clone(),
            revocation: shared.access.revocation(caller),
            id: Arc::clone(id),
            shared: Arc::clone(shared),
            _permit: permit,
        })
    }

    /// Waits for events, for at most as long as a stream may be silent.
    async fn next(&mut self, framing: Framing) -> Next {
        let silence = sleep_until(Instant::now() + KEEP_ALIVE);
        let (mut out, mut events) = (Vec::new(), 0);
        let mut append = |framing: Framing, event: &frame::Event<'_>, json: &[u8]| {
            events += 1;
            framing.append(event, json, &mut out);
        };
        let source = async {
            match &mut self.source {
                Source::Published(published) => published.next(framing, &mut append).await,
                Source::Shaped(shaped) => shaped.next(framing, &mut append).await,
            }
        };
        tokio::select! {
            // Whatever else there is to tell: not to one whose token is gone.
            biased;
            // A closed channel means that the server is gone: end as well.
            _ = self.stop.wait_for(|stop| *stop) => Next::End(End::Stop),
            () = self.revocation.wait() => {
                tracing::info!("a stream ends: its token is no longer accepted");
                Next::End(End::Revoked)
            }
            more = source => {
                self.shared.stream_counts.events.fetch_add(events, Ordering::Relaxed);
                more.map_or(Next::End(End::Broken), |()| Next::Events(out))
            }
            () = silence => Next::Silence,
        }
    }

    /// Where the client can resume, if it was not told.
    fn progress(&mut self) -> Option<String> {
        match &mut self.source {
            Source::Published(_) => None,
            Source::Shaped(shaped) => shaped.progress().map(|cursor| cursor.to_string()),
        }
    }
}

fn server_sent(open: Open) -> impl Stream<Item = Result<Bytes, Infallible>> {
    stream::unfold(open, |mut open| async move {
        // The request was answered long ago, and is still what this is done for.
        let id = Arc::clone(&open.id);
        let text = match request::within(id, open.next(Framing::ServerSent)).await {
            Next::Events(events) => Bytes::from(events),
            // An id without data moves the client's place, and is no event.
            Next::Silence => match open.progress() {
                Some(cursor) => format!(": keep-alive\nid: {cursor}\n\n").into(),
                None => Bytes::from_static(b": keep-alive\n\n"),
            },
            Next::End(_) => return None,
        };
        Some((Ok(text), open))
    })
}
