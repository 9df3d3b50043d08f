//! The background task: one connection after the other, each driving a [`Session`].
//!
//! It moves frames, events and time between socket, session and host; what they mean is the session's matter.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::stream::SplitSink;
use futures_util::{SinkExt, StreamExt};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

use super::backoff::Backoff;
use super::dial::{Socket, dial};
use super::reader::read;
use super::{ClientConfig, Endpoint, LinkStats, Request};
use crate::{CommandError, DisconnectReason, Event, Session};

/// How long a proper close may take before the socket is simply dropped.
const CLOSE_LIMIT: Duration = Duration::from_secs(1);

pub(super) struct Link {
    config: ClientConfig,
    endpoint: Endpoint,
    stats: Arc<LinkStats>,
    events: mpsc::Sender<Event>,
    requests: mpsc::Receiver<Request>,
    /// Resolves when the client is dropped.
    stopped: watch::Receiver<()>,
}

/// Why a connection, or the wait for one, ended.
enum Ended {
    /// The host wants no more.
    Stopped,
    /// Home Assistant refused the token.
    Rejected,
    /// It failed, and another may not.
    Lost(DisconnectReason),
}

impl Link {
    pub(super) fn new(
        config: ClientConfig,
        endpoint: Endpoint,
        stats: Arc<LinkStats>,
        events: mpsc::Sender<Event>,
        requests: mpsc::Receiver<Request>,
        stopped: watch::Receiver<()>,
    ) -> Self {
        Self {
            config,
            endpoint,
            stats,
            events,
            requests,
            stopped,
        }
    }

    /// Keeps the link up until the host stops it or the token is refused.
    pub(super) async fn run(mut self) {
        let mut backoff = Backoff::new(self.config.backoff_min, self.config.backoff_max);
        loop {
            let (ended, lasted) = self.connect_once().await;
            let reason = match ended {
                Ended::Stopped => return,
                Ended::Rejected => {
                    tracing::debug!("Home Assistant refused the token; not trying again");
                    return;
                }
                Ended::Lost(reason) => reason,
            };
            // A connection that breaks soon after its snapshot must not bring the next snapshot at full speed.
            if lasted >= self.config.backoff_max {
                backoff.reset();
            }
            let retry_in = backoff.next_delay();
            tracing::warn!(
                retry_in_s = format_args!("{:.1}", retry_in.as_secs_f32()),
                "{reason}"
            );
            let until = Instant::now() + retry_in;
            if self
                .deliver(Event::Disconnected { reason, retry_in })
                .await
                .is_err()
                || self.offline(tokio::time::sleep_until(until)).await.is_err()
            {
                return;
            }
        }
    }

    /// Dials and serves one connection. Tells how long it lasted.
    async fn connect_once(&mut self) -> (Ended, Duration) {
        let (endpoint, config) = (self.endpoint.clone(), self.config.clone());
        let socket = match self.offline(Box::pin(dial(&endpoint, &config))).await {
            Ok(Ok(socket)) => socket,
            Ok(Err(reason)) => return (Ended::Lost(reason), Duration::ZERO),
            Err(ended) => return (ended, Duration::ZERO),
        };
        self.stats.connections.fetch_add(1, Ordering::Relaxed);
        let start = Instant::now();
        let mut session = Session::new(self.config.session.clone());
        let ended = self.serve(socket, start, &mut session).await;
        session.handle_closed();
        let ended = match self.deliver_all(&mut session).await {
            Ok(()) => ended,
            Err(stopped) => stopped,
        };
        (ended, start.elapsed())
    }

    /// Drives the session on an open socket.
    async fn serve(&mut self, socket: Socket, start: Instant, session: &mut Session) -> Ended {
        let (mut sink, stream) = socket.split();
        let (queue, mut frames) = mpsc::channel(self.config.frame_queue.max(1));
        let mut reader = JoinSet::new(); // Ends the reader when dropped.
        reader.spawn(read(stream, queue, Arc::clone(&self.stats)));
        let ended = loop {
            if let Err(ended) = self.settle(session, &mut sink).await {
                break ended;
            }
            let deadline = session
                .deadline()
                .map_or(start, |deadline| start + deadline);
            // In this order, so that no flood of frames delays a stop, and no time-out precedes a frame that is here.
            let outcome = tokio::select! {
                biased;
                _ = self.stopped.changed() => break Ended::Stopped,
                () = self.events.closed() => break Ended::Stopped,
                Some(request) = self.requests.recv() => {
                    match request {
                        Request::Call(call) => session.call_service(start.elapsed(), call),
                        Request::Mark(mark) => session.mark(start.elapsed(), mark),
                    }
                    Ok(())
                }
                frame = frames.recv() => match frame {
                    Some(Ok(frame)) => session.handle_frame(start.elapsed(), &frame),
                    Some(Err(reason)) => break Ended::Lost(reason),
                    None => break Ended::Lost(DisconnectReason::Broken {
                        detail: "the reader ended".to_owned(),
                    }),
                },
                () = tokio::time::sleep_until(deadline) => session.handle_timeout(start.elapsed()),
            };
            if let Err(error) = outcome {
                break Ended::Lost(error.into());
            }
        };
        // Best effort: the other side may be gone, and its answer is not needed.
        let _ = tokio::time::timeout(CLOSE_LIMIT, sink.close()).await;
        ended
    }

    /// Sends and delivers everything the session has ready.
    async fn settle(
        &mut self,
        session: &mut Session,
        sink: &mut SplitSink<Socket, Message>,
    ) -> Result<(), Ended> {
        let after = self.config.session.command_timeout;
        while let Some(frame) = session.poll_transmit() {
            match tokio::time::timeout(after, sink.send(Message::text(frame))).await {
                Ok(Ok(())) => {}
                // What the other side said before it went is in the reader's queue and tells more than this error.
                Ok(Err(error)) => tracing::debug!(%error, "cannot send"),
                Err(_) => return Err(Ended::Lost(DisconnectReason::WriteStalled { after })),
            }
        }
        self.deliver_all(session).await?;
        if session.is_closed() {
            return Err(Ended::Rejected);
        }
        Ok(())
    }

    async fn deliver_all(&mut self, session: &mut Session) -> Result<(), Ended> {
        while let Some(event) = session.poll_event() {
            self.deliver(event).await?;
        }
        Ok(())
    }

    /// Hands an event to the host, waiting for room.
    async fn deliver(&mut self, event: Event) -> Result<(), Ended> {
        tokio::select! {
            biased;
            sent = self.events.send(event) => sent.map_err(|_| Ended::Stopped),
            _ = self.stopped.changed() => Err(Ended::Stopped),
        }
    }

    /// Waits for something while there is no connection: calls fail at once instead of piling up.
    async fn offline<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Ended> {
        tokio::pin!(work);
        loop {
            let request = tokio::select! {
                biased;
                _ = self.stopped.changed() => return Err(Ended::Stopped),
                () = self.events.closed() => return Err(Ended::Stopped),
                done = &mut work => return Ok(done),
                Some(request) = self.requests.recv() => request,
            };
            let event = match request {
                Request::Call(call) => Event::CommandResult {
                    correlation: call.correlation,
                    result: Err(CommandError::NotConnected),
                },
                Request::Mark(mark) => Event::Marked { mark, live: false },
            };
            self.deliver(event).await?;
        }
    }
}
