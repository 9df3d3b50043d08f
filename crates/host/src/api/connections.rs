//! The open connections: how many there may be, which one goes when all places
//! are taken, and when one that says nothing ends.
//!
//! A client that connects and says nothing must not keep others out. When there
//! is no place left, the connection that has been idle longest is closed; one
//! that is being answered never is.
//!
//! A connection is idle until a request is complete, its body included, so that
//! a head or a body that trickles ends with the rest; each part of a body that
//! arrives counts as a sign of life. One timer for each connection sees to it,
//! where hyper would make one for each head: an allocation, and a turn in and
//! out of the runtime's wheel, with every request.

use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderValue, Request, Response, header};
use futures_util::FutureExt as _;
use http_body::{Frame, SizeHint};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::arriving::Arriving;

/// Most connections at once: all streams and as many others. Half of the usual
/// limit on open files.
pub(super) const MAX_CONNECTIONS: usize = 512;

/// All open connections.
pub(super) struct Connections {
    open: Mutex<HashMap<u64, Arc<Open>>>,
    opened: AtomicU64,
    freed: Notify,
    /// What moments are counted from.
    began: Instant,
}

struct Open {
    /// Complete requests being answered; pipelined ones are more than one.
    busy: AtomicU32,
    /// Since `began`, in microseconds.
    idle_since_us: AtomicU64,
    /// A body will not be read to its end: with the answer to it the connection ends.
    given_up: AtomicBool,
    close: Notify,
}

/// Why a connection is closed that its client left open.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Closing {
    /// Its place is wanted for another.
    Wanted,
    /// It was idle for too long.
    Idle,
}

/// A place among the connections; free again when dropped.
pub(super) struct Place {
    number: u64,
    open: Arc<Open>,
    all: Arc<Connections>,
}

/// A request being answered on a connection, until the end of the answer's body.
struct Busy {
    open: Arc<Open>,
    all: Arc<Connections>,
}

/// A request whose body is still to come: its connection counts as idle as long.
pub(super) struct Awaited {
    open: Arc<Open>,
    all: Arc<Connections>,
}

impl Connections {
    /// None, as yet.
    pub(super) fn new() -> Self {
        Self {
            open: Mutex::default(),
            opened: AtomicU64::new(0),
            freed: Notify::new(),
            began: Instant::now(),
        }
    }

    /// A place for one more connection, once there is one.
    pub(super) async fn place(self: &Arc<Self>) -> Place {
        loop {
            let freed = self.freed.notified();
            if let Some(place) = self.take() {
                return place;
            }
            freed.await;
        }
    }

    /// A free place; without one, the longest idle connection is told to close,
    /// which frees its place in a moment.
    fn take(self: &Arc<Self>) -> Option<Place> {
        let mut all = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MAX_CONNECTIONS {
            let idle = all.iter().filter(|(_, open)| open.busy.load(Acquire) == 0);
            let since =
                |(number, open): &(&u64, &Arc<Open>)| (open.idle_since_us.load(Relaxed), **number);
            if let Some((_, longest)) = idle.min_by_key(since) {
                longest.close.notify_one();
            }
            return None;
        }
        let number = self.opened.fetch_add(1, Relaxed);
        let open = Arc::new(Open {
            busy: AtomicU32::new(0),
            idle_since_us: AtomicU64::new(self.now_us()),
            given_up: AtomicBool::new(false),
            close: Notify::new(),
        });
        all.insert(number, Arc::clone(&open));
        Some(Place {
            number,
            open,
            all: Arc::clone(self),
        })
    }

    fn now_us(&self) -> u64 {
        self.began.elapsed().as_micros() as u64
    }
}

impl Place {
    /// Returns when the connection is to be closed: when its place is wanted for
    /// another, or once it has been idle for so long.
    pub(super) fn closing(&self, longest_idle: Duration) -> impl Future<Output = Closing> + use<> {
        let (open, all) = (Arc::clone(&self.open), Arc::clone(&self.all));
        async move {
            let mut left = longest_idle;
            loop {
                let wanted = timeout(left, open.close.notified()).await.is_ok();
                // A request may have come since it was chosen.
                if open.busy.load(Acquire) > 0 {
                    left = longest_idle;
                    continue;
                }
                if wanted {
                    return Closing::Wanted;
                }
                let idle_us = all
                    .now_us()
                    .saturating_sub(open.idle_since_us.load(Relaxed));
                left = longest_idle.saturating_sub(Duration::from_micros(idle_us));
                if left.is_zero() {
                    return Closing::Idle;
                }
            }
        }
    }

    /// Takes back what `busy` says of a request whose body is still to come.
    fn awaits(&self) -> Awaited {
        self.open.rest(&self.all);
        Awaited {
            open: Arc::clone(&self.open),
            all: Arc::clone(&self.all),
        }
    }

    /// Marks the connection as busy until the answer to a request has left.
    pub(super) fn busy(&self) -> impl FnOnce(Response<Body>) -> Response<Answering> + use<> {
        self.open.busy.fetch_add(1, Relaxed);
        let busy = Busy {
            open: Arc::clone(&self.open),
            all: Arc::clone(&self.all),
        };
        move |mut response| {
            if busy.open.given_up.load(Relaxed) {
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(header::CONNECTION, close);
            }
            response.map(|body| Answering { body, _busy: busy })
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut all = self.all.open.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(&self.number);
        drop(all);
        self.all.freed.notify_one();
    }
}

impl Open {
    /// One thing less keeps it busy.
    fn rest(&self, all: &Connections) {
        self.idle_since_us.store(all.now_us(), Relaxed);
        // Who sees it idle sees since when.
        self.busy.fetch_sub(1, Release);
        // Who waits for a place may have found nobody idle.
        all.freed.notify_one();
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.open.rest(&self.all);
    }
}

impl Awaited {
    /// Some of the body has come.
    pub(super) fn progress(&self) {
        self.open.idle_since_us.store(self.all.now_us(), Relaxed);
    }

    /// The rest of the body is not waited for.
    pub(super) fn give_up(&self) {
        self.open.given_up.store(true, Relaxed);
    }
}

impl Drop for Awaited {
    /// The body is complete, or nobody wants it any more.
    fn drop(&mut self) {
        self.open.busy.fetch_add(1, Relaxed);
    }
}

/// The body of an answer, which keeps its connection busy.
pub(super) struct Answering {
    body: Body,
    _busy: Busy,
}

impl HttpBody for Answering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Answers requests, and marks the connection busy meanwhile.
pub(super) fn service<B, F>(
    place: Place,
    answer: impl Fn(Request<Body>) -> F,
) -> impl hyper::service::Service<
    Request<B>,
    Response = Response<Answering>,
    Error = Infallible,
    Future = impl Future<Output = Result<Response<Answering>, Infallible>> + Send,
>
where
    B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<axum::BoxError>,
    F: Future<Output = Response<Body>> + Send,
{
    // Mapped, where an async block would hold the answer's future twice.
    hyper::service::service_fn(move |request: Request<B>| {
        let finish = place.busy();
        // Nearly all have none, and an empty one needs no room.
        let answered = answer(if request.body().is_end_stream() {
            request.map(|_| Body::empty())
        } else {
            let (head, body) = request.into_parts();
            let body = Arriving::new(body, &head.headers, place.awaits());
            Request::from_parts(head, Body::new(body))
        });
        answered.map(move |response| Ok(finish(response)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_mins(1);

    #[tokio::test]
    async fn the_longest_idle_connection_makes_room_and_a_busy_one_stays() {
        let all = Arc::new(Connections::new());
        let mut places = Vec::new();
        for _ in 0..MAX_CONNECTIONS {
            places.push(all.place().await);
        }
        // The oldest is being answered, the next was answered just now.
        let answering = places[0].busy();
        std::thread::sleep(Duration::from_millis(1));
        drop(places[1].busy());
        // One that was chosen before its request came.
        let chosen = places[0].closing(LONG);
        places[0].open.close.notify_one();
        let closed = timeout(Duration::from_millis(50), chosen).await;
        assert!(closed.is_err(), "it is being answered");
        let waiting = {
            let all = Arc::clone(&all);
            tokio::spawn(async move { all.place().await })
        };
        let third = places[2].closing(LONG);
        let closing = timeout(Duration::from_secs(5), third).await;
        assert_eq!(closing, Ok(Closing::Wanted), "the third is asked to go");
        assert!(!waiting.is_finished());
        drop(places.remove(2));
        waiting.await.unwrap();
        drop(answering);
    }

    #[tokio::test]
    async fn a_connection_is_busy_only_once_its_body_is_complete() {
        let all = Arc::new(Connections::new());
        let place = all.place().await;
        let busy = || place.open.busy.load(Acquire);
        let answering = place.busy();
        let awaited = place.awaits();
        assert_eq!(busy(), 0, "as long as the body is awaited");
        let limit = Duration::from_millis(100);
        let began = Instant::now();
        let closing = place.closing(limit);
        let (why, ()) = tokio::join!(closing, async {
            tokio::time::sleep(limit / 2).await;
            awaited.progress();
        });
        assert_eq!(why, Closing::Idle);
        assert!(
            began.elapsed() >= limit * 3 / 2,
            "what comes is a sign of life"
        );
        drop(awaited);
        assert_eq!(busy(), 1, "from then on it is being answered");
        drop(answering);
        assert_eq!(busy(), 0);
    }

    #[tokio::test]
    async fn a_connection_ends_that_is_idle_for_too_long_and_no_other() {
        let all = Arc::new(Connections::new());
        let silent = all.place().await;
        let answered = all.place().await;
        let slow = all.place().await;
        let began = Instant::now();
        let limit = Duration::from_millis(200);
        let answering = slow.busy();
        let (silent, answered_ends) = (silent.closing(limit), answered.closing(limit));
        let (silent, answered, slow) = tokio::join!(
            async { (silent.await, began.elapsed()) },
            async {
                tokio::time::sleep(limit / 2).await;
                drop(answered.busy());
                (answered_ends.await, began.elapsed())
            },
            timeout(limit * 3, slow.closing(limit)),
        );
        assert_eq!((silent.0, answered.0), (Closing::Idle, Closing::Idle));
        assert!(silent.1 >= limit && answered.1 >= limit * 3 / 2);
        assert!(slow.is_err(), "it is being answered");
        drop(answering);
    }
}
