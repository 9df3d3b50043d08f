//! The open connections: how many there may be, and which one goes when all
//! places are taken.
//!
//! A client that connects and says nothing must not keep others out. When there
//! is no place left, the connection that has been idle longest is closed; one
//! that is being answered never is.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{Request, Response};
use http_body::{Frame, SizeHint};
use tokio::sync::Notify;

use super::home_assistant::From;

/// Most connections at once: all streams and as many others. Half of the usual
/// limit on open files.
pub(super) const MAX_CONNECTIONS: usize = 512;

/// All open connections.
#[derive(Default)]
pub(super) struct Connections {
    table: Mutex<Table>,
    freed: Notify,
}

#[derive(Default)]
struct Table {
    open: HashMap<u64, Open>,
    /// Counts what happens, so that it can be told what was longest ago.
    clock: u64,
}

struct Open {
    /// Requests being answered; pipelined ones are more than one.
    busy: u32,
    idle_since: u64,
    close: Arc<Notify>,
}

/// A place among the connections; free again when dropped.
pub(super) struct Place {
    number: u64,
    close: Arc<Notify>,
    all: Arc<Connections>,
}

/// A request being answered on a connection, until the end of the answer's body.
struct Busy {
    number: u64,
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
        self.with(|table| {
            if table.open.len() >= MAX_CONNECTIONS {
                let idle = table.open.values().filter(|open| open.busy == 0);
                if let Some(longest) = idle.min_by_key(|open| open.idle_since) {
                    longest.close.notify_one();
                }
                return None;
            }
            table.clock += 1;
            let (number, close) = (table.clock, Arc::new(Notify::new()));
            let open = Open {
                busy: 0,
                idle_since: number,
                close: Arc::clone(&close),
            };
            table.open.insert(number, open);
            Some(Place {
                number,
                close,
                all: Arc::clone(self),
            })
        })
    }

    fn with<T>(&self, change: impl FnOnce(&mut Table) -> T) -> T {
        change(&mut self.table.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Place {
    /// Returns when the place is wanted for another.
    pub(super) fn wanted(&self) -> impl Future<Output = ()> + use<> {
        let close = Arc::clone(&self.close);
        async move { close.notified().await }
    }

    /// Marks the connection as busy until the answer to `request` has left.
    pub(super) fn busy(&self) -> impl FnOnce(Response<Body>) -> Response<Body> + use<> {
        self.all.with(|table| {
            if let Some(open) = table.open.get_mut(&self.number) {
                open.busy += 1;
            }
        });
        let busy = Busy {
            number: self.number,
            all: Arc::clone(&self.all),
        };
        move |response| response.map(|body| Body::new(Answering { body, _busy: busy }))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.all.with(|table| table.open.remove(&self.number));
        self.all.freed.notify_one();
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.all.with(|table| {
            table.clock += 1;
            if let Some(open) = table.open.get_mut(&self.number) {
                open.busy = open.busy.saturating_sub(1);
                open.idle_since = table.clock;
            }
        });
        // Who waits for a place may have found nobody idle.
        self.all.freed.notify_one();
    }
}

/// The body of an answer, which keeps its connection busy.
struct Answering {
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

/// Answers requests through a router, tells it where they come from, and marks the connection busy meanwhile.
pub(super) fn service<B>(
    router: axum::Router,
    place: Arc<Place>,
    from: From,
) -> impl tower::Service<
    Request<B>,
    Response = Response<Body>,
    Error = std::convert::Infallible,
    Future = impl Future<Output = Result<Response<Body>, std::convert::Infallible>> + Send,
> + Clone
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    tower::service_fn(move |mut request: Request<B>| {
        request.extensions_mut().insert(from);
        let router = router.clone();
        let finish = place.busy();
        async move {
            let answered = tower::ServiceExt::oneshot(router, request).await;
            answered.map(finish)
        }
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
