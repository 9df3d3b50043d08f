//! The open connections: how many there may be, and which one goes when all
//! places are taken.
//!
//! A client that connects and says nothing must not keep others out. When there
//! is no place left, the connection that has been idle longest is closed; one
//! that is being answered never is.

use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{Request, Response};
use http_body::{Frame, SizeHint};
use tokio::sync::Notify;

/// Most connections at once: all streams and as many others. Half of the usual
/// limit on open files.
pub(super) const MAX_CONNECTIONS: usize = 512;

/// All open connections.
#[derive(Default)]
pub(super) struct Connections {
    open: Mutex<HashMap<u64, Arc<Open>>>,
    /// Counts what happens, so that it can be told what was longest ago.
    clock: AtomicU64,
    freed: Notify,
}

struct Open {
    /// Requests being answered; pipelined ones are more than one.
    busy: AtomicU32,
    idle_since: AtomicU64,
    close: Notify,
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

impl Connections {
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
            let idle = all.values().filter(|open| open.busy.load(Relaxed) == 0);
            if let Some(longest) = idle.min_by_key(|open| open.idle_since.load(Relaxed)) {
                longest.close.notify_one();
            }
            return None;
        }
        let number = self.moment();
        let open = Arc::new(Open {
            busy: AtomicU32::new(0),
            idle_since: AtomicU64::new(number),
            close: Notify::new(),
        });
        all.insert(number, Arc::clone(&open));
        Some(Place {
            number,
            open,
            all: Arc::clone(self),
        })
    }

    /// Later than all moments before.
    fn moment(&self) -> u64 {
        self.clock.fetch_add(1, Relaxed)
    }
}

impl Place {
    /// Returns when the place is wanted for another.
    pub(super) fn wanted(&self) -> impl Future<Output = ()> + use<> {
        let open = Arc::clone(&self.open);
        async move {
            loop {
                open.close.notified().await;
                // A request may have come since it was chosen.
                if open.busy.load(Relaxed) == 0 {
                    return;
                }
            }
        }
    }

    /// Marks the connection as busy until the answer to a request has left.
    pub(super) fn busy(&self) -> impl FnOnce(Response<Body>) -> Response<Answering> + use<> {
        self.open.busy.fetch_add(1, Relaxed);
        let busy = Busy {
            open: Arc::clone(&self.open),
            all: Arc::clone(&self.all),
        };
        move |response| response.map(|body| Answering { body, _busy: busy })
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

impl Drop for Busy {
    fn drop(&mut self) {
        self.open.idle_since.store(self.all.moment(), Relaxed);
        self.open.busy.fetch_sub(1, Relaxed);
        // Who waits for a place may have found nobody idle.
        self.all.freed.notify_one();
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
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
    F: Future<Output = Response<Body>> + Send,
{
    hyper::service::service_fn(move |request: Request<B>| {
        let finish = place.busy();
        let answered = answer(request.map(Body::new));
        async move { Ok(finish(answered.await)) }
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn the_longest_idle_connection_makes_room_and_a_busy_one_stays() {
        let all = Arc::new(Connections::default());
        let mut places = Vec::new();
        for _ in 0..MAX_CONNECTIONS {
            places.push(all.place().await);
        }
        // The oldest is being answered, the next was answered just now.
        let answering = places[0].busy();
        drop(places[1].busy());
        // One that was chosen before its request came.
        let chosen = places[0].wanted();
        places[0].open.close.notify_one();
        let closed = tokio::time::timeout(Duration::from_millis(50), chosen).await;
        assert!(closed.is_err(), "it is being answered");
        let waiting = {
            let all = Arc::clone(&all);
            tokio::spawn(async move { all.place().await })
        };
        let third = places[2].wanted();
        tokio::time::timeout(Duration::from_secs(5), third)
            .await
            .expect("the third is asked to go");
        assert!(!waiting.is_finished());
        drop(places.remove(2));
        waiting.await.unwrap();
        drop(answering);
    }
}
