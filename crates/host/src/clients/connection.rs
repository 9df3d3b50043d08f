//! One client: moves frames, changes and time between its sockets, the hub and its gateway.
//!
//! A client that does not read is not written to, and then Home Assistant is not read for it. Changes that are shaped
//! merge meanwhile; others pile up to a bound, at which the client is cut off as Home Assistant would do.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::SplitStream;
use futures_util::{Sink, SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Message};
use weirhouse_hass::{
    Frame, Gateway, GatewayEvent, GatewayStats, Identity, Profile, Socket, Timestamp,
};

use super::in_force::Profiles;
use super::meter::{Metered, Trust};
use super::{ClientProfile, Clients, Place};
use crate::hub::{Followed, Resume, StreamClient};
use crate::mirror::{Query, Source};

/// Largest message of a client, as in Home Assistant.
const MESSAGE_BYTES: usize = 4 << 20;

/// Read at once from a client; few send more than commands.
const READ_BYTES: usize = 16 << 10;

/// Longest time until a client may send commands. Home Assistant ends a login after 10 s itself.
const LOGIN_LIMIT: Duration = Duration::from_secs(15);

/// How often either side is asked for a sign of life, as often as Home Assistant asks.
const HEARTBEAT: Duration = Duration::from_secs(55);

/// How long the last words may take.
const CLOSE_LIMIT: Duration = Duration::from_secs(1);

/// Messages waiting for the client beyond which Home Assistant is not read.
const BACKLOG: usize = 256;

/// Frames waiting for Home Assistant beyond which the client is not read.
const UPSTREAM_BACKLOG: usize = 64;

/// Entities taken at once of those that are due.
const MOST_TAKEN: u32 = 1000;

/// Why a connection ended.
enum Ended {
    /// With a close frame for the client, and everything it was to be told before.
    Close(CloseCode, &'static str),
    /// The client is gone.
    Gone,
}

/// Serves a client until either side ends.
pub(super) async fn serve<S>(clients: &Clients, place: Place, stream: S)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_BYTES))
        .max_frame_size(Some(MESSAGE_BYTES))
        .read_buffer_size(READ_BYTES);
    let trust = Trust::default();
    let stream = Metered::new(stream, trust.clone());
    let client = WebSocketStream::from_raw_socket(stream, Role::Server, Some(limits)).await;
    clients.counters.connected();
    let mut writers = JoinSet::new(); // Ends what still writes when dropped.
    let (to_client, from_client) = split(client, &mut writers);
    let (to_upstream, from_upstream) = split::<Socket>(place.upstream, &mut writers);
    let profiles = clients.profiles();
    let mut connection = Connection {
        clients,
        from: place.from,
        gateway: Gateway::new(profiles.tells_tokens_apart()),
        profiles,
        trust,
        followed: None,
        shaped: None,
        awaited: None,
        started: Instant::now(),
        counted: GatewayStats::default(),
    };
    let ended = connection
        .run(from_client, from_upstream, &to_client, &to_upstream)
        .await;
    connection.count();
    let goodbye = async {
        if let Ended::Close(code, reason) = ended {
            while let Some(frame) = connection.gateway.poll_client(now()) {
                if to_client.send(message_of(frame)).await.is_err() {
                    return;
                }
            }
            let reason = reason.into();
            let _ = to_client
                .send(Message::Close(Some(CloseFrame { code, reason })))
                .await;
        }
        let _ = to_upstream.send(Message::Close(None)).await;
        drop((to_client, to_upstream));
        while writers.join_next().await.is_some() {}
    };
    // The other side may be gone or hang: nobody waits for it.
    let _ = tokio::time::timeout(CLOSE_LIMIT, goodbye).await;
}

/// The reading end of a socket, and a queue for what a task of its own writes.
fn split<W>(socket: W, writers: &mut JoinSet<()>) -> (mpsc::Sender<Message>, SplitStream<W>)
where
    W: futures_util::Stream + Sink<Message> + Send + Unpin + 'static,
    W::Item: Send,
{
    let (mut sink, stream) = socket.split();
    let (queue, mut messages) = mpsc::channel(1);
    writers.spawn(async move {
        while let Some(message) = messages.recv().await {
            if sink.send(message).await.is_err() {
                return;
            }
        }
        let _ = sink.close().await;
    });
    (queue, stream)
}

struct Connection<'a> {
    clients: &'a Clients,
    from: std::net::IpAddr,
    gateway: Gateway,
    profiles: Profiles,
    trust: Trust,
    followed: Option<broadcast::Receiver<Arc<Followed>>>,
    /// What says which changes are told when, if they are shaped.
    shaped: Option<StreamClient>,
    /// The mark that is under way.
    awaited: Option<u64>,
    started: Instant,
    /// What of the gateway's counters was added to the sums.
    counted: GatewayStats,
}

type Inbound = Option<Result<Message, Error>>;

impl Connection<'_> {
    async fn run<C, U>(
        &mut self,
        mut from_client: C,
        mut from_upstream: U,
        to_client: &mpsc::Sender<Message>,
        to_upstream: &mpsc::Sender<Message>,
    ) -> Ended
    where
        C: futures_util::Stream<Item = Result<Message, Error>> + Unpin,
        U: futures_util::Stream<Item = Result<Message, Error>> + Unpin,
    {
        let mut stop = self.clients.stop.clone();
        let mut heartbeat = tokio::time::interval(HEARTBEAT);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        heartbeat.reset();
        let (mut client_alive, mut upstream_alive) = (true, true);
        let mut pings = (false, false);
        loop {
            self.settle();
            if let Some(closing) = self.gateway.closing() {
                return Ended::Close(closing.code().into(), closing.reason());
            }
            let (gateway, followed, shaped) = (&self.gateway, &mut self.followed, &self.shaped);
            let login_ends = self.started + LOGIN_LIMIT;
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => {
                    return Ended::Close(CloseCode::Away, "Weirhouse stops");
                }
                () = self.profiles.changed() => {
                    tracing::info!("a client must connect again: its profile is another now");
                    return Ended::Close(CloseCode::Restart, "the profile has changed; connect again");
                }
                permit = to_client.reserve(), if pings.0 || gateway.has_client_frame() => {
                    let Ok(permit) = permit else {
                        return Ended::Gone;
                    };
                    if std::mem::take(&mut pings.0) {
                        permit.send(Message::Ping(Bytes::new()));
                    } else if let Some(frame) = self.gateway.poll_client(now()) {
                        permit.send(message_of(frame));
                    }
                }
                permit = to_upstream.reserve(), if pings.1 || gateway.upstream_backlog() > 0 => {
                    let Ok(permit) = permit else {
                        self.gateway.handle_upstream_closed();
                        continue;
                    };
                    if std::mem::take(&mut pings.1) {
                        permit.send(Message::Ping(Bytes::new()));
                    } else if let Some(frame) = self.gateway.poll_upstream() {
                        permit.send(message_of(frame));
                    }
                }
                inbound = from_client.next(),
                    if gateway.wants_client() && gateway.upstream_backlog() < UPSTREAM_BACKLOG =>
                {
                    client_alive = true;
                    if let Some(ended) = self.handle_client(inbound) {
                        return ended;
                    }
                }
                inbound = from_upstream.next(), if gateway.backlog() < BACKLOG => {
                    upstream_alive = true;
                    self.handle_upstream(inbound);
                }
                // What waits merges there, rather than here.
                () = ready(shaped.as_ref()), if !gateway.has_client_frame() => self.take_shaped(),
                followed = next(followed) => self.handle_followed(followed.as_deref()),
                () = tokio::time::sleep_until(login_ends), if !gateway.is_live() => {
                    return Ended::Close(CloseCode::Again, "the login took too long");
                }
                _ = heartbeat.tick() => {
                    // One that is not read for want of room has not had its chance to answer.
                    let client_read = self.gateway.wants_client()
                        && self.gateway.upstream_backlog() < UPSTREAM_BACKLOG;
                    if !client_alive && client_read {
                        return Ended::Gone;
                    }
                    if !upstream_alive && self.gateway.backlog() < BACKLOG {
                        return Ended::Close(CloseCode::Restart, "Home Assistant does not answer");
                    }
                    (client_alive, upstream_alive) = (false, false);
                    pings = (true, true);
                }
            }
        }
    }

    /// Does what the gateway asks for.
    fn settle(&mut self) {
        while let Some(event) = self.gateway.poll_event() {
            match event {
                GatewayEvent::LoggedIn(identity) => self.log_in(&identity),
                GatewayEvent::Refused => {
                    self.clients.counters.note_refused();
                    self.clients.refusals.note(self.from);
                    tracing::info!(from = %self.from, "Home Assistant refused the token of a client");
                }
            }
        }
        if self.gateway.is_accepted() {
            self.trust.give();
        }
        while self.gateway.poll_mark() {
            match self.clients.mark() {
                Ok(mark) => self.awaited = Some(mark),
                Err(error) => {
                    tracing::debug!(%error, "no mark: Home Assistant answers itself");
                    self.gateway.handle_mark(false, &*self.clients.hub);
                }
            }
        }
        self.count();
    }

    fn log_in(&mut self, identity: &Identity) {
        self.clients.refusals.forget(self.from);
        let profile = self.profiles.give(identity, self.from);
        let profile = profile.as_ref();
        tracing::debug!(
            user_id = identity.user_id,
            admin = identity.is_admin,
            profile = profile.map(|it| it.name.as_str()),
            "a client of Home Assistant logged in"
        );
        if identity.is_admin {
            self.followed = Some(self.clients.hub.follow());
        }
        let shape = profile.and_then(ClientProfile::shape);
        self.shaped = shape.and_then(|shape| {
            let query = Query::of(Source::States);
            match self.clients.hub.open_stream(shape, query, Resume::Now) {
                Ok((shaped, _)) => Some(shaped),
                Err(error) => {
                    tracing::warn!(%error, "a client is told every change: its profile does not work");
                    None
                }
            }
        });
        self.gateway.handle_profile(Profile {
            takes: profile.and_then(ClientProfile::takes),
            shaped: self.shaped.is_some(),
        });
    }

    /// Takes what the optimizer says is due.
    fn take_shaped(&mut self) {
        let Some(shaped) = &mut self.shaped else {
            return;
        };
        let mut due = Vec::new();
        let outcome = loop {
            match shaped.take(MOST_TAKEN) {
                Ok(Some(batch)) => {
                    due.extend(batch.given.into_iter().map(|given| given.entity_id));
                    if batch.dropped > 0 {
                        break shaped.begin_anew().map(drop);
                    }
                    if !batch.more {
                        break Ok(());
                    }
                }
                // Started anew, it knows nothing of the client.
                Ok(None) => break shaped.begin_anew().map(drop),
                Err(error) => break Err(error),
            }
        };
        self.gateway.handle_due(due, &*self.clients.hub);
        if let Err(error) = outcome {
            tracing::warn!(%error, "a client must connect again: its changes are not shaped any more");
            self.gateway.handle_lost();
        }
    }

    fn handle_client(&mut self, inbound: Inbound) -> Option<Ended> {
        match inbound {
            Some(Ok(message)) => {
                if let Some(frame) = frame_of(message) {
                    self.gateway.handle_client(frame);
                }
                None
            }
            Some(Err(Error::Capacity(CapacityError::MessageTooLong { .. }))) => {
                Some(Ended::Close(CloseCode::Size, "a message is over 4 MiB"))
            }
            Some(Err(Error::Utf8(_))) => {
                Some(Ended::Close(CloseCode::Invalid, "a text is no UTF-8"))
            }
            Some(Err(Error::Protocol(error))) => {
                tracing::debug!(%error, "a client does not keep to the protocol");
                Some(Ended::Close(CloseCode::Protocol, "a frame is malformed"))
            }
            Some(Err(_)) | None => Some(Ended::Gone),
        }
    }

    fn handle_upstream(&mut self, inbound: Inbound) {
        match inbound {
            Some(Ok(message)) => {
                if let Some(frame) = frame_of(message) {
                    self.gateway.handle_upstream(self.started.elapsed(), frame);
                }
            }
            Some(Err(error)) => {
                tracing::debug!(%error, "a client's connection to Home Assistant broke");
                self.gateway.handle_upstream_closed();
            }
            None => self.gateway.handle_upstream_closed(),
        }
    }

    fn handle_followed(&mut self, followed: Result<&Followed, &RecvError>) {
        match followed {
            Ok(Followed::Changes(changes)) => self.gateway.handle_changes(changes),
            Ok(Followed::Marked { mark, live }) => {
                if self.awaited == Some(*mark) {
                    self.awaited = None;
                    self.gateway.handle_mark(*live, &*self.clients.hub);
                }
            }
            Ok(Followed::Stale) => self.gateway.handle_stale(),
            Err(_) => {
                // It missed changes, and a mark perhaps: only a new beginning helps.
                self.followed = None;
                self.gateway.handle_lost();
            }
        }
    }

    fn count(&mut self) {
        let now = self.gateway.stats();
        if now != self.counted {
            self.clients.counters.add(self.counted, now);
            self.counted = now;
        }
    }
}

/// Returns when changes are due; never to one whose changes are not shaped.
async fn ready(shaped: Option<&StreamClient>) {
    match shaped {
        Some(shaped) => shaped.ready().await,
        None => std::future::pending().await,
    }
}

/// What the hub tells next; never anything to one who does not follow it.
async fn next(
    followed: &mut Option<broadcast::Receiver<Arc<Followed>>>,
) -> Result<Arc<Followed>, RecvError> {
    match followed {
        Some(followed) => followed.recv().await,
        None => std::future::pending().await,
    }
}

fn frame_of(message: Message) -> Option<Frame> {
    match message {
        Message::Text(text) => Some(Frame::Text(text.as_str().to_owned())),
        Message::Binary(bytes) => Some(Frame::Binary(bytes.to_vec())),
        // Answered by the library, and the end of the stream follows a close.
        Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_) => None,
    }
}

fn message_of(frame: Frame) -> Message {
    match frame {
        Frame::Text(text) => Message::text(text),
        Frame::Binary(bytes) => Message::binary(bytes),
    }
}

/// The wall clock's time.
fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Timestamp::from_micros(since.map_or(0, |since| since.as_micros() as i64))
}
